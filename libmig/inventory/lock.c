// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lock.c - POSIX locks of a tree, and who could take them while it is away
 *
 * Locks of flock(2), locks of open file descriptions and leases belong to descriptions,
 * which are kept. A POSIX lock belongs to a process; state/lock.c takes it again. Between
 * dump and restore nobody holds it. An outsider who has the file open could
 * get one then, and find a database in the middle of a transaction.
 *
 * Looked into twice: for the inventory, so that most refusals come before the
 * freeze, and again at the frozen tree, since locks come and go. Where there is no
 * lock it costs nothing but the look at each descriptor.
 */
#include "libmig/inventory/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/procdir.h"

static int lock_refuse(const struct inventory_lock *lock, struct vc_err *err, const char *what)
{
	char path[32], name[64] = "?", file[PATH_MAX] = "?";
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)lock->pid);
	file_read(AT_FDCWD, path, name, sizeof(name));
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)lock->pid, lock->fd);
	len = readlink(path, file, sizeof(file) - 1);
	if (len > 0)
		file[len] = '\0';
	return err_set(err, EOPNOTSUPP, "pid %d (%s): fd %d holds a lock on %.300s, %s",
		       (int)lock->pid, name, lock->fd, file, what);
}

/* Whether a process is one that the mover started, or one started by such a one:
 * criu, who has duplicates of the tree's descriptors too. */
static bool lock_is_ours(pid_t pid)
{
	for (int i = 0; i < 4 && pid > 1; i++) {
		char path[32], text[512];
		const char *after;

		snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
		if (inventory_read(AT_FDCWD, path, text, sizeof(text)) < 0)
			return true;
		after = strrchr(text, ')');
		if (!after || sscanf(after, ") %*c %d", &pid) != 1)
			return false;
		if (pid == getpid())
			return true;
	}
	return false;
}

static int lock_check_outsider(const struct inventory_lock *locks, size_t n, pid_t pid,
			       struct vc_err *err)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	char path[32], name[64] = "?", what[256];
	const char *fd;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if (procdir_open(&dir, AT_FDCWD, path) < 0)
		return 0;
	while ((fd = procdir_next(&dir))) {
		struct stat st;

		if (fstatat(dir.fd, fd, &st, 0) < 0 || !S_ISREG(st.st_mode))
			continue;
		for (size_t i = 0; i < n; i++) {
			if (locks[i].ino != st.st_ino || locks[i].dev != st.st_dev)
				continue;
			if (lock_is_ours(pid))
				return 0;
			snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
			file_read(AT_FDCWD, path, name, sizeof(name));
			snprintf(what, sizeof(what),
				 "which pid %d (%s) outside the job has open too and could take "
				 "during the move; move again when it has closed the file",
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
	const char *name;
	int r = 0;

	if (!sorted)
		return err_sys(err, ENOMEM, "look at file locks");
	memcpy(sorted, pids, n_pids * sizeof(*sorted));
	qsort(sorted, n_pids, sizeof(*sorted), lock_compare_pids);
	if (procdir_open(&dir, AT_FDCWD, "/proc") < 0)
		return err_sys(err, errno, "/proc");
	while (r == 0 && (name = procdir_next(&dir))) {
		pid_t pid = atoi(name);

		/* We hold duplicates of the tree's own. */
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
	struct inventory_lock *grown;

	if (!strstr(fdinfo, ": POSIX "))
		return 0;
	/* Grows at the powers of two. */
	if ((list->n & (list->n - 1)) == 0) {
		grown = realloc(list->all, (list->n ? list->n * 2 : 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		list->all = grown;
	}
	list->all[list->n++] = (struct inventory_lock){
		.pid = pid, .fd = fd, .dev = st->st_dev, .ino = st->st_ino
	};
	return 0;
}
