// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * idle.c - a shim enters a group before the job and so the group's name is known
 *
 * Entering a group is the expensive part of a launch, so a shim does it beforehand. The group gets
 * its name when the job starts and has a number. v1 groups with processes can be renamed. v2 groups
 * cannot, but a process can be born in one, which costs no more than making the group. So the shim
 * waits in a group of the v1 hierarchies only.
 */
#include "partition/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "partition/cgroup/priv.h"

int cg_idle_enter(struct cg *cg, const char *path, struct vc_err *err)
{
	char group[CG_GROUP_MAX];
	int r = cg_group_check_path(path, err);

	for (size_t i = 0; r == 0 && i < cg->n; i++) {
		const struct cg_hier *hier = &cg->hier[i];

		if (hier->version != 1)
			continue;
		r = cg_group_of(hier, path, group);
		if (r == 0)
			r = cg_group_make_hot(cg, hier, group, err);
		if (r == 0)
			r = cg_file_write(hier, group, "cgroup.procs", "0");
		if (r < 0 && (!err || !err->code))
			r = err_sys(err, -r, "cannot enter the group %s/%s", hier->mount, group);
	}
	return r;
}

static int idle_become(struct cg *cg, const struct cg_hier *hier, const char *path,
		       const char *name, int *ret_unified, struct vc_err *err)
{
	char from[CG_GROUP_MAX], to[CG_GROUP_MAX];
	int r = cg_group_of(hier, name, to);

	if (r == 0)
		r = cg_group_of(hier, path, from);
	if (r < 0)
		return err_sys(err, -r, "group \"%s\"", name);
	if (hier->version == 1)
		return renameat(hier->fd, from, hier->fd, to) < 0
			       ? err_sys(err, errno, "cannot rename the group %s/%s", hier->mount,
					 from)
			       : 0;
	r = cg_group_make_hot(cg, hier, to, err);
	if (r < 0)
		return r;
	*ret_unified = cg_file_open(hier, to, ".", O_PATH | O_DIRECTORY);
	return *ret_unified < 0 ? err_sys(err, -*ret_unified, "group \"%s\"", name) : 0;
}

int cg_idle_become(struct cg *cg, const char *path, const char *name, int *ret_unified,
		   struct vc_err *err)
{
	_cleanup_close_ int unified = -1;
	int r = 0;

	for (size_t i = 0; r == 0 && i < cg->n; i++)
		r = idle_become(cg, &cg->hier[i], path, name, &unified, err);
	if (r == 0)
		*ret_unified = steal_fd(&unified);
	return r;
}
