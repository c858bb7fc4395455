// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * walk.c - the groups directly below a group, one after the other
 *
 *	struct cg_walk walk;
 *
 *	CG_FOREACH_CHILD(walk, hier, group)
 *		use walk.name, walk.group
 */
#include "partition/cgroup/priv.h"

#include <errno.h>
#include <string.h>

#include "common/file.h"

struct cg_walk cg_walk_begin(const struct cg_hier *hier, const char *group)
{
	struct cg_walk walk = { .len = strlen(group) };

	walk.dir = file_open_dir(hier->fd, *group ? group : ".");
	if (!walk.dir) {
		walk.r = -errno;
		return walk;
	}
	memcpy(walk.group, group, walk.len);
	if (walk.len > 0)
		walk.group[walk.len++] = '/';
	return walk;
}

bool cg_walk_next(struct cg_walk *walk)
{
	const struct dirent *entry;

	while (walk->dir && (entry = readdir(walk->dir))) {
		size_t len = strlen(entry->d_name);

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (walk->len + len >= sizeof(walk->group)) {
			walk->r = -ENAMETOOLONG;
			continue;
		}
		memcpy(walk->group + walk->len, entry->d_name, len + 1);
		walk->name = walk->group + walk->len;
		return true;
	}
	return false;
}

void cg_walk_done(struct cg_walk *walk)
{
	closedirp(&walk->dir);
}
