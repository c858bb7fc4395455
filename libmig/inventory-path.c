// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * inventory-path.c - directories that a user could replace while root works in them
 *
 * Some names CRIU removes and makes anew at the restore, as root: the paths of
 * unix sockets, and those of files that are open but unlinked. A user who puts a
 * symbolic link in the place of a directory on the way, at the right moment, would
 * have root remove or make a file somewhere else. No check just before helps
 * against that. So a job that is not root's is moved only if each directory on the
 * way to such a name stands in one where the user cannot replace it: one that only
 * root can write, or a sticky one that has it as root's.
 */
#include "libmig/inventory-priv.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"

/* Whether somebody other than root could put something else in entry's place. */
static bool path_is_replaceable(const struct stat *parent, const struct stat *entry)
{
	bool others = parent->st_uid != 0 || (parent->st_mode & S_IWOTH) ||
		      ((parent->st_mode & S_IWGRP) && parent->st_gid != 0);

	return others &&
	       !((parent->st_mode & S_ISVTX) && parent->st_uid == 0 && entry->st_uid == 0);
}

/* Walks the directories of path; the last part, the name itself, does not count.
 * Returns the length of the path up to the first replaceable one, 0: there is none. */
static size_t path_find_replaceable(const char *path)
{
	char prefix[PATH_MAX];
	struct stat parent, entry;

	if (stat("/", &parent) < 0)
		return 1;
	for (const char *end = strchr(path + 1, '/'); end; end = strchr(end + 1, '/')) {
		size_t len = (size_t)(end - path);

		if (len >= sizeof(prefix))
			return len;
		memcpy(prefix, path, len);
		prefix[len] = '\0';
		if (lstat(prefix, &entry) < 0 || path_is_replaceable(&parent, &entry))
			return len;
		/* A link that cannot be replaced leads on; what it leads to is walked
		 * by the caller, as the real path. */
		if (stat(prefix, &parent) < 0)
			return len;
	}
	return 0;
}

int inventory_check_path(struct inventory_scan *scan, pid_t pid, int fd, const char *what,
			 const char *path)
{
	const struct inventory_end end = { .pid = pid, .fd = fd };
	char subject[32] = "a mapping";
	char dir[PATH_MAX], real[PATH_MAX + 2];
	const char *slash = strrchr(path, '/');
	size_t len;

	if (scan->uid == 0)
		return 0;
	if (fd >= 0)
		snprintf(subject, sizeof(subject), "fd %d", fd);
	if (path[0] != '/')
		return inventory_refuse_end(scan, &end,
					    "%s is %s %s, whose directory is not known; use an "
					    "absolute path",
					    subject, what, path);
	len = path_find_replaceable(path);
	if (len == 0) {
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
		if (slash > path && realpath(dir, real)) {
			strcat(real, "/");
			len = path_find_replaceable(real) ? strlen(dir) : 0;
		}
	}
	if (len == 0)
		return 0;
	return inventory_refuse_end(scan, &end,
				    "%s is %s %s, and %.*s is a directory that its user could "
				    "replace while root restores the job; use a directory whose "
				    "parent only root can write (/tmp, /run/user/UID, the home)",
				    subject, what, path, (int)len, path);
}
