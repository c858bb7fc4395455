// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * cpus.c - a group's CPUs and memory nodes, and whether they are exclusive
 *
 * The interface has v2's terms; cpus-v1.c and cpus-v2.c do the work. On v2 the kernel can keep
 * every other process off a partition's CPUs. On v1 it can only keep other groups off.
 */
#include "partition/cgroup/cgroup.h"

#include <errno.h>
#include <string.h>

#include "partition/cgroup/priv.h"
#include "partition/partition.h"

const char *cg_cpus_file(const struct cg_hier *hier)
{
	return hier->version == 2 ? "cpuset.cpus.effective" : "cpuset.effective_cpus";
}

const char *cg_cpus_mems_file(const struct cg_hier *hier)
{
	return hier->version == 2 ? "cpuset.mems.effective" : "cpuset.effective_mems";
}

int cg_cpus_read_list(const struct cg_hier *hier, const char *group, const char *file,
		      struct cpulist *ret)
{
	char text[CPULIST_TEXT];
	ssize_t len = cg_file_read(hier, group, file, text, sizeof(text));

	return len < 0 ? (int)len : cpulist_parse(text, ret);
}

int cg_cpus_write_list(const struct cg_hier *hier, const char *group, const struct cpulist *cpus)
{
	char text[CPULIST_TEXT];
	int r = cpulist_format(cpus, text, sizeof(text));

	return r < 0 ? r : cg_file_write(hier, group, "cpuset.cpus", text);
}

static bool cpus_is_exclusive(const struct cg_hier *hier, const char *group)
{
	return hier->version == 2 ? cg_cpus_v2_is_root(hier, group)
				  : cg_cpus_v1_is_exclusive(hier, group);
}

int cg_cpus_share(const struct cg_hier *hier, const char *group)
{
	return hier->version == 2 ? cg_file_write(hier, group, "cpuset.cpus.partition", "member")
				  : cg_file_write(hier, group, "cpuset.cpu_exclusive", "0");
}

int cg_cpus_look_beside(const struct cg_hier *hier, const char *group, const struct cpulist *want,
			struct cg_beside *ret)
{
	char parent[CG_GROUP_MAX];
	struct cpulist cpus;

	cg_group_parent(group, parent);
	*ret = (struct cg_beside){
		.own = group + strlen(parent) + (*parent != '\0'),
		.want = *want,
	};
	_cleanup_(cg_walk_done) struct cg_walk walk = cg_walk_begin(hier, parent);
	while (cg_walk_next(&walk)) {
		if (!strcmp(walk.name, ret->own) || !strcmp(walk.name, PARTITION_SHIMS_GROUP) ||
		    cg_cpus_read_list(hier, walk.group, "cpuset.cpus", &cpus) < 0)
			continue;
		cpulist_join(&ret->claimed, &cpus);
		if (cpus_is_exclusive(hier, walk.group))
			cpulist_join(&ret->dedicated, &cpus);
	}
	return walk.r;
}

void cg_cpus_share_wanted(const struct cg_hier *hier, const struct cg_beside *beside)
{
	struct cpulist cpus;

	CG_FOREACH_CHILD(walk, hier, hier->base) {
		if (strcmp(walk.name, beside->own) != 0 &&
		    cg_cpus_read_list(hier, walk.group, "cpuset.cpus", &cpus) == 0 &&
		    cpulist_overlap(&cpus, &beside->want) && cpus_is_exclusive(hier, walk.group))
			cg_cpus_share(hier, walk.group);
	}
}

int cg_cpus_get_exclusive(struct cg *cg, const char *path, bool asked, enum cg_exclusive *ret)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_CPUSET);
	enum cg_exclusive got = CG_SHARED;
	char group[CG_GROUP_MAX];
	int r = cg_group_find(hier, path, group);

	if (r == 0 && hier->version == 2 && cg_cpus_v2_is_dedicated(hier, group)) {
		got = CG_DEDICATED;
	} else if (r == 0 && asked) {
		struct cpulist want;
		struct cg_beside beside;

		r = cg_cpus_read_list(hier, group, "cpuset.cpus", &want);
		if (r == 0)
			r = cg_cpus_look_beside(hier, group, &want, &beside);
		if (r == 0 && !cpulist_overlap(&want, &beside.claimed))
			got = CG_ADVISORY;
	}
	if (r < 0)
		return r;
	*ret = got;
	return 0;
}

const char *cg_cpus_get_keeper(struct cg *cg, const char *path)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_CPUSET);
	char group[CG_GROUP_MAX];

	if (cg_group_find(hier, path, group) < 0)
		return NULL;
	if (hier->version == 2)
		return cg_cpus_v2_is_dedicated(hier, group) ? "cpuset.cpus.partition" : NULL;
	return cg_cpus_v1_is_exclusive(hier, group) ? "cpuset.cpu_exclusive" : NULL;
}

/* The group with its hierarchy, or an error that says why there is none. */
static int cpus_find(struct cg *cg, const char *path, const struct cg_hier **ret,
		     char group[static CG_GROUP_MAX], struct vc_err *err)
{
	int r = cg_group_check_path(path, err);

	if (r < 0)
		return r;
	*ret = cg_hier_of(cg, CG_CPUSET);
	if (!*ret)
		return err_set(err, EOPNOTSUPP, "this machine has no cpuset controller");
	r = cg_group_of(*ret, path, group);
	return r < 0 ? err_sys(err, -r, "cannot find the group \"%s\"", path) : 0;
}

int cg_cpus_set(struct cg *cg, const char *path, const char *cpus, const char *mems, bool exclusive,
		enum cg_exclusive *ret_obtained, struct vc_err *err)
{
	const struct cg_hier *hier;
	char group[CG_GROUP_MAX];
	struct cpulist want;
	int r = cpus_find(cg, path, &hier, group, err);

	if (r < 0)
		return r;
	if (cpulist_parse(cpus, &want) < 0 || cpulist_count(&want) == 0)
		return err_set(err, EINVAL, "\"%s\" is not a list of CPUs", cpus);
	if (!cg_file_exists(hier, group, "cgroup.procs"))
		return err_set(err, ENOENT, "there is no group \"%s\" in %s", path, hier->mount);
	if (hier->version == 2)
		r = cg_cpus_v2_set(cg, hier, group, &want, mems, exclusive, err);
	else
		r = cg_cpus_v1_set(cg, hier, group, &want, mems, exclusive, err);
	if (r < 0)
		return r;
	r = cg_cpus_get_exclusive(cg, path, exclusive, ret_obtained);
	return r < 0 ? err_sys(err, -r, "cannot read the CPUs of \"%s\" back", path) : 0;
}

int cg_cpus_release(struct cg *cg, const char *path, struct vc_err *err)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_CPUSET);
	char group[CG_GROUP_MAX];
	int r = cg_group_find(hier, path, group);

	if (r == 0)
		r = hier->version == 1 ? cg_cpus_share(hier, group)
				       : cg_cpus_v2_release(hier, group);
	return r < 0 ? err_sys(err, -r, "cannot share the CPUs of \"%s\"", path) : 0;
}

void cg_cpus_share_kept(struct cg *cg)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_CPUSET);

	if (hier && hier->version == 1)
		cg_cpus_v1_share_all(hier);
}

int cg_cpus_get(struct cg *cg, const char *path, char *ret_cpus, size_t cpus_size, char *ret_mems,
		size_t mems_size, struct vc_err *err)
{
	const struct cg_hier *hier;
	char group[CG_GROUP_MAX], cpus[CPULIST_TEXT], mems[CPULIST_TEXT];
	ssize_t n_cpus, n_mems;
	int r = cpus_find(cg, path, &hier, group, err);

	if (r < 0)
		return r;
	n_cpus = cg_file_read(hier, group, cg_cpus_file(hier), cpus, sizeof(cpus));
	n_mems = cg_file_read(hier, group, cg_cpus_mems_file(hier), mems, sizeof(mems));
	if (n_cpus < 0 || n_mems < 0)
		return err_sys(err, (int)-(n_cpus < 0 ? n_cpus : n_mems),
			       "cannot read the CPUs of \"%s\"", path);
	if ((size_t)n_cpus >= cpus_size || (size_t)n_mems >= mems_size)
		return err_set(err, ENAMETOOLONG, "the CPU list of \"%s\" is too long", path);
	memcpy(ret_cpus, cpus, (size_t)n_cpus + 1);
	memcpy(ret_mems, mems, (size_t)n_mems + 1);
	return 0;
}
