// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * inventory-frozen.c - the frozen tree looked at once more
 *
 * The inventory was taken while the tree ran, and it ran on for some milliseconds. A lock
 * that it took since then is found here, where saying no costs nothing yet.
 */
#include "libmig/inventory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/inventory-priv.h"

static int frozen_note_lock(struct inventory_locks *locks, pid_t pid, int dirfd, const char *fd)
{
	char path[48], fdinfo[4096];
	struct stat st;

	if (fstatat(dirfd, fd, &st, 0) < 0 || !S_ISREG(st.st_mode))
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", (int)pid, fd);
	if (inventory_read(AT_FDCWD, path, fdinfo, sizeof(fdinfo)) < 0)
		return 0;
	return inventory_note_lock(locks, fdinfo, pid, atoi(fd), &st);
}

static int frozen_scan_process(struct inventory_locks *locks, pid_t pid)
{
	_cleanup_(inventory_dir_close) struct inventory_dir dir;
	char path[32], link;
	const char *fd;
	int r = 0;

	dir.fd = -1;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if (inventory_dir_open(&dir, AT_FDCWD, path) < 0)
		return 0;
	/* A link that begins with a slash is a path; stat() is dearer. */
	while (r == 0 && (fd = inventory_dir_next(&dir)))
		if (readlinkat(dir.fd, fd, &link, 1) == 1 && link == '/')
			r = frozen_note_lock(locks, pid, dir.fd, fd);
	return r;
}

int inventory_check_frozen(const pid_t *pids, size_t n, struct vc_err *err)
{
	struct inventory_locks locks = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = frozen_scan_process(&locks, pids[i]);
	r = r < 0 ? err_sys(err, -r, "look at the frozen job")
		  : inventory_check_locks(locks.all, locks.n, pids, n, err);
	free(locks.all);
	return r;
}
