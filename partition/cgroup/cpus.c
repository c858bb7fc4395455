// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * cpus.c - a group's CPUs and memory nodes, and whether they are its own
 *
 * Given in v2's terms. On v1 a group's CPUs must lie within its parent's and
 * contain its children's, so a change goes through the whole subtree in the right
 * order; v2 does that by itself.
 *
 * CPUs of one's own: what v2 offers is in dedicate.c. On v1 the root group's processes run
 * where they like, and cpu_exclusive keeps other groups off: reserve.c.
 */
#include "partition/cgroup/cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "partition/cgroup/priv.h"
#include "partition/partition.h"
#include "partition/topology.h"

#define V1_TRIES 5

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

struct list_change {
	const char *file;
	const char *value;
};

static int cpus_put_child(const struct cg_hier *hier, const char *group, const char *name,
			  void *arg)
{
	const struct list_change *change = arg;
	char child[CG_GROUP_MAX];
	int r;

	if (snprintf(child, sizeof(child), "%s/%s", group, name) >= (int)sizeof(child))
		return -ENAMETOOLONG;
	r = cg_cpus_v1_put(hier, child, change->file, change->value);
	return r == -ENOENT || r == -ENODEV ? 0 : r; /* a job has just ended */
}

/* A group and all below it to the same list: what is to go must leave the
 * children first, what is to come must reach the parent first. */
int cg_cpus_v1_put(const struct cg_hier *hier, const char *group, const char *file,
		   const char *value)
{
	struct list_change change = { .file = file, .value = value };
	char old[CPULIST_TEXT], both[2 * CPULIST_TEXT];
	int r = cg_file_write(hier, group, file, value);

	if (r == 0)
		return cg_group_each_child(hier, group, cpus_put_child, &change);
	if (r != -EBUSY)
		return r;
	if (cg_file_read(hier, group, file, old, sizeof(old)) < 0)
		return -EBUSY;
	snprintf(both, sizeof(both), "%s%s%s", old, *old ? "," : "", value);
	cg_file_write(hier, group, file, both);
	/* A job that is just being started may have taken the old list from us. */
	for (int try = 0; try < V1_TRIES; try++) {
		r = cg_group_each_child(hier, group, cpus_put_child, &change);
		if (r == 0)
			r = cg_file_write(hier, group, file, value);
		if (r != -EBUSY)
			break;
	}
	return r;
}

static int cpus_v1_set(struct cg *cg, const struct cg_hier *hier, const char *group,
		       const char *file, const char *value, struct vc_err *err)
{
	int r = cg_lib_set(cg, hier, group, file, value, err);

	if (r == 0 || r == -EBUSY)
		r = cg_cpus_v1_put(hier, group, file, value);
	if (r == -EACCES)
		return err_set(err, EACCES,
			       "%s of %s/%s cannot be %s: its parent has not all of them", file,
			       hier->mount, group, value);
	if (r == -EINVAL)
		return err_set(err, EINVAL,
			       "%s of %s/%s cannot be %s: not there, or a neighbour's own", file,
			       hier->mount, group, value);
	if (r < 0)
		return err_sys(err, -r, "cannot set %s of %s/%s to %s", file, hier->mount, group,
			       value);
	return 0;
}

static int cpus_v1_apply(struct cg *cg, const struct cg_hier *hier, const char *group,
			 const struct cpulist *want, const char *mems, bool exclusive,
			 struct vc_err *err)
{
	char parent[CG_GROUP_MAX], nodes[CPULIST_TEXT], cpus[CPULIST_TEXT];
	struct cg_beside beside;
	bool partition;
	int r = cpulist_format(want, cpus, sizeof(cpus));

	cg_group_parent(group, parent);
	partition = !strcmp(parent, hier->base);
	if (r == 0)
		r = cg_cpus_look_beside(hier, group, want, &beside);
	if (r < 0)
		return err_sys(err, -r, "cannot set the CPUs of %s/%s", hier->mount, group);
	if (!mems) {
		if (cg_file_read(hier, parent, "cpuset.mems", nodes, sizeof(nodes)) < 0)
			return err_set(err, EIO, "cannot read the nodes of %s/%s", hier->mount,
				       parent);
		mems = nodes;
	}
	cg_file_write(hier, group, "cpuset.cpu_exclusive", "0");
	if (partition)
		cg_cpus_v1_make_way(hier, &beside);
	r = cpus_v1_set(cg, hier, group, "cpuset.mems", mems, err);
	if (r == 0)
		r = cpus_v1_set(cg, hier, group, "cpuset.cpus", cpus, err);
	if (r == 0 && partition) {
		/* Those that have made way are not what they were. */
		r = cg_cpus_look_beside(hier, group, want, &beside);
		if (r == 0)
			cg_cpus_v1_settle(hier, group, &beside, exclusive);
	}
	return r;
}

int cg_cpus_of_child(const struct cg_hier *hier, const char *group, const char *name,
		     struct cpulist *ret, char child[static CG_GROUP_MAX])
{
	if (snprintf(child, CG_GROUP_MAX, "%s%s%s", group, *group ? "/" : "", name) >= CG_GROUP_MAX)
		return -ENAMETOOLONG;
	return cg_cpus_read_list(hier, child, "cpuset.cpus", ret);
}

static int cpus_add_beside(const struct cg_hier *hier, const char *group, const char *name,
			   void *arg)
{
	struct cg_beside *beside = arg;
	char child[CG_GROUP_MAX];
	struct cpulist cpus;

	if (!strcmp(name, beside->own) || !strcmp(name, PARTITION_SHIMS_GROUP) ||
	    cg_cpus_of_child(hier, group, name, &cpus, child) < 0)
		return 0;
	cpulist_join(&beside->claimed, &cpus);
	if (hier->version == 2 ? cg_cpus_v2_is_root(hier, child)
			       : cg_cpus_v1_is_exclusive(hier, child))
		cpulist_join(&beside->dedicated, &cpus);
	return 0;
}

int cg_cpus_look_beside(const struct cg_hier *hier, const char *group, const struct cpulist *want,
			struct cg_beside *ret)
{
	char parent[CG_GROUP_MAX];

	cg_group_parent(group, parent);
	*ret = (struct cg_beside){
		.own = group + strlen(parent) + (*parent != '\0'),
		.want = *want,
	};
	return cg_group_each_child(hier, parent, cpus_add_beside, ret);
}

int cg_cpus_get_exclusive(struct cg *cg, const char *path, bool asked, enum cg_exclusive *ret)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_CPUSET);
	enum cg_exclusive got = CG_SHARED;
	char group[CG_GROUP_MAX];
	int r = cg_group_check_path(path, NULL);

	if (r == 0)
		r = hier ? cg_group_of(hier, path, group) : -EOPNOTSUPP;
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

	if (!hier || cg_group_check_path(path, NULL) < 0 || cg_group_of(hier, path, group) < 0)
		return NULL;
	if (hier->version == 2)
		return cg_cpus_v2_is_dedicated(hier, group) ? "cpuset.cpus.partition" : NULL;
	return cg_cpus_v1_is_exclusive(hier, group) ? "cpuset.cpu_exclusive" : NULL;
}

int cg_cpus_set(struct cg *cg, const char *path, const char *cpus, const char *mems, bool exclusive,
		enum cg_exclusive *ret_obtained, struct vc_err *err)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_CPUSET);
	char group[CG_GROUP_MAX];
	struct cpulist want;
	int r = cg_group_check_path(path, err);

	if (r < 0)
		return r;
	if (!hier)
		return err_set(err, EOPNOTSUPP, "this machine has no cpuset controller");
	r = topology_check_cpus(cpus, NULL, 0, NULL, err);
	if (r < 0 || cpulist_parse(cpus, &want) < 0)
		return r;
	r = cg_group_of(hier, path, group);
	if (r < 0)
		return err_sys(err, -r, "cannot set the CPUs of \"%s\"", path);
	if (!cg_file_exists(hier, group, "cgroup.procs"))
		return err_set(err, ENOENT, "there is no group \"%s\" in %s", path, hier->mount);
	if (hier->version == 2)
		r = cg_cpus_v2_set(cg, hier, group, &want, mems, exclusive, err);
	else
		r = cpus_v1_apply(cg, hier, group, &want, mems, exclusive, err);
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
		r = hier->version == 1 ? cg_file_write(hier, group, "cpuset.cpu_exclusive", "0")
				       : cg_cpus_v2_release(hier, group);
	return r < 0 ? err_sys(err, -r, "cannot share the CPUs of \"%s\"", path) : 0;
}

int cg_cpus_get(struct cg *cg, const char *path, char *ret_cpus, size_t cpus_size, char *ret_mems,
		size_t mems_size, struct vc_err *err)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_CPUSET);
	char group[CG_GROUP_MAX], cpus[CPULIST_TEXT], mems[CPULIST_TEXT];
	ssize_t n_cpus, n_mems;
	int r = cg_group_check_path(path, err);

	if (r < 0)
		return r;
	if (!hier)
		return err_set(err, EOPNOTSUPP, "this machine has no cpuset controller");
	r = cg_group_of(hier, path, group);
	if (r < 0)
		return err_sys(err, -r, "cannot read the CPUs of \"%s\"", path);
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
