// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * kind.c - which kinds of files are kept, and which ones CRIU creates again
 *
 * All are kept except those that are bound to the processes of the old tree:
 *
 *	pidfd     of a process of the tree, because the new process is another one
 *	/proc     files of a process of the tree
 *	epoll     if a signalfd or a pidfd of the tree is in it: it waits for the process
 *	          that added the signalfd, and for the process of the pidfd
 */
#include <errno.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/proc.h"
#include "libmig/keep/priv.h"
#include "libmig/keep/reopen.h"
#include "libmig/refusal.h"

static size_t kind_read_fdinfo(int fd, char **ret)
{
	char path[48];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	len = file_read_all(AT_FDCWD, path, 1 << 24, ret);
	return len < 0 ? 0 : (size_t)len;
}

static bool kind_pidfd_is_of_tree(const struct keep_scan *scan, const struct keep_file *file)
{
	_cleanup_free_ char *text = NULL;
	uint64_t pid;

	return kind_read_fdinfo(file->fd, &text) == 0 || !proc_number(text, "Pid", 10, &pid) ||
	       keep_is_of_tree(scan, (pid_t)pid);
}

bool keep_kind_is_proc_of_tree(const struct keep_scan *scan, int fd)
{
	char path[48], link[64];
	struct statfs fs;
	ssize_t len;

	if (fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, link, sizeof(link) - 1);
	if (len <= 0)
		return false;
	link[len] = '\0';
	return !strncmp(link, "/proc/", 6) && !reopen_proc_is_net(link) &&
	       keep_is_of_tree(scan, atoi(link + 6));
}

/* A kind that CRIU does not know. Its module has accepted it (module/keep.c). */
static int kind_check_unknown(const struct keep_scan *scan, const struct keep_file *file)
{
	char path[48], link[PATH_MAX];
	const struct refusal *why;
	struct stat st;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0 || fstat(file->fd, &st) < 0)
		return err_sys(scan->err, errno, "check fd %d of pid %d", file->number,
			       (int)file->pid);
	link[len] = '\0';
	why = refusal_of(link, &st);
	return why ? err_set(scan->err, EOPNOTSUPP,
			     "pid %d: fd %d is %s (%s), which cannot be carried: %s; %s",
			     (int)file->pid, file->number, why->what, link, why->why, why->remedy)
		   : 0;
}

int keep_kind_decide(const struct keep_scan *scan, struct keep_file *file)
{
	file->how = KEEP_KEPT;
	switch (file->type) {
	case KEEP_PIDFD:
		file->bound = kind_pidfd_is_of_tree(scan, file);
		file->how = file->bound ? KEEP_NOT : KEEP_KEPT;
		break;
	case KEEP_SIGNALFD:
		/* It has only a mask, and reads the signals of the process that reads. */
		file->bound = true;
		break;
	case KEEP_REG:
		file->bound = file->proc = keep_kind_is_proc_of_tree(scan, file->fd);
		file->how = file->bound ? KEEP_NOT : KEEP_KEPT;
		break;
	case KEEP_EXT:
		return kind_check_unknown(scan, file);
	}
	return 0;
}

/* Whether the epoll instance watches the file, which it knows by this number. */
static bool kind_is_target(const struct keep_file *epoll, const struct keep_file *file,
			   unsigned int number)
{
	struct kcmp_epoll_slot slot = { .efd = (uint32_t)epoll->fd, .tfd = number };
	long r;

	/* It may know several files by the same number. */
	do
		r = syscall(SYS_kcmp, getpid(), getpid(), KCMP_EPOLL_TFD, file->fd, &slot);
	while (r > 0 && ++slot.toff > 0);
	return r == 0;
}

/* fdinfo has a line for each file: "tfd: 5 events: 19 data: 5 pos:0 ino:1a4 sdev:e". */
static bool kind_waits_for(const struct keep_file *epoll, const char *fdinfo,
			   const struct keep_file *file)
{
	unsigned long long ino;
	unsigned int number;
	struct stat st;

	if (fstat(file->fd, &st) < 0)
		return true;
	for (const char *line = fdinfo; (line = strstr(line, "tfd:")); line += 4)
		if (sscanf(line, "tfd: %u events: %*x data: %*x pos:%*d ino:%llx", &number, &ino) ==
			    2 &&
		    ino == st.st_ino && kind_is_target(epoll, file, number))
			return true;
	return false;
}

static bool kind_waits_for_bound(const struct keep_scan *scan, const struct keep_file *epoll)
{
	_cleanup_free_ char *text = NULL;

	if (kind_read_fdinfo(epoll->fd, &text) == 0)
		return true;
	for (size_t i = 0; i < scan->n_sorted; i++)
		if (scan->files[i].bound && scan->files[i].fd >= 0 &&
		    kind_waits_for(epoll, text, &scan->files[i]))
			return true;
	return false;
}

void keep_kind_decide_epolls(struct keep_scan *scan)
{
	bool changed;

	/* An instance that is bound may be in another one. */
	do {
		changed = false;
		for (size_t i = 0; i < scan->n_sorted; i++) {
			struct keep_file *file = &scan->files[i];

			if (file->type != KEEP_EVENTPOLL || file->fd < 0 || file->bound ||
			    !kind_waits_for_bound(scan, file))
				continue;
			file->bound = changed = true;
			file->how = KEEP_NOT;
		}
	} while (changed);
}
