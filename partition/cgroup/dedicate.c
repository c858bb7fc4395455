// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dedicate.c - CPUs of a partition's own, on v2
 *
 * A group becomes a partition root below our base, which is one itself, directly
 * below the root group: a local partition. (Remote ones leaked CPUs and once hit a
 * kernel bug on 6.12.)
 *
 *	root group    keeps at least one CPU, for the rest of the system
 *	  base        partition root: the CPUs of all our partitions, and one more
 *	    vc0       partition root: dedicated
 *	    vc1       member: not dedicated, shares with base and shims
 *	    shims     runs on what is left of base: that one CPU at least
 *
 * Where the partitions together want so much that no CPU would be left for one of
 * the two, what was asked for counts more than having it alone, and none is
 * dedicated any more. The kernel takes a bad request and makes the partition
 * invalid, so the only proof is what it says when read back.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "partition/cgroup/priv.h"
#include "partition/partition.h"

/* Exactly "root" or "isolated"; "root invalid (why)" is none. The root group has
 * no such file. */
bool cg_cpus_v2_is_root(const struct cg_hier *hier, const char *group)
{
	char state[256];

	if (!*group)
		return true;
	if (cg_file_read(hier, group, "cpuset.cpus.partition", state, sizeof(state)) < 0)
		return false;
	return !strcmp(state, "root") || !strcmp(state, "isolated");
}

/* A valid root that has all the CPUs it was given: the only proof. */
bool cg_cpus_v2_is_dedicated(const struct cg_hier *hier, const char *group)
{
	struct cpulist want, got;

	return cg_cpus_v2_is_root(hier, group) &&
	       cg_cpus_read_list(hier, group, "cpuset.cpus", &want) == 0 &&
	       cg_cpus_read_list(hier, group, cg_cpus_file(hier), &got) == 0 &&
	       cpulist_equal(&want, &got);
}

static bool cpus_v2_is_member(const struct cg_hier *hier, const char *group)
{
	char state[256];

	return cg_file_read(hier, group, "cpuset.cpus.partition", state, sizeof(state)) > 0 &&
	       !strcmp(state, "member");
}

static bool cpus_v2_is_populated(const struct cg_hier *hier, const char *group)
{
	char events[256];

	return cg_file_read(hier, group, "cgroup.events", events, sizeof(events)) < 0 ||
	       !strstr(events, "populated 0");
}

/* A neighbour that has CPUs as its own which we are told to share gives that up. */
static int cpus_v2_release(const struct cg_hier *hier, const char *group, const char *name,
			   void *arg)
{
	const struct cg_beside *beside = arg;
	char child[CG_GROUP_MAX];
	struct cpulist cpus;

	if (strcmp(name, beside->own) != 0 &&
	    cg_cpus_of_child(hier, group, name, &cpus, child) == 0 &&
	    cpulist_overlap(&cpus, &beside->want) && cg_cpus_v2_is_root(hier, child))
		cg_file_write(hier, child, "cpuset.cpus.partition", "member");
	return 0;
}

static int cpus_v2_last(const struct cpulist *cpus)
{
	int last = -1;

	for (int cpu = cpulist_next(cpus, 0); cpu >= 0;
	     cpu = cpulist_next(cpus, (unsigned int)cpu + 1))
		last = cpu;
	return last;
}

/*
 * Adds to need a CPU that is nobody's own, where it has none: the one that we have for that
 * already, so that shims are never without, or one from avail.
 */
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
	cpu = cpus_v2_last(&spare);
	if (cpu >= 0)
		cpulist_add(need, (unsigned int)cpu);
	return cpu >= 0;
}

static int cpus_v2_write_base(const struct cg_hier *hier, const struct cpulist *cpus)
{
	char text[CPULIST_TEXT];
	int r = cpulist_format(cpus, text, sizeof(text));

	return r < 0 ? r : cg_file_write(hier, hier->base, "cpuset.cpus", text);
}

/*
 * Makes our base a partition root with the wanted CPUs, those of every partition, and one
 * that is nobody's own, for daemons and shims. What is above keeps at least one, and gets
 * back what no partition has any more: otherwise CPUs that partitions leave one after the
 * other would use up the machine. A populated base is not turned: that is done before
 * jobs run, or not at all.
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
	    (turned && cg_cpus_read_list(hier, hier->base, "cpuset.cpus", &have) < 0) ||
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
	/* What goes back goes first: 6.12 makes a root invalid that takes the last CPU of those
	 * above, even if it gives another one in the same write. */
	left = have;
	cpulist_subtract(&left, &need);
	if (cpulist_count(&left) > 0) {
		cpulist_subtract(&have, &left);
		cpus_v2_write_base(hier, &have);
	}
	if (cpus_v2_write_base(hier, &need) < 0)
		return false;
	if (!turned)
		cg_file_write(hier, hier->base, "cpuset.cpus.partition", "root");
	return cg_cpus_v2_is_root(hier, hier->base);
}

static int cpus_v2_to_member(const struct cg_hier *hier, const char *group, const char *name,
			     void *arg)
{
	char child[CG_GROUP_MAX];

	if (snprintf(child, sizeof(child), "%s/%s", group, name) < (int)sizeof(child) &&
	    !cpus_v2_is_member(hier, child))
		cg_file_write(hier, child, "cpuset.cpus.partition", "member");
	return 0;
}

/* No CPU is our own any more: everybody, the rest of the system too, may use all
 * that is above us. A populated group's list cannot be emptied, but filled. */
static void cpus_v2_give_back(const struct cg_hier *hier)
{
	char parent[CG_GROUP_MAX], text[CPULIST_TEXT];

	cg_group_each_child(hier, hier->base, cpus_v2_to_member, NULL);
	cg_file_write(hier, hier->base, "cpuset.cpus.partition", "member");
	cg_group_parent(hier->base, parent);
	if (cg_file_write(hier, hier->base, "cpuset.cpus", "\n") < 0 &&
	    cg_file_read(hier, parent, cg_cpus_file(hier), text, sizeof(text)) > 0)
		cg_file_write(hier, hier->base, "cpuset.cpus", text);
}

/* Nodes: twice, because a task from a group whose nodes were never set is not
 * migrated the first time. */
static int cpus_v2_set_mems(const struct cg_hier *hier, const char *group, const char *mems,
			    struct vc_err *err)
{
	char parent[CG_GROUP_MAX], text[CPULIST_TEXT];
	int r;

	if (!mems) {
		if (cg_file_read(hier, group, "cpuset.mems", text, sizeof(text)) == 0 ||
		    cg_file_write(hier, group, "cpuset.mems", "\n") == 0)
			return 0;
		cg_group_parent(group, parent);
		if (cg_file_read(hier, parent, cg_cpus_mems_file(hier), text, sizeof(text)) < 0)
			return err_set(err, EIO, "cannot read the nodes of %s/%s", hier->mount,
				       parent);
		mems = text;
	}
	for (int i = 0; i < 2; i++) {
		r = cg_file_write(hier, group, "cpuset.mems", mems);
		if (r < 0)
			return err_sys(err, -r, "cannot set cpuset.mems of %s/%s to %s",
				       hier->mount, group, mems);
	}
	return 0;
}

/* The partition file of a group directly below our base; what comes of it is read
 * back by the caller. */
static void cpus_v2_claim(const struct cg_hier *hier, const char *group, bool exclusive)
{
	if (exclusive && !cg_cpus_v2_is_root(hier, group)) {
		cg_file_write(hier, group, "cpuset.cpus.partition", "member");
		cg_file_write(hier, group, "cpuset.cpus.partition", "root");
	}
	if (!cpus_v2_is_member(hier, group) &&
	    (!exclusive || !cg_cpus_v2_is_dedicated(hier, group)))
		cg_file_write(hier, group, "cpuset.cpus.partition", "member");
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

	if (!cg_file_exists(hier, group, "cpuset.cpus"))
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
		cg_group_each_child(hier, parent, cpus_v2_release, &beside);
		/* Nor can the base lose CPUs that this group has as its own. */
		if (cg_cpus_read_list(hier, group, "cpuset.cpus", &got) < 0 ||
		    !cpulist_equal(want, &got))
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
	r = cg_lib_set(cg, hier, group, "cpuset.cpus", text, err);
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
			       "offline or somebody else's own",
			       hier->mount, group, text, *has ? has : "none");
	}
	return 0;
}
