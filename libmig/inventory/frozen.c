// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * frozen.c - the check of the frozen tree
 *
 * The tree ran on for some milliseconds after the inventory. This check finds locks that it took
 * and descriptors that it sent since then, before anything is dumped.
 */
#include "libmig/inventory/inventory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/procdir.h"
#include "libmig/inventory/flight.h"
#include "libmig/inventory/priv.h"
#include "libmig/refusal.h"

static int frozen_note_lock(struct inventory_locks *locks, pid_t pid, int dirfd, const char *fd)
{
	char path[48], fdinfo[4096];
	struct stat st;

	if (fstatat(dirfd, fd, &st, 0) < 0 || !S_ISREG(st.st_mode))
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", (int)pid, fd);
	if (inventory_read(AT_FDCWD, path, fdinfo, sizeof(fdinfo)) < 0)
		return 0;
	return inventory_lock_note(locks, fdinfo, pid, atoi(fd), &st);
}

struct frozen {
	struct inventory_locks locks;
	const pid_t *pids;
	size_t n;
	struct vc_err *err;
};

static int frozen_check_socket(const struct frozen *frozen, pid_t pid, const char *fd)
{
	const struct refusal *why = refusal_get(REFUSAL_FLIGHT);
	char path[48], fdinfo[512], what[64];

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", (int)pid, fd);
	if (inventory_read(AT_FDCWD, path, fdinfo, sizeof(fdinfo)) < 0 ||
	    flight_count(fdinfo) == 0 ||
	    flight_check(pid, atoi(fd), frozen->pids, frozen->n, what, sizeof(what)) == 0)
		return 0;
	return err_set(frozen->err, EOPNOTSUPP,
		       "pid %d: fd %s is %s (%s), which cannot be carried: %s; %s", (int)pid, fd,
		       why->what, what, why->why, why->remedy);
}

static int frozen_scan_process(struct frozen *frozen, pid_t pid)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	char link;
	const char *fd;
	int r = 0;

	procdir_open(&dir, AT_FDCWD, "/proc/%d/fd", (int)pid);
	/* The first character of the link says enough: "/" a path, "s" a socket. stat(2) takes
	 * longer. */
	while (r == 0 && (fd = procdir_next(&dir))) {
		if (readlinkat(dir.fd, fd, &link, 1) != 1)
			continue;
		if (link == 's')
			r = frozen_check_socket(frozen, pid, fd);
		else if (link == '/' && frozen_note_lock(&frozen->locks, pid, dir.fd, fd) < 0)
			r = err_sys(frozen->err, ENOMEM, "look at the frozen job");
	}
	return r;
}

int inventory_frozen_check(const pid_t *pids, size_t n, struct vc_err *err)
{
	struct frozen frozen = { .pids = pids, .n = n, .err = err };
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = frozen_scan_process(&frozen, pids[i]);
	if (r == 0)
		r = inventory_lock_check(frozen.locks.all, frozen.locks.n, pids, n, err);
	free(frozen.locks.all);
	return r;
}
