// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lock.c - POSIX locks of a tree, and processes that could take them during a move
 *
 * Locks of flock(2), locks of open file descriptions and leases belong to a description, which is
 * kept. A POSIX lock belongs to a process, and state/lock.c takes it again. Between dump and
 * restore no process has it. A process outside the job that has the file open could take the lock
 * then, and find a database in the middle of a transaction.
 *
 * The check runs twice: in the inventory, so that most refusals come before the freeze, and in the
 * frozen tree, because locks come and go.
 */
#include "libmig/inventory/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/proc.h"
#include "common/procdir.h"

static int lock_refuse(const struct inventory_lock *lock, struct vc_err *err, const char *what)
{
	char path[32], name[PROC_NAME], file[PATH_MAX] = "?";
	ssize_t len;

	proc_name(lock->pid, name);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)lock->pid, lock->fd);
	len = readlink(path, file, sizeof(file) - 1);
	if (len > 0)
		file[len] = '\0';
	return err_set(err, EOPNOTSUPP, "pid %d (%s): fd %d holds a lock on %.300s, %s",
		       (int)lock->pid, name, lock->fd, file, what);
}

/* Whether a process is a descendant of the mover, as criu, which has duplicates of the tree's
 * descriptors too. */
static bool lock_is_ours(pid_t pid)
{
	for (int i = 0; i < 4 && pid > 1; i++)
		if (proc_look(pid, NULL, &pid) < 0 || pid == getpid())
			return true;
	return false;
}

static int lock_check_outsider(const struct inventory_lock *locks, size_t n, pid_t pid,
			       struct vc_err *err)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	char name[PROC_NAME], what[256];
	const char *fd;

	procdir_open(&dir, AT_FDCWD, "/proc/%d/fd", (int)pid);
	while ((fd = procdir_next(&dir))) {
		struct stat st;

		if (fstatat(dir.fd, fd, &st, 0) < 0 || !S_ISREG(st.st_mode))
			continue;
		for (size_t i = 0; i < n; i++) {
			if (locks[i].ino != st.st_ino || locks[i].dev != st.st_dev)
				continue;
			if (lock_is_ours(pid))
				return 0;
			proc_name(pid, name);
			snprintf(what, sizeof(what),
				 "which pid %d (%s) outside the job has open too and could lock "
				 "during the move; move the job when it has closed the file",
				 (int)pid, name);
			return lock_refuse(&locks[i], err, what);
		}
	}
	return 0;
}

static int lock_compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

static int lock_check_outsiders(const struct inventory_lock *locks, size_t n, const pid_t *pids,
				size_t n_pids, struct vc_err *err)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	_cleanup_free_ pid_t *sorted = calloc(n_pids, sizeof(*sorted));
	pid_t pid;
	int r = 0;

	if (!sorted)
		return err_sys(err, ENOMEM, "look at file locks");
	memcpy(sorted, pids, n_pids * sizeof(*sorted));
	qsort(sorted, n_pids, sizeof(*sorted), lock_compare_pids);
	if (procdir_open(&dir, AT_FDCWD, "/proc") < 0)
		return err_sys(err, errno, "/proc");
	while (r == 0 && (pid = procdir_next_pid(&dir)) > 0) {
		/* The mover has duplicates of the tree's descriptors. */
		if (pid != getpid() &&
		    !bsearch(&pid, sorted, n_pids, sizeof(*sorted), lock_compare_pids))
			r = lock_check_outsider(locks, n, pid, err);
	}
	return r;
}

int inventory_lock_check(const struct inventory_lock *locks, size_t n, const pid_t *pids,
			 size_t n_pids, struct vc_err *err)
{
	if (n == 0)
		return 0;
	return lock_check_outsiders(locks, n, pids, n_pids, err);
}

int inventory_lock_note(struct inventory_locks *list, const char *fdinfo, pid_t pid, int fd,
			const struct stat *st)
{
	struct inventory_lock *lock;

	if (!strstr(fdinfo, ": POSIX "))
		return 0;
	lock = array_add(&list->all, &list->n);
	if (!lock)
		return -ENOMEM;
	*lock = (struct inventory_lock){
		.pid = pid, .fd = fd, .dev = st->st_dev, .ino = st->st_ino
	};
	return 0;
}
