// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * reserve.c - CPUs that no other group can be given, on v1
 *
 * cpu_exclusive of a group has the kernel refuse its CPUs to all groups beside it. The kernel
 * allows it only below a group that is exclusive itself, up to the root. So our base has to be
 * exclusive too, and that is refused while any neighbour of it, such as a container manager's
 * group or another instance, has one of its CPUs. Then nothing is lost: vcctl keeps partitions
 * apart by itself.
 *
 *	root group    exclusive always
 *	  base        exclusive: the CPUs of all our partitions, and what shims need
 *	    vc0       exclusive
 *	    vc1       not exclusive
 *	    shims     what no exclusive partition has: one CPU at least
 *
 * An exclusive base forbids its CPUs to all groups beside it that come later. So it has no more
 * than it needs, and where the partitions have all CPUs as their own, so that shims have none, it
 * is not exclusive: a machine that is all cut up by default stays usable for others. Processes that
 * are in no group may run anywhere still; only v2 can keep them off (dedicate.c).
 */
#include <stdio.h>
#include <string.h>

#include "partition/cgroup/priv.h"
#include "partition/partition.h"

#define EXCLUSIVE "cpuset.cpu_exclusive"
#define CPUS "cpuset.cpus"

bool cg_cpus_v1_is_exclusive(const struct cg_hier *hier, const char *group)
{
	uint64_t exclusive = 0;

	return cg_file_read_u64(hier, group, EXCLUSIVE, &exclusive) == 0 && exclusive == 1;
}

static int cpus_v1_write_list(const struct cg_hier *hier, const char *group,
			      const struct cpulist *cpus)
{
	char text[CPULIST_TEXT];
	int r = cpulist_format(cpus, text, sizeof(text));

	return r < 0 ? r : cg_cpus_v1_put(hier, group, CPUS, text);
}

/* The base, which may get CPUs that its children do not have. */
static int cpus_v1_write_base(const struct cg_hier *hier, const struct cpulist *cpus)
{
	char text[CPULIST_TEXT];
	int r = cpulist_format(cpus, text, sizeof(text));

	return r < 0 ? r : cg_file_write(hier, hier->base, CPUS, text);
}

static bool cpus_v1_shims(const struct cg_hier *hier, char ret[static CG_GROUP_MAX])
{
	struct cpulist cpus;

	return cg_cpus_of_child(hier, hier->base, PARTITION_SHIMS_GROUP, &cpus, ret) == 0;
}

static bool cpus_v1_contains(const struct cpulist *all, const struct cpulist *part)
{
	struct cpulist left = *part;

	cpulist_subtract(&left, all);
	return cpulist_count(&left) == 0;
}

/* A neighbour that has CPUs as its own which we are told to share gives that up. */
static int cpus_v1_release(const struct cg_hier *hier, const char *group, const char *name,
			   void *arg)
{
	const struct cg_beside *beside = arg;
	char child[CG_GROUP_MAX];
	struct cpulist cpus;

	if (strcmp(name, beside->own) != 0 &&
	    cg_cpus_of_child(hier, group, name, &cpus, child) == 0 &&
	    cpulist_overlap(&cpus, &beside->want) && cg_cpus_v1_is_exclusive(hier, child))
		cg_file_write(hier, child, EXCLUSIVE, "0");
	return 0;
}

static int cpus_v1_find_exclusive(const struct cg_hier *hier, const char *group, const char *name,
				  void *arg)
{
	char child[CG_GROUP_MAX];
	struct cpulist cpus;

	return cg_cpus_of_child(hier, group, name, &cpus, child) == 0 &&
	       cg_cpus_v1_is_exclusive(hier, child);
}

static int cpus_v1_share(const struct cg_hier *hier, const char *group, const char *name, void *arg)
{
	char child[CG_GROUP_MAX];
	struct cpulist cpus;

	if (cg_cpus_of_child(hier, group, name, &cpus, child) == 0)
		cg_file_write(hier, child, EXCLUSIVE, "0");
	return 0;
}

/* Nothing of a base's is exclusive any more. */
static void cpus_v1_share_all(const struct cg_hier *hier, const char *base)
{
	cg_group_each_child(hier, base, cpus_v1_share, NULL);
	cg_file_write(hier, base, EXCLUSIVE, "0");
}

void cg_cpus_v1_make_way(const struct cg_hier *hier, struct cg_beside *beside)
{
	struct cpulist have;

	cg_group_each_child(hier, hier->base, cpus_v1_release, beside);
	if (cg_cpus_read_list(hier, hier->base, CPUS, &have) == 0 &&
	    !cpus_v1_contains(&have, &beside->want)) {
		cpulist_join(&have, &beside->want);
		/* An exclusive base cannot have what a group beside it has. */
		if (cpus_v1_write_base(hier, &have) < 0) {
			cpus_v1_share_all(hier, hier->base);
			cpus_v1_write_base(hier, &have);
		}
	}
}

static int cpus_v1_add_neighbour(const struct cg_hier *hier, const char *group, const char *name,
				 void *arg)
{
	char path[CG_GROUP_MAX];
	struct cpulist cpus;

	snprintf(path, sizeof(path), "%s%s%s", group, *group ? "/" : "", name);
	if (strcmp(path, hier->base) != 0 && cg_cpus_read_list(hier, path, CPUS, &cpus) == 0)
		cpulist_join(arg, &cpus);
	return 0;
}

/* Adds to need a CPU for shims, where it has none that is nobody's own: one that no group beside
 * our base has, or the base could not be exclusive. */
static bool cpus_v1_add_spare(const struct cg_hier *hier, const struct cpulist *own,
			      struct cpulist *need)
{
	struct cpulist spare = *need, neighbours = { 0 };
	char parent[CG_GROUP_MAX];
	int last = -1;

	cpulist_subtract(&spare, own);
	if (cpulist_count(&spare) > 0)
		return true;
	cg_group_parent(hier->base, parent);
	if (cg_cpus_read_list(hier, parent, CPUS, &spare) < 0)
		return false;
	cpulist_subtract(&spare, need);
	cg_group_each_child(hier, parent, cpus_v1_add_neighbour, &neighbours);
	cpulist_subtract(&spare, &neighbours);
	for (int cpu = cpulist_next(&spare, 0); cpu >= 0;
	     cpu = cpulist_next(&spare, (unsigned int)cpu + 1))
		last = cpu;
	if (last >= 0)
		cpulist_add(need, (unsigned int)last);
	return last >= 0;
}

/* The base becomes exclusive, with the CPUs of all partitions, and shims leave those that are
 * somebody's own. */
static bool cpus_v1_claim_base(const struct cg_hier *hier, const struct cg_beside *beside)
{
	struct cpulist need = beside->claimed, own = beside->dedicated, have, rest;
	char shims[CG_GROUP_MAX];

	cpulist_join(&need, &beside->want);
	cpulist_join(&own, &beside->want);
	if (!cpus_v1_add_spare(hier, &own, &need) ||
	    cg_cpus_read_list(hier, hier->base, CPUS, &have) < 0)
		return false;
	if (!cpus_v1_contains(&have, &need)) {
		cpulist_join(&have, &need);
		if (cpus_v1_write_base(hier, &have) < 0)
			return false;
	}
	rest = need;
	cpulist_subtract(&rest, &own);
	if (cpus_v1_shims(hier, shims) && cpus_v1_write_list(hier, shims, &rest) < 0)
		return false;
	return cpus_v1_write_base(hier, &need) == 0 &&
	       cg_file_write(hier, hier->base, EXCLUSIVE, "1") == 0;
}

/* Nothing is a partition's own: what the base and shims can have, they have, and others too. */
static void cpus_v1_give_back(const struct cg_hier *hier)
{
	char parent[CG_GROUP_MAX], shims[CG_GROUP_MAX];
	struct cpulist all;

	cg_file_write(hier, hier->base, EXCLUSIVE, "0");
	cg_group_parent(hier->base, parent);
	if (cg_cpus_read_list(hier, parent, CPUS, &all) == 0)
		cpus_v1_write_base(hier, &all);
	if (cpus_v1_shims(hier, shims) && cg_cpus_read_list(hier, hier->base, CPUS, &all) == 0)
		cpus_v1_write_list(hier, shims, &all);
}

void cg_cpus_v1_settle(const struct cg_hier *hier, const char *group,
		       const struct cg_beside *beside, bool exclusive)
{
	if (exclusive && !cpulist_overlap(&beside->want, &beside->claimed)) {
		/* All or none, so that it does not matter which partition came first. */
		if (cpus_v1_claim_base(hier, beside))
			cg_file_write(hier, group, EXCLUSIVE, "1");
		else
			cpus_v1_share_all(hier, hier->base);
	}
	if (cg_group_each_child(hier, hier->base, cpus_v1_find_exclusive, NULL) == 0)
		cpus_v1_give_back(hier);
}

/* "vcrun", or "vcrun-" and a hash: see instance_group_name(). */
static int cpus_v1_yield(const struct cg_hier *hier, const char *group, const char *name, void *arg)
{
	char base[CG_GROUP_MAX];
	struct cpulist cpus;

	if ((strcmp(name, "vcrun") != 0 && strncmp(name, "vcrun-", 6) != 0) ||
	    cg_cpus_of_child(hier, group, name, &cpus, base) < 0 ||
	    !cg_cpus_v1_is_exclusive(hier, base))
		return 0;
	cpus_v1_share_all(hier, base);
	return 0;
}

void cg_cpus_v1_ask_instances(const struct cg_hier *hier, const char *parent)
{
	cg_group_each_child(hier, parent, cpus_v1_yield, NULL);
}

void cg_cpus_share_kept(struct cg *cg)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_CPUSET);

	if (!hier || hier->version == 2)
		return;
	cpus_v1_share_all(hier, hier->base);
	cpus_v1_give_back(hier);
}
