// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hold.c - fixed memory: guaranteed to a group, and not swapped out
 *
 *	        fixed                                    pageable
 *	v2      memory.min = size, memory.swap.max = 0   0, max
 *	v1      memory.swappiness = 0 in the whole       the parent's swappiness
 *	        subtree; v1 has no guarantee
 *
 * v2's guarantee holds only if every group above guarantees as much. So our base gets the sum of
 * its children's guarantees; groups above our base are not ours. The guarantee reaches the jobs'
 * groups only if the hierarchy is mounted with memory_recursiveprot, as systemd does. On v1 each
 * group has its own swappiness. A new group takes its parent's, so later jobs have it too.
 */
#include "partition/cgroup/cgroup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "partition/cgroup/priv.h"

#define SWAPPINESS "memory.swappiness"

static int hold_v1_put(const struct cg_hier *hier, const char *group, const char *value)
{
	_cleanup_(cg_walk_done) struct cg_walk walk = { .dir = NULL };
	int r = cg_file_write(hier, group, SWAPPINESS, value);

	if (r == 0)
		walk = cg_walk_begin(hier, group);
	while (r == 0 && cg_walk_next(&walk))
		r = hold_v1_put(hier, walk.group, value);
	/* A job may end at any moment, and its group with it. */
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

static int hold_v1_set(const struct cg_hier *hier, const char *group, bool fixed)
{
	char parent[CG_GROUP_MAX], value[16] = "60";

	cg_group_parent(group, parent);
	cg_file_read(hier, parent, SWAPPINESS, value, sizeof(value));
	return hold_v1_put(hier, group, fixed ? "0" : value);
}

static int hold_v2_set(const struct cg_hier *hier, const char *group, bool fixed, uint64_t bytes)
{
	char parent[CG_GROUP_MAX], text[32];
	uint64_t min, sum = 0;
	int r;

	snprintf(text, sizeof(text), "%" PRIu64, fixed ? bytes : 0);
	r = cg_file_write(hier, group, "memory.min", text);
	/* A kernel without swap does not have the file. */
	if (r == 0 && cg_file_exists(hier, group, "memory.swap.max"))
		r = cg_file_write(hier, group, "memory.swap.max", fixed ? "0" : "max");
	if (r < 0)
		return r;
	cg_group_parent(group, parent);
	CG_FOREACH_CHILD(walk, hier, parent) {
		if (cg_file_read_u64(hier, walk.group, "memory.min", &min) == 0)
			sum += min;
	}
	snprintf(text, sizeof(text), "%" PRIu64, sum);
	cg_file_write(hier, parent, "memory.min", text);
	return 0;
}

/* Returns whether every group above, except the root group, guarantees as much. */
static bool hold_v2_is_guaranteed(const struct cg_hier *hier, const char *group, uint64_t bytes)
{
	char above[CG_GROUP_MAX], next[CG_GROUP_MAX];
	uint64_t min = 0;

	cg_group_parent(group, above);
	while (*above) {
		if (cg_file_read_u64(hier, above, "memory.min", &min) < 0 || min < bytes)
			return false;
		cg_group_parent(above, next);
		strcpy(above, next);
	}
	return cg_lib_mount_has_option(hier, "memory_recursiveprot");
}

int cg_hold_get(struct cg *cg, const char *path, enum cg_memory_hold *ret)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_MEMORY);
	char group[CG_GROUP_MAX], swap[32];
	uint64_t value;
	bool can_swap;
	int r = cg_group_find(hier, path, group);

	if (r < 0)
		return r;
	if (hier->version == 1) {
		r = cg_file_read_u64(hier, group, SWAPPINESS, &value);
		if (r == 0)
			*ret = value == 0 ? CG_HOLD_UNPAGED : CG_HOLD_NONE;
		return r;
	}
	r = cg_file_read_u64(hier, group, "memory.min", &value);
	if (r < 0)
		return r;
	can_swap = cg_file_read(hier, group, "memory.swap.max", swap, sizeof(swap)) > 0;
	if ((can_swap && strcmp(swap, "0") != 0) || (!can_swap && value == 0))
		*ret = CG_HOLD_NONE;
	else if (value == 0 || !hold_v2_is_guaranteed(hier, group, value))
		*ret = CG_HOLD_UNPAGED;
	else
		*ret = CG_HOLD_FIXED;
	return 0;
}

int cg_hold_set(struct cg *cg, const char *path, bool fixed, uint64_t bytes,
		enum cg_memory_hold *ret_obtained, struct vc_err *err)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_MEMORY);
	char group[CG_GROUP_MAX];
	int r = cg_group_find(hier, path, group);

	if (r == -EOPNOTSUPP && !fixed) {
		*ret_obtained = CG_HOLD_NONE;
		return 0;
	}
	if (r == 0)
		r = hier->version == 2 ? hold_v2_set(hier, group, fixed, bytes)
				       : hold_v1_set(hier, group, fixed);
	if (r == 0)
		r = cg_hold_get(cg, path, ret_obtained);
	return r < 0 ? err_sys(err, -r, "cannot make the memory of \"%s\" %s", path,
			       fixed ? "fixed" : "pageable")
		     : 0;
}
