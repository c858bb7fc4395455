// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * cpus-v1.c - a group's CPUs and memory nodes on cgroup v1
 *
 * A group's CPUs must lie within its parent's and contain its children's. So a change goes through
 * the whole subtree in the right order.
 *
 * cpu_exclusive of a group makes the kernel refuse its CPUs to all groups beside it. The kernel
 * allows it only below groups that are exclusive too, up to the root. So our base has to be
 * exclusive, and the kernel refuses that while a neighbour of our base, such as a container
 * manager's group or another instance, has one of its CPUs. Then vcctl alone keeps partitions
 * apart.
 *
 *	root group    always exclusive
 *	  base        exclusive: the CPUs of all partitions, and one for shims
 *	    vc0       exclusive
 *	    vc1       not exclusive
 *	    shims     CPUs that no exclusive partition has: at least one
 *
 * An exclusive base forbids its CPUs to groups that others make beside it later. So it has only
 * the CPUs that it needs, and it is not exclusive where the partitions take all CPUs. Processes in
 * the root group may still run anywhere; only v2 can prevent that (cpus-v2.c).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "partition/cgroup/priv.h"
#include "partition/partition.h"

#define EXCLUSIVE "cpuset.cpu_exclusive"
#define CPUS "cpuset.cpus"
#define MEMS "cpuset.mems"
#define TRIES 5

bool cg_cpus_v1_is_exclusive(const struct cg_hier *hier, const char *group)
{
	uint64_t exclusive = 0;

	return cg_file_read_u64(hier, group, EXCLUSIVE, &exclusive) == 0 && exclusive == 1;
}

static int cpus_v1_put(const struct cg_hier *hier, const char *group, const char *file,
		       const char *value);

static int cpus_v1_put_below(const struct cg_hier *hier, const char *group, const char *file,
			     const char *value)
{
	_cleanup_(cg_walk_done) struct cg_walk walk = cg_walk_begin(hier, group);

	while (cg_walk_next(&walk)) {
		int r = cpus_v1_put(hier, walk.group, file, value);

		if (r < 0 && r != -ENOENT && r != -ENODEV) /* a job has just ended */
			return r;
	}
	return walk.r;
}

/* Writes a list to a group and all groups below it. CPUs that go leave the children first; CPUs
 * that come reach the parent first. */
static int cpus_v1_put(const struct cg_hier *hier, const char *group, const char *file,
		       const char *value)
{
	char old[CPULIST_TEXT], both[2 * CPULIST_TEXT];
	int r = cg_file_write(hier, group, file, value);

	if (r == 0)
		return cpus_v1_put_below(hier, group, file, value);
	if (r != -EBUSY)
		return r;
	if (cg_file_read(hier, group, file, old, sizeof(old)) < 0)
		return -EBUSY;
	snprintf(both, sizeof(both), "%s%s%s", old, *old ? "," : "", value);
	cg_file_write(hier, group, file, both);
	/* The group of a job that starts now may still get the old list. */
	for (int try = 0; try < TRIES; try++) {
		r = cpus_v1_put_below(hier, group, file, value);
		if (r == 0)
			r = cg_file_write(hier, group, file, value);
		if (r != -EBUSY)
			break;
	}
	return r;
}

/* Adds the CPUs that the kernel refuses to a group because a group beside it has them. */
static void cpus_v1_add_taken(const struct cg_hier *hier, const char *group, struct cpulist *taken)
{
	char parent[CG_GROUP_MAX];
	struct cpulist cpus;

	cg_group_parent(group, parent);
	CG_FOREACH_CHILD(walk, hier, parent) {
		if (strcmp(walk.group, group) != 0 && cg_cpus_v1_is_exclusive(hier, walk.group) &&
		    cg_cpus_read_list(hier, walk.group, CPUS, &cpus) == 0)
			cpulist_join(taken, &cpus);
	}
}

/* Nothing below a base is exclusive any more, nor the base. */
static void cpus_v1_share_all(const struct cg_hier *hier, const char *base)
{
	CG_FOREACH_CHILD(walk, hier, base)
		cg_cpus_share(hier, walk.group);
	cg_cpus_share(hier, base);
}

/* Their bases are "vcrun", or "vcrun-" and a hash: see instance_group_name(). */
void cg_cpus_v1_ask_instances(const struct cg_hier *hier, const char *parent)
{
	CG_FOREACH_CHILD(walk, hier, parent) {
		if ((!strcmp(walk.name, "vcrun") || !strncmp(walk.name, "vcrun-", 6)) &&
		    cg_cpus_v1_is_exclusive(hier, walk.group))
			cpus_v1_share_all(hier, walk.group);
	}
}

/* Gives a new group, after the kernel has refused it all of its parent's CPUs, those that no
 * neighbour keeps for itself. Returns -ENOSPC when there are none. */
static int cpus_v1_inherit_rest(const struct cg_hier *hier, const char *group, const char *parent,
				const struct cpulist *cpus)
{
	struct cpulist rest = *cpus, taken = { 0 };

	cpus_v1_add_taken(hier, group, &taken);
	cpulist_subtract(&rest, &taken);
	if (cpulist_count(&rest) > 0)
		return cg_cpus_write_list(hier, group, &rest);
	cg_cpus_v1_ask_instances(hier, parent);
	return cg_cpus_write_list(hier, group, cpus) < 0 ? -ENOSPC : 0;
}

static int cpus_v1_inherit_once(const struct cg_hier *hier, const char *group, struct vc_err *err)
{
	char parent[CG_GROUP_MAX], text[CPULIST_TEXT], mems[CPULIST_TEXT];
	struct cpulist cpus;
	int r;

	if (cg_file_read(hier, group, CPUS, text, sizeof(text)) > 0 &&
	    cg_file_read(hier, group, MEMS, mems, sizeof(mems)) > 0)
		return 0;
	cg_group_parent(group, parent);
	if (cg_cpus_read_list(hier, parent, CPUS, &cpus) < 0 ||
	    cg_file_read(hier, parent, MEMS, mems, sizeof(mems)) < 0)
		return err_set(err, ENOENT, "cannot read the CPUs of %s/%s", hier->mount, parent);
	r = cg_file_write(hier, group, MEMS, mems);
	if (r == 0)
		r = cg_cpus_write_list(hier, group, &cpus);
	if (r == -EINVAL)
		r = cpus_v1_inherit_rest(hier, group, parent, &cpus);
	if (r == -ENOSPC)
		return err_set(err, EBUSY,
			       "no CPU is left for %s/%s: its neighbours have exclusive use of all",
			       hier->mount, group);
	if (r < 0)
		return err_sys(err, -r, "cannot give %s/%s the CPUs and nodes of its parent",
			       hier->mount, group);
	/* As on v2, a process's pages move to the nodes of its new group. */
	cg_file_write(hier, group, "cpuset.memory_migrate", "1");
	return 0;
}

int cg_cpus_v1_inherit(const struct cg_hier *hier, const char *group, struct vc_err *err)
{
	int r = -EACCES;

	/* The parent's CPUs may change between reading and writing them. */
	for (int try = 0; try < TRIES && r == -EACCES; try++)
		r = cpus_v1_inherit_once(hier, group, err);
	return r;
}

/* Returns 0 also when there is no group for shims. */
static int cpus_v1_set_shims(const struct cg_hier *hier, const struct cpulist *cpus)
{
	char shims[CG_GROUP_MAX], text[CPULIST_TEXT];
	int r = cg_group_of(hier, PARTITION_SHIMS_GROUP, shims);

	if (r == 0 && !cg_file_exists(hier, shims, CPUS))
		return 0;
	if (r == 0)
		r = cpulist_format(cpus, text, sizeof(text));
	return r < 0 ? r : cpus_v1_put(hier, shims, CPUS, text);
}

/* Gives the base the CPUs that a partition wants; no neighbour keeps them for itself. */
static void cpus_v1_make_way(const struct cg_hier *hier, const struct cg_beside *beside)
{
	struct cpulist have;

	cg_cpus_share_wanted(hier, beside);
	if (cg_cpus_read_list(hier, hier->base, CPUS, &have) < 0 ||
	    cpulist_contains(&have, &beside->want))
		return;
	cpulist_join(&have, &beside->want);
	/* An exclusive base cannot get CPUs of a group beside it. */
	if (cg_cpus_write_list(hier, hier->base, &have) < 0) {
		cpus_v1_share_all(hier, hier->base);
		cg_cpus_write_list(hier, hier->base, &have);
	}
}

/* Adds a CPU for shims to need, unless it has one that no partition keeps for itself. It must be
 * one that no group beside our base has, or the base could not be exclusive. */
static bool cpus_v1_add_spare(const struct cg_hier *hier, const struct cpulist *own,
			      struct cpulist *need)
{
	struct cpulist spare = *need, cpus;
	char parent[CG_GROUP_MAX];
	int last;

	cpulist_subtract(&spare, own);
	if (cpulist_count(&spare) > 0)
		return true;
	cg_group_parent(hier->base, parent);
	if (cg_cpus_read_list(hier, parent, CPUS, &spare) < 0)
		return false;
	cpulist_subtract(&spare, need);
	CG_FOREACH_CHILD(walk, hier, parent) {
		if (strcmp(walk.group, hier->base) != 0 &&
		    cg_cpus_read_list(hier, walk.group, CPUS, &cpus) == 0)
			cpulist_subtract(&spare, &cpus);
	}
	last = cpulist_last(&spare);
	if (last >= 0)
		cpulist_add(need, (unsigned int)last);
	return last >= 0;
}

/* Makes the base exclusive, with the CPUs of all partitions. Shims leave the CPUs that are a
 * partition's own. */
static bool cpus_v1_claim_base(const struct cg_hier *hier, const struct cg_beside *beside)
{
	struct cpulist need = beside->claimed, own = beside->dedicated, have, rest;

	cpulist_join(&need, &beside->want);
	cpulist_join(&own, &beside->want);
	if (!cpus_v1_add_spare(hier, &own, &need) ||
	    cg_cpus_read_list(hier, hier->base, CPUS, &have) < 0)
		return false;
	if (!cpulist_contains(&have, &need)) {
		cpulist_join(&have, &need);
		if (cg_cpus_write_list(hier, hier->base, &have) < 0)
			return false;
	}
	rest = need;
	cpulist_subtract(&rest, &own);
	return cpus_v1_set_shims(hier, &rest) == 0 &&
	       cg_cpus_write_list(hier, hier->base, &need) == 0 &&
	       cg_file_write(hier, hier->base, EXCLUSIVE, "1") == 0;
}

/* No CPU is exclusive any more: the base and shims get all CPUs of the group above. */
static void cpus_v1_give_back(const struct cg_hier *hier)
{
	char parent[CG_GROUP_MAX];
	struct cpulist all;

	cg_cpus_share(hier, hier->base);
	cg_group_parent(hier->base, parent);
	if (cg_cpus_read_list(hier, parent, CPUS, &all) == 0)
		cg_cpus_write_list(hier, hier->base, &all);
	if (cg_cpus_read_list(hier, hier->base, CPUS, &all) == 0)
		cpus_v1_set_shims(hier, &all);
}

static bool cpus_v1_has_exclusive(const struct cg_hier *hier)
{
	CG_FOREACH_CHILD(walk, hier, hier->base) {
		if (cg_cpus_v1_is_exclusive(hier, walk.group))
			return true;
	}
	return false;
}

/* Makes the group's CPUs exclusive, if asked to and if the kernel allows it. */
static void cpus_v1_settle(const struct cg_hier *hier, const char *group,
			   const struct cg_beside *beside, bool exclusive)
{
	if (exclusive && !cpulist_overlap(&beside->want, &beside->claimed)) {
		/* All partitions or none, so that it does not matter which one came first. */
		if (cpus_v1_claim_base(hier, beside))
			cg_file_write(hier, group, EXCLUSIVE, "1");
		else
			cpus_v1_share_all(hier, hier->base);
	}
	if (!cpus_v1_has_exclusive(hier))
		cpus_v1_give_back(hier);
}

void cg_cpus_v1_share_all(const struct cg_hier *hier)
{
	cpus_v1_share_all(hier, hier->base);
	cpus_v1_give_back(hier);
}

static int cpus_v1_write(struct cg *cg, const struct cg_hier *hier, const char *group,
			 const char *file, const char *value, struct vc_err *err)
{
	int r = cg_lib_set(cg, hier, group, file, value, err);

	if (r == 0 || r == -EBUSY)
		r = cpus_v1_put(hier, group, file, value);
	if (r == -EACCES)
		return err_set(err, EACCES,
			       "%s of %s/%s cannot be %s: its parent has not all of them", file,
			       hier->mount, group, value);
	if (r == -EINVAL)
		return err_set(err, EINVAL,
			       "%s of %s/%s cannot be %s: not there, or exclusive to a neighbour",
			       file, hier->mount, group, value);
	if (r < 0)
		return err_sys(err, -r, "cannot set %s of %s/%s to %s", file, hier->mount, group,
			       value);
	return 0;
}

int cg_cpus_v1_set(struct cg *cg, const struct cg_hier *hier, const char *group,
		   const struct cpulist *want, const char *mems, bool exclusive, struct vc_err *err)
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
		if (cg_file_read(hier, parent, MEMS, nodes, sizeof(nodes)) < 0)
			return err_set(err, EIO, "cannot read the nodes of %s/%s", hier->mount,
				       parent);
		mems = nodes;
	}
	cg_cpus_share(hier, group);
	if (partition)
		cpus_v1_make_way(hier, &beside);
	r = cpus_v1_write(cg, hier, group, MEMS, mems, err);
	if (r == 0)
		r = cpus_v1_write(cg, hier, group, CPUS, cpus, err);
	if (r == 0 && partition) {
		/* Making way has changed the neighbours. */
		r = cg_cpus_look_beside(hier, group, want, &beside);
		if (r == 0)
			cpus_v1_settle(hier, group, &beside, exclusive);
	}
	return r;
}
