// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * cpus-v2.c - a group's CPUs and memory nodes on cgroup v2
 *
 * A partition's group becomes a partition root below our base. The base is a partition root
 *directly below the root group, so all of these are local partitions. (Remote partitions lost CPUs
 *and once hit a kernel bug on 6.12.)
 *
 *	root group    keeps at least one CPU for the rest of the system
 *	  base        partition root: the CPUs of all our partitions, and one more
 *	    vc0       partition root: dedicated
 *	    vc1       member: not dedicated, shares with base and shims
 *	    shims     runs on the rest of base: at least on that one CPU
 *
 * Where the partitions want so many CPUs that none is left for the rest of the system or for shims,
 * each gets its CPUs, but no partition is dedicated any more. The kernel accepts a bad request and
 * makes the partition invalid, so only reading the files back shows the result.
 */
#include <errno.h>
#include <string.h>

#include "partition/cgroup/priv.h"

#define PARTITION "cpuset.cpus.partition"
#define CPUS "cpuset.cpus"
#define MEMS "cpuset.mems"

bool cg_cpus_v2_is_root(const struct cg_hier *hier, const char *group)
{
	char state[256];

	if (!*group)
		return true;
	if (cg_file_read(hier, group, PARTITION, state, sizeof(state)) < 0)
		return false;
	return !strcmp(state, "root") || !strcmp(state, "isolated");
}

bool cg_cpus_v2_is_dedicated(const struct cg_hier *hier, const char *group)
{
	struct cpulist want, got;

	return cg_cpus_v2_is_root(hier, group) &&
	       cg_cpus_read_list(hier, group, CPUS, &want) == 0 &&
	       cg_cpus_read_list(hier, group, cg_cpus_file(hier), &got) == 0 &&
	       cpulist_equal(&want, &got);
}

static bool cpus_v2_is_member(const struct cg_hier *hier, const char *group)
{
	char state[256];

	return cg_file_read(hier, group, PARTITION, state, sizeof(state)) > 0 &&
	       !strcmp(state, "member");
}

static bool cpus_v2_is_populated(const struct cg_hier *hier, const char *group)
{
	char events[256];

	return cg_file_read(hier, group, "cgroup.events", events, sizeof(events)) < 0 ||
	       !strstr(events, "populated 0");
}

/* Adds a CPU that is no partition's own to need, unless need has one: the spare CPU that we have
 * already, so that shims always have one, or one from avail. */
static bool cpus_v2_add_spare(struct cpulist *need, const struct cpulist *have,
			      const struct cpulist *avail, const struct cpulist *own)
{
	struct cpulist left = *need, spare = *have;
	int cpu;

	cpulist_subtract(&left, own);
	cpulist_subtract(&spare, need);
	if (cpulist_count(&left) > 0 && cpulist_count(&spare) == 0)
		return true;
	if (cpulist_count(&spare) == 0) {
		spare = *avail;
		cpulist_subtract(&spare, need);
	}
	cpu = cpulist_last(&spare);
	if (cpu >= 0)
		cpulist_add(need, (unsigned int)cpu);
	return cpu >= 0;
}

/*
 * Makes our base a partition root with the CPUs of every partition and one spare CPU for daemons
 * and shims. The group above keeps at least one CPU, and gets back the CPUs that no partition has
 * any more. A base that has processes does not become a partition root.
 */
static bool cpus_v2_make_room(const struct cg_hier *hier, const struct cg_beside *beside,
			      bool exclusive)
{
	char parent[CG_GROUP_MAX];
	struct cpulist have = { 0 }, avail, need = beside->claimed, own = beside->dedicated, left;
	bool turned = cg_cpus_v2_is_root(hier, hier->base);

	cg_group_parent(hier->base, parent);
	if (!cg_cpus_v2_is_root(hier, parent) ||
	    (!turned &&
	     (!cpus_v2_is_member(hier, hier->base) || cpus_v2_is_populated(hier, hier->base))) ||
	    (turned && cg_cpus_read_list(hier, hier->base, CPUS, &have) < 0) ||
	    cg_cpus_read_list(hier, parent, cg_cpus_file(hier), &avail) < 0)
		return false;
	cpulist_join(&avail, &have);
	cpulist_join(&need, &beside->want);
	if (exclusive)
		cpulist_join(&own, &beside->want);
	if (!cpus_v2_add_spare(&need, &have, &avail, &own))
		return false;
	left = need;
	cpulist_subtract(&left, &avail);
	cpulist_subtract(&avail, &need);
	if (cpulist_count(&left) > 0 || cpulist_count(&avail) == 0)
		return false;
	if (turned && cpulist_equal(&need, &have))
		return true;
	/* CPUs go back first: 6.12 makes a root invalid that takes the last CPU of the group above,
	 * even if it gives another one back in the same write. */
	left = have;
	cpulist_subtract(&left, &need);
	if (cpulist_count(&left) > 0) {
		cpulist_subtract(&have, &left);
		cg_cpus_write_list(hier, hier->base, &have);
	}
	if (cg_cpus_write_list(hier, hier->base, &need) < 0)
		return false;
	if (!turned)
		cg_file_write(hier, hier->base, PARTITION, "root");
	return cg_cpus_v2_is_root(hier, hier->base);
}

/* Makes no CPU exclusive any more: every process may use all CPUs of the group above. */
static void cpus_v2_give_back(const struct cg_hier *hier)
{
	char parent[CG_GROUP_MAX], text[CPULIST_TEXT];

	CG_FOREACH_CHILD(walk, hier, hier->base) {
		if (!cpus_v2_is_member(hier, walk.group))
			cg_cpus_share(hier, walk.group);
	}
	cg_cpus_share(hier, hier->base);
	cg_group_parent(hier->base, parent);
	/* The list of a group with processes cannot be emptied. */
	if (cg_file_write(hier, hier->base, CPUS, "\n") < 0 &&
	    cg_file_read(hier, parent, cg_cpus_file(hier), text, sizeof(text)) > 0)
		cg_file_write(hier, hier->base, CPUS, text);
}

/* Writes the nodes twice: the kernel does not migrate a task at the first write if the nodes of its
 * group were never set. */
static int cpus_v2_set_mems(const struct cg_hier *hier, const char *group, const char *mems,
			    struct vc_err *err)
{
	char parent[CG_GROUP_MAX], text[CPULIST_TEXT];
	int r;

	if (!mems) {
		if (cg_file_read(hier, group, MEMS, text, sizeof(text)) == 0 ||
		    cg_file_write(hier, group, MEMS, "\n") == 0)
			return 0;
		cg_group_parent(group, parent);
		if (cg_file_read(hier, parent, cg_cpus_mems_file(hier), text, sizeof(text)) < 0)
			return err_set(err, EIO, "cannot read the nodes of %s/%s", hier->mount,
				       parent);
		mems = text;
	}
	for (int i = 0; i < 2; i++) {
		r = cg_file_write(hier, group, MEMS, mems);
		if (r < 0)
			return err_sys(err, -r, "cannot set cpuset.mems of %s/%s to %s",
				       hier->mount, group, mems);
	}
	return 0;
}

/* Writes the partition file of a group directly below our base. The caller reads back the result.
 */
static void cpus_v2_claim(const struct cg_hier *hier, const char *group, bool exclusive)
{
	if (exclusive && !cg_cpus_v2_is_root(hier, group)) {
		cg_cpus_share(hier, group);
		cg_file_write(hier, group, PARTITION, "root");
	}
	if (!cpus_v2_is_member(hier, group) &&
	    (!exclusive || !cg_cpus_v2_is_dedicated(hier, group)))
		cg_cpus_share(hier, group);
}

int cg_cpus_v2_release(const struct cg_hier *hier, const char *group)
{
	cpus_v2_claim(hier, group, false);
	return cg_cpus_v2_is_root(hier, group) ? -EBUSY : 0;
}

int cg_cpus_v2_set(struct cg *cg, const struct cg_hier *hier, const char *group,
		   const struct cpulist *want, const char *mems, bool exclusive, struct vc_err *err)
{
	char parent[CG_GROUP_MAX], text[CPULIST_TEXT];
	struct cg_beside beside;
	struct cpulist got;
	int r;

	if (!cg_file_exists(hier, group, CPUS))
		return err_set(err, EOPNOTSUPP,
			       "the cpuset controller does not reach %s/%s: a group above holds "
			       "processes itself or does not pass it on",
			       hier->mount, group);
	r = cg_cpus_look_beside(hier, group, want, &beside);
	if (r == 0)
		r = cpulist_format(want, text, sizeof(text));
	if (r < 0)
		return err_sys(err, -r, "cannot set the CPUs of %s/%s", hier->mount, group);
	cg_group_parent(group, parent);
	if (!strcmp(parent, hier->base)) {
		cg_cpus_share_wanted(hier, &beside);
		/* The base cannot lose CPUs that are this group's own. */
		if (cg_cpus_read_list(hier, group, CPUS, &got) < 0 || !cpulist_equal(want, &got))
			cpus_v2_claim(hier, group, false);
		exclusive = exclusive && !cpulist_overlap(want, &beside.claimed) &&
			    cpus_v2_make_room(hier, &beside, true);
		if (!exclusive)
			cpus_v2_claim(hier, group, false);
		if (!exclusive && cg_cpus_v2_is_root(hier, parent) &&
		    !cpus_v2_make_room(hier, &beside, false))
			cpus_v2_give_back(hier);
	} else {
		exclusive = false;
	}
	r = cg_lib_set(cg, hier, group, CPUS, text, err);
	if (r == 0)
		r = cpus_v2_set_mems(hier, group, mems, err);
	if (r < 0)
		return r;
	if (exclusive)
		cpus_v2_claim(hier, group, true);
	if (cg_cpus_read_list(hier, group, cg_cpus_file(hier), &got) < 0 ||
	    !cpulist_equal(want, &got)) {
		char has[CPULIST_TEXT] = "";

		cg_file_read(hier, group, cg_cpus_file(hier), has, sizeof(has));
		return err_set(err, EBUSY,
			       "%s/%s cannot have CPUs %s (the kernel gives it %s): the others are "
			       "offline or exclusive to another group",
			       hier->mount, group, text, *has ? has : "none");
	}
	return 0;
}
