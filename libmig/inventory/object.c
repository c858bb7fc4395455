// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * object.c - kernel objects whose state decides whether they can be kept
 *
 * The state is in the object's text in /proc/PID/fdinfo, or in the contents of a message queue. For
 * a directory it is the owner of the descriptor.
 */
#include "libmig/inventory/priv.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/proc.h"
#include "common/procdir.h"
#include "libmig/refusal.h"

#define OBJECT_FDINFO_MAX (1 << 24) /* an epoll instance has a line for each file */
#ifndef MQUEUE_MAGIC
#define MQUEUE_MAGIC 0x19800202
#endif

static ssize_t object_read_fdinfo(const struct inventory_proc *proc, int fd, char **ret)
{
	char path[32];

	snprintf(path, sizeof(path), "fdinfo/%d", fd);
	return file_read_all(proc->dirfd, path, OBJECT_FDINFO_MAX, ret);
}

static int object_check_timer(struct inventory_scan *scan, const struct inventory_proc *proc,
			      int fd, const char *link)
{
	_cleanup_free_ char *fdinfo = NULL;
	const char *clock;
	int number;

	if (object_read_fdinfo(proc, fd, &fdinfo) < 0)
		return 0;
	clock = proc_field(fdinfo, "clockid");
	number = clock ? atoi(clock) : CLOCK_MONOTONIC;
	if (number != CLOCK_REALTIME_ALARM && number != CLOCK_BOOTTIME_ALARM)
		return 0;
	return inventory_fd_refuse(scan, proc, fd, link, refusal_get(REFUSAL_ALARM));
}

/* Whether a descriptor of the process is the file that the epoll instance knows as target. */
static bool object_is_target(const struct inventory_proc *proc, int epoll, int fd,
			     unsigned int target)
{
	struct kcmp_epoll_slot slot = { .efd = (uint32_t)epoll, .tfd = target };
	long r;

	/* It may know several files by the same number. */
	do
		r = syscall(SYS_kcmp, proc->pid, proc->pid, KCMP_EPOLL_TFD, fd, &slot);
	while (r > 0 && ++slot.toff > 0);
	return r == 0;
}

/* Whether the process still has the file. Mostly it has the number by which the instance knows it.
 */
static bool object_has_target(const struct inventory_proc *proc, int fds, int epoll,
			      unsigned int target, unsigned long long ino)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	const char *name;
	struct stat st;

	if (object_is_target(proc, epoll, (int)target, target))
		return true;
	if (procdir_open(&dir, fds, ".") < 0)
		return true;
	while ((name = procdir_next(&dir)))
		if (fstatat(fds, name, &st, 0) == 0 && st.st_ino == ino &&
		    object_is_target(proc, epoll, atoi(name), target))
			return true;
	return false;
}

/* A file that an epoll instance watches. */
struct object_target {
	unsigned int number; /* the descriptor when the file was added */
	unsigned long long ino;
};

/* Parses the next line about a file from *line on: "tfd: 5 events: 19 data: 5 pos:0 ino:1a4
 * sdev:e". */
static bool object_next_target(const char **line, struct object_target *ret)
{
	while ((*line = strstr(*line, "tfd:"))) {
		const char *at = *line;

		*line += strlen("tfd:");
		if (sscanf(at, "tfd: %u events: %*x data: %*x pos:%*d ino:%llx", &ret->number,
			   &ret->ino) == 2)
			return true;
	}
	return false;
}

/* Whether the instance still has the file: a running process may have closed it since. */
static bool object_is_left(const struct inventory_proc *proc, int epoll,
			   const struct object_target *target)
{
	_cleanup_free_ char *fdinfo = NULL;
	struct object_target now;
	const char *line;

	if (object_read_fdinfo(proc, epoll, &fdinfo) < 0)
		return false;
	for (line = fdinfo; object_next_target(&line, &now);)
		if (now.number == target->number && now.ino == target->ino)
			return true;
	return false;
}

static int object_check_epoll(struct inventory_scan *scan, const struct inventory_proc *proc,
			      int fds, int fd)
{
	_cleanup_free_ char *fdinfo = NULL;
	struct object_target target;
	const char *line;
	char text[64];

	if (object_read_fdinfo(proc, fd, &fdinfo) < 0)
		return 0;
	for (line = fdinfo; object_next_target(&line, &target);) {
		if (object_has_target(proc, fds, fd, target.number, target.ino) ||
		    !object_is_left(proc, fd, &target))
			continue;
		snprintf(text, sizeof(text), "once fd %u", target.number);
		return inventory_fd_refuse(scan, proc, fd, text, refusal_get(REFUSAL_TARGET));
	}
	return 0;
}

/* Events that wait for an answer. Processes that open or read a file wait until then. */
#define OBJECT_ASKS                                                                                \
	(FAN_OPEN_PERM | FAN_ACCESS_PERM | 0x40000u /* FAN_OPEN_EXEC_PERM, Linux 5.0 */ |          \
	 0x100000u /* FAN_PRE_ACCESS, Linux 6.14 */)

/* A line for each mark: "fanotify ino:4f sdev:fd00001 mflags:0 mask:10000 ignored_mask:0 ...". */
static int object_check_fanotify(struct inventory_scan *scan, const struct inventory_proc *proc,
				 int fd, const char *link)
{
	_cleanup_free_ char *fdinfo = NULL;

	if (object_read_fdinfo(proc, fd, &fdinfo) < 0)
		return 0;
	for (const char *at = fdinfo; (at = strstr(at, " mask:")); at += strlen(" mask:"))
		if (strtoul(at + strlen(" mask:"), NULL, 16) & OBJECT_ASKS)
			return inventory_fd_refuse(scan, proc, fd, link, refusal_get(REFUSAL_ASKS));
	return 0;
}

/* "QSIZE:0 NOTIFY:0 SIGNO:34 NOTIFY_PID:123", with more blanks. */
static int object_check_queue(struct inventory_scan *scan, const struct inventory_proc *proc,
			      int fd, const char *link)
{
	char path[48], text[256];
	const char *pid;
	struct statfs fs;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)proc->pid, fd);
	if (statfs(path, &fs) < 0 || fs.f_type != MQUEUE_MAGIC ||
	    inventory_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return 0;
	pid = strstr(text, "NOTIFY_PID:");
	if (!pid || !inventory_has_pid(scan, atoi(pid + strlen("NOTIFY_PID:"))))
		return 0;
	return inventory_fd_refuse(scan, proc, fd, link, refusal_get(REFUSAL_NOTICE));
}

/* F_NOTIFY makes the process the owner of the directory's descriptor, and nothing else does that.
 */
int inventory_object_check_directory(struct inventory_scan *scan, const struct inventory_proc *proc,
				     int fd, const char *link)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, proc->pid, 0), copy = -1;
	struct f_owner_ex owner = { 0 };

	copy = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (copy < 0 || fcntl(copy, F_GETOWN_EX, &owner) < 0 || owner.pid == 0)
		return 0;
	return inventory_fd_refuse(scan, proc, fd, link, refusal_get(REFUSAL_CHANGES));
}

int inventory_object_check(struct inventory_scan *scan, const struct inventory_proc *proc, int fds,
			   int fd, const char *link)
{
	if (!strcmp(link, "anon_inode:[timerfd]"))
		return object_check_timer(scan, proc, fd, link);
	if (!strcmp(link, "anon_inode:[eventpoll]"))
		return object_check_epoll(scan, proc, fds, fd);
	if (!strcmp(link, "anon_inode:[fanotify]"))
		return object_check_fanotify(scan, proc, fd, link);
	/* A queue is in the root directory of its file system. */
	if (link[0] == '/' && !strchr(link + 1, '/'))
		return object_check_queue(scan, proc, fd, link);
	return 0;
}
