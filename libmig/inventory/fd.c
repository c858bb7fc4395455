// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * fd.c - descriptors of a tree that prevent a move
 *
 * The mover keeps the object of almost every descriptor (keep.h). Refused are objects that are
 * bound to the processes of the old tree, and objects that CRIU cannot dump.
 *
 * The link /proc/PID/fd/N shows the kind of most descriptors, so a descriptor costs one
 * readlink(2).
 */
#include "libmig/inventory/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/proc.h"
#include "common/procdir.h"
#include "libmig/inventory/flight.h"
#include "libmig/keep/reopen.h"
#include "libmig/namespace.h"
#include "libmig/refusal.h"

static int fd_read_info(const struct inventory_proc *proc, int fd, char *buf, size_t size)
{
	char path[32];

	snprintf(path, sizeof(path), "fdinfo/%d", fd);
	return inventory_read(proc->dirfd, path, buf, size) < 0 ? -ESRCH : 0;
}

static unsigned int fd_flags(const char *fdinfo)
{
	const char *field = proc_field(fdinfo, "flags");

	return field ? (unsigned int)strtoul(field, NULL, 8) : 0;
}

int inventory_fd_refuse(struct inventory_scan *scan, const struct inventory_proc *proc, int fd,
			const char *link, const struct refusal *why)
{
	return inventory_refuse(scan, proc, "fd %d is %s (%s), which cannot be carried: %s; %s", fd,
				why->what, link, why->why, why->remedy);
}

static int fd_scan_pidfd(struct inventory_scan *scan, const struct inventory_proc *proc, int fd)
{
	char fdinfo[512];
	const char *field;
	int pid;

	if (fd_read_info(proc, fd, fdinfo, sizeof(fdinfo)) < 0)
		return 0;
	field = proc_field(fdinfo, "Pid");
	/* -1: the process has been reaped. */
	if (!field || sscanf(field, "%d", &pid) != 1 || pid == -1)
		return 0;
	if (fd_flags(fdinfo) & O_EXCL)
		return inventory_fd_refuse(scan, proc, fd, "anon_inode:[pidfd]",
					   refusal_get(REFUSAL_THREAD));
	if (inventory_has_pid(scan, pid))
		return 0;
	snprintf(fdinfo, sizeof(fdinfo), "pid %d", pid);
	return inventory_fd_refuse(scan, proc, fd, fdinfo, refusal_get(REFUSAL_OUTSIDE));
}

static int fd_scan_socket(struct inventory_scan *scan, const struct inventory_proc *proc, int fd)
{
	char fdinfo[512], what[64];

	if (fd_read_info(proc, fd, fdinfo, sizeof(fdinfo)) < 0 || flight_count(fdinfo) == 0 ||
	    flight_check(proc->pid, fd, scan->inv->pids, scan->inv->n_pids, what, sizeof(what)) ==
		    0)
		return 0;
	return inventory_fd_refuse(scan, proc, fd, what, refusal_get(REFUSAL_FLIGHT));
}

static int fd_scan_regular(struct inventory_scan *scan, const struct inventory_proc *proc, int fd,
			   const struct stat *st, const char *path)
{
	char fdinfo[4096];

	/* /proc/locks has the locks of all files, but the kernel takes milliseconds to write it. */
	if (fd_read_info(proc, fd, fdinfo, sizeof(fdinfo)) < 0)
		return 0;
	if (inventory_lock_note(&scan->locks, fdinfo, proc->pid, fd, st) < 0)
		return inventory_out_of_memory(scan);
	return strncmp(path, "/memfd:", 7)
		       ? 0
		       : inventory_map_note_shared(scan, INVENTORY_MEMFD, proc->pid, fd, st);
}

/* A file in /proc of a process of the tree. criu must open it again. */
static int fd_scan_proc_file(struct inventory_scan *scan, const struct inventory_proc *proc, int fd,
			     const char *path)
{
	char fdinfo[512];
	const char *reason;

	if (fd_read_info(proc, fd, fdinfo, sizeof(fdinfo)) < 0)
		return 0;
	reason = reopen_proc_refusal(proc->pid, path, (int)fd_flags(fdinfo));
	if (!reason)
		return 0;
	return inventory_refuse(scan, proc, "fd %d is %s, which %s; close it for the move", fd,
				path, reason);
}

/* CRIU can carry a limited number of open file descriptions of terminals. Masters of
 * pseudoterminals do not count (external.c). */
static int fd_count_terminal(struct inventory_scan *scan, const struct inventory_proc *proc, int fd,
			     const struct stat *st)
{
	struct inventory_terminal *terminal;

	if (major(st->st_rdev) == 1 || st->st_rdev == makedev(5, 2))
		return 0;
	for (size_t i = 0; i < scan->n_terminals; i++) {
		terminal = &scan->terminals[i];
		if (terminal->rdev == st->st_rdev &&
		    syscall(SYS_kcmp, proc->pid, terminal->pid, KCMP_FILE, fd, terminal->fd) == 0)
			return 0;
	}
	if (scan->n_terminals == INVENTORY_TERMINALS_MAX)
		return inventory_refuse(scan, proc,
					"fd %d is one of more than %d open terminals of the job, "
					"which cannot be carried; close some for the move",
					fd, INVENTORY_TERMINALS_MAX);
	terminal = &scan->terminals[scan->n_terminals++];
	*terminal = (struct inventory_terminal){ .rdev = st->st_rdev, .pid = proc->pid, .fd = fd };
	return 0;
}

static int fd_scan(struct inventory_scan *scan, const struct inventory_proc *proc, int dirfd,
		   const char *name)
{
	const struct refusal *why;
	char link[PATH_MAX];
	struct stat st;
	int fd = atoi(name), r;
	ssize_t len = readlinkat(dirfd, name, link, sizeof(link) - 1);

	if (len < 0 && errno == ENAMETOOLONG)
		return inventory_reach_refuse_length(scan, proc, "a file that it has open",
						     INVENTORY_PATH_MAX);
	if (len < 0)
		return 0;
	link[len] = '\0';
	if (!strcmp(link, "/dev/null"))
		return 0;
	if (!strcmp(link, "/dev/fuse"))
		inventory_serve_note(scan, proc, fd);
	if (!strncmp(link, "socket:[", 8))
		return fd_scan_socket(scan, proc, fd);
	if (!strncmp(link, "pipe:[", 6))
		return 0;
	if (!strncmp(link, "/proc/", 6) && !reopen_proc_is_net(link) &&
	    inventory_has_pid(scan, reopen_proc_owner(link)))
		return fd_scan_proc_file(scan, proc, fd, link);
	if (!strcmp(link, "anon_inode:[pidfd]"))
		return fd_scan_pidfd(scan, proc, fd);
	if (fstatat(dirfd, name, &st, 0) < 0) {
		char what[32];

		snprintf(what, sizeof(what), "fd %d", fd);
		return link[0] == '/' ? inventory_reach_check(scan, proc, what, link, errno) : 0;
	}
	why = refusal_of(link, &st);
	if (why)
		return inventory_fd_refuse(scan, proc, fd, link, why);
	r = S_ISDIR(st.st_mode) ? inventory_object_check_directory(scan, proc, fd, link)
				: inventory_object_check(scan, proc, dirfd, fd, link);
	if (r < 0)
		return r;
	if (S_ISCHR(st.st_mode))
		return fd_count_terminal(scan, proc, fd, &st);
	if (link[0] == '/' && S_ISREG(st.st_mode))
		return fd_scan_regular(scan, proc, fd, &st, link);
	if (!strncmp(link, "ipc:[", 5) && namespaces_is_remade(scan->root))
		return inventory_refuse(
			scan, proc,
			"fd %d is the job's IPC namespace (%s), which is another one "
			"after the move because it has System V objects; close it for "
			"the move",
			fd, link);
	if (link[0] == '/' || !strncmp(link, "anon_inode:", 11) ||
	    inventory_namespace_is_known(scan, link))
		return 0;
	return inventory_refuse(scan, proc,
				"fd %d is %s, which cannot be carried; close it for the move", fd,
				link);
}

int inventory_fd_scan(struct inventory_scan *scan, const struct inventory_proc *proc)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	const char *name;
	int r = 0;

	if (procdir_open(&dir, proc->dirfd, "fd") < 0)
		return -ESRCH;
	for (; r == 0 && (name = procdir_next(&dir)); scan->inv->n_files++)
		r = fd_scan(scan, proc, dir.fd, name);
	return r;
}
