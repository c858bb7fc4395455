// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * inventory-lock.c - file locks of a tree, and who could take them while it is away
 *
 * CRIU takes a tree's locks again when it restores it. Two things are beyond it:
 *
 *   - POSIX locks go when their process closes any descriptor of the file. CRIU
 *     closes one for every mapping that it has restored, after the locks. So the
 *     POSIX locks of a process on a file that it has mapped would silently be
 *     gone. (Databases do this: SQLite with a write-ahead log, LMDB.)
 *   - Between dump and restore nobody holds the locks. An outsider who has the file
 *     open could get one then, and find a database in the middle of a transaction.
 *
 * Only looked into where the tree holds a lock at all, which its descriptors told.
 */
#include "libmig/inventory-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"

#define MAPS_MAX (1 << 26)

/* Whether one line of /proc/PID/maps, or the file behind it, is this file. */
static bool lock_line_is_file(pid_t pid, const char *line, const struct inventory_end *end)
{
	unsigned long long ino = 0;
	char range[64], path[128];
	struct stat st;

	if (sscanf(line, "%63s %*s %*s %*s %llu", range, &ino) != 2 || ino != end->ino)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/map_files/%s", (int)pid, range);
	return stat(path, &st) < 0 || (st.st_dev == end->dev && st.st_ino == end->ino);
}

static bool lock_file_is_mapped(const struct inventory_end *end)
{
	_cleanup_free_ char *text = NULL;
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)end->pid);
	if (stat(path, &st) == 0 && st.st_dev == end->dev && st.st_ino == end->ino)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)end->pid);
	if (file_read_all(AT_FDCWD, path, MAPS_MAX, &text) < 0)
		return false;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (lock_line_is_file(end->pid, line, end))
			return true;
	}
	return false;
}

static int lock_check_outsider(struct inventory_scan *scan, pid_t pid)
{
	_cleanup_(inventory_dir_close) struct inventory_dir dir;
	const char *fd;
	char path[64];

	dir.fd = -1;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if (inventory_dir_open(&dir, AT_FDCWD, path) < 0)
		return 0;
	while ((fd = inventory_dir_next(&dir))) {
		char name[64] = "?";
		struct stat st;

		if (fstatat(dir.fd, fd, &st, 0) < 0 || !S_ISREG(st.st_mode))
			continue;
		for (size_t i = 0; i < scan->n_ends; i++) {
			const struct inventory_end *end = &scan->ends[i];

			if (end->lock == INVENTORY_UNLOCKED || end->ino != st.st_ino ||
			    end->dev != st.st_dev)
				continue;
			snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
			file_read(AT_FDCWD, path, name, sizeof(name));
			return inventory_refuse_end(scan, end,
						    "fd %d holds a lock on %s, which pid %d (%s) "
						    "outside the job has open too and could lock "
						    "during the move; move again when it has "
						    "closed it",
						    end->fd, end->path, (int)pid, name);
		}
	}
	return 0;
}

static int lock_check_outsiders(struct inventory_scan *scan)
{
	_cleanup_(inventory_dir_close) struct inventory_dir dir;
	const char *name;
	int r = 0;

	dir.fd = -1;
	if (inventory_dir_open(&dir, AT_FDCWD, "/proc") < 0)
		return err_sys(scan->err, errno, "/proc");
	while (r == 0 && (name = inventory_dir_next(&dir))) {
		pid_t pid = atoi(name);

		/* We hold duplicates of the tree's own. */
		if (pid != getpid() && !inventory_has_pid(scan, pid))
			r = lock_check_outsider(scan, pid);
	}
	return r;
}

enum inventory_lock inventory_read_lock(const char *fdinfo)
{
	if (!inventory_field(fdinfo, "lock"))
		return INVENTORY_UNLOCKED;
	return strstr(fdinfo, ": POSIX ") ? INVENTORY_POSIX_LOCK : INVENTORY_OTHER_LOCK;
}

int inventory_resolve_locks(struct inventory_scan *scan)
{
	if (!scan->inv->file_locks)
		return 0;
	for (size_t i = 0; i < scan->n_ends; i++) {
		const struct inventory_end *end = &scan->ends[i];

		if (end->lock == INVENTORY_POSIX_LOCK && lock_file_is_mapped(end))
			return inventory_refuse_end(
				scan, end,
				"fd %d holds a POSIX lock on %s and has it "
				"mapped as well, and would lose the lock; move "
				"again when it has unlocked or unmapped the file",
				end->fd, end->path);
	}
	return lock_check_outsiders(scan);
}
