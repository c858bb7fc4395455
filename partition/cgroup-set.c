// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * cgroup-set.c - a group's CPUs, memory nodes and memory limit
 *
 * Given in v2's terms. On v1 a group's CPUs must lie within its parent's and
 * contain its children's, so a change goes through the whole subtree in the right
 * order; v2 does that by itself.
 *
 * CPUs of one's own. On v2 a group becomes a partition root below our base, which
 * is one itself, directly below the root group (a local partition: remote ones
 * leaked CPUs and once hit a kernel bug on 6.12). The kernel takes a bad request
 * and makes the partition invalid, so the only proof is what it says when read
 * back. On v1 there is no such thing: cpu_exclusive only refuses overlapping
 * neighbours, and the root group's processes run where they like. It is asked for
 * on the partition's group, but never given to our base: an exclusive base would
 * forbid these CPUs to every other user of the hierarchy, a second vcrun included.
 */
#include "partition/cgroup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "partition/cgroup-priv.h"
#include "partition/cpulist.h"
#include "partition/partition.h"

#define SHRINK_WAIT_USEC 2000000

static const char *file_cpus(const struct cg_hier *hier)
{
	return hier->version == 2 ? "cpuset.cpus.effective" : "cpuset.effective_cpus";
}

static const char *file_mems(const struct cg_hier *hier)
{
	return hier->version == 2 ? "cpuset.mems.effective" : "cpuset.effective_mems";
}

static int read_list(const struct cg_hier *hier, const char *group, const char *file,
		     struct cpulist *ret)
{
	char text[CPULIST_TEXT];
	ssize_t len = cg_read(hier, group, file, text, sizeof(text));

	return len < 0 ? (int)len : cpulist_parse(text, ret);
}

struct list_change {
	const char *file;
	const char *value;
};

static int v1_put(const struct cg_hier *hier, const char *group, const struct list_change *change);

static int v1_put_child(const struct cg_hier *hier, const char *group, const char *name, void *arg)
{
	char child[CG_GROUP_MAX];

	if (snprintf(child, sizeof(child), "%s/%s", group, name) >= (int)sizeof(child))
		return -ENAMETOOLONG;
	return v1_put(hier, child, arg);
}

/* A group and all below it to the same list: what is to go must leave the
 * children first, what is to come must reach the parent first. */
static int v1_put(const struct cg_hier *hier, const char *group, const struct list_change *change)
{
	char old[CPULIST_TEXT], both[2 * CPULIST_TEXT];
	struct list_change copy = *change;
	int r = cg_write(hier, group, change->file, change->value);

	if (r == 0)
		return cg_each_child(hier, group, v1_put_child, &copy);
	if (r != -EBUSY)
		return r;
	if (cg_read(hier, group, change->file, old, sizeof(old)) < 0)
		return -EBUSY;
	snprintf(both, sizeof(both), "%s%s%s", old, *old ? "," : "", change->value);
	cg_write(hier, group, change->file, both);
	r = cg_each_child(hier, group, v1_put_child, &copy);
	return r < 0 ? r : cg_write(hier, group, change->file, change->value);
}

static int v1_set(struct cg *cg, const struct cg_hier *hier, const char *group, const char *file,
		  const char *value, struct vc_err *err)
{
	struct list_change change = { .file = file, .value = value };
	int r = cg_lib_set(cg, hier, group, file, value, err);

	if (r == 0 || r == -EBUSY)
		r = v1_put(hier, group, &change);
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

static int v1_set_cpus(struct cg *cg, const struct cg_hier *hier, const char *group,
		       const char *cpus, const char *mems, bool exclusive, struct vc_err *err)
{
	char parent[CG_GROUP_MAX], nodes[CPULIST_TEXT];
	int r;

	if (!mems) {
		cg_parent(group, parent);
		if (cg_read(hier, parent, "cpuset.mems", nodes, sizeof(nodes)) < 0)
			return err_set(err, EIO, "cannot read the nodes of %s/%s", hier->mount,
				       parent);
		mems = nodes;
	}
	cg_write(hier, group, "cpuset.cpu_exclusive", "0");
	r = v1_set(cg, hier, group, "cpuset.mems", mems, err);
	if (r == 0)
		r = v1_set(cg, hier, group, "cpuset.cpus", cpus, err);
	if (r == 0 && exclusive)
		cg_write(hier, group, "cpuset.cpu_exclusive", "1");
	return r;
}

/* Exactly "root" or "isolated"; "root invalid (why)" is none. The root group has
 * no such file. */
static bool v2_is_root(const struct cg_hier *hier, const char *group)
{
	char state[256];

	if (!*group)
		return true;
	if (cg_read(hier, group, "cpuset.cpus.partition", state, sizeof(state)) < 0)
		return false;
	return !strcmp(state, "root") || !strcmp(state, "isolated");
}

/* A valid root that has all the CPUs it was given: the only proof. */
static bool v2_is_dedicated(const struct cg_hier *hier, const char *group)
{
	struct cpulist want, got;

	return v2_is_root(hier, group) && read_list(hier, group, "cpuset.cpus", &want) == 0 &&
	       read_list(hier, group, file_cpus(hier), &got) == 0 && cpulist_equal(&want, &got);
}

static bool v2_is_member(const struct cg_hier *hier, const char *group)
{
	char state[256];

	return cg_read(hier, group, "cpuset.cpus.partition", state, sizeof(state)) > 0 &&
	       !strcmp(state, "member");
}

static bool v2_is_populated(const struct cg_hier *hier, const char *group)
{
	char events[256];

	return cg_read(hier, group, "cgroup.events", events, sizeof(events)) < 0 ||
	       !strstr(events, "populated 0");
}

/* Our base, and under systemd our slice above it: all that we may make a root. */
static bool v2_is_ours(const struct cg_hier *hier, const char *group)
{
	return !strcmp(group, hier->base) || !strcmp(group, "vc.slice");
}

/* A root of ours that lacks some of cpus takes them in, if its parent keeps one. */
static bool v2_widen(const struct cg_hier *hier, const char *group, const struct cpulist *cpus)
{
	char parent[CG_GROUP_MAX], text[CPULIST_TEXT];
	struct cpulist have, missing = *cpus, left;

	if (!*group || read_list(hier, group, "cpuset.cpus", &have) < 0)
		return true;
	cpulist_subtract(&missing, &have);
	if (cpulist_count(&missing) == 0)
		return true;
	cg_parent(group, parent);
	if (!v2_is_ours(hier, group) || !v2_widen(hier, parent, cpus) ||
	    read_list(hier, parent, file_cpus(hier), &left) < 0)
		return false;
	cpulist_subtract(&left, &missing);
	cpulist_join(&have, cpus);
	return cpulist_count(&left) > 0 && cpulist_format(&have, text, sizeof(text)) == 0 &&
	       cg_write(hier, group, "cpuset.cpus", text) == 0 && v2_is_root(hier, group);
}

/*
 * Makes a partition's parent a partition root with room for cpus. It takes all
 * of its own parent's CPUs; from the root group, all but one, for the rest of the
 * system. A populated group is not turned: that is done before jobs run, or not.
 */
static bool v2_prepare(const struct cg_hier *hier, const char *group, const struct cpulist *cpus)
{
	char parent[CG_GROUP_MAX], text[CPULIST_TEXT];
	struct cpulist take, missing = *cpus;

	if (v2_is_root(hier, group))
		return v2_widen(hier, group, cpus);
	if (!v2_is_ours(hier, group) || !v2_is_member(hier, group) || v2_is_populated(hier, group))
		return false;
	cg_parent(group, parent);
	if (!v2_prepare(hier, parent, cpus) || read_list(hier, parent, file_cpus(hier), &take) < 0)
		return false;
	cpulist_subtract(&missing, &take);
	if (cpulist_count(&missing) > 0)
		return false;
	if (!*parent) {
		struct cpulist spare = take, one = { 0 };
		int cpu;

		cpulist_subtract(&spare, cpus);
		cpu = cpulist_next(&spare, 0);
		if (cpu < 0)
			return false;
		cpulist_add(&one, (unsigned int)cpu);
		cpulist_subtract(&take, &one);
	}
	if (cpulist_format(&take, text, sizeof(text)) < 0 ||
	    cg_write(hier, group, "cpuset.cpus", text) < 0)
		return false;
	cg_write(hier, group, "cpuset.cpus.partition", "root");
	if (v2_is_root(hier, group))
		return true;
	cg_write(hier, group, "cpuset.cpus.partition", "member");
	cg_write(hier, group, "cpuset.cpus", "\n");
	return false;
}

static int v2_set_cpus(struct cg *cg, const struct cg_hier *hier, const char *group,
		       const char *cpus, const char *mems, bool exclusive, struct vc_err *err)
{
	char parent[CG_GROUP_MAX];
	struct cpulist want;
	int r;

	if (!cg_has(hier, group, "cpuset.cpus"))
		return err_set(err, EOPNOTSUPP,
			       "the cpuset controller does not reach %s/%s: a group above holds "
			       "processes itself or does not pass it on",
			       hier->mount, group);
	if (cpulist_parse(cpus, &want) < 0)
		return err_set(err, EINVAL, "\"%s\" is no list of CPUs", cpus);
	cg_parent(group, parent);
	if (!exclusive && !v2_is_member(hier, group))
		cg_write(hier, group, "cpuset.cpus.partition", "member");
	if (exclusive)
		exclusive = v2_prepare(hier, parent, &want);
	else if (v2_is_root(hier, parent))
		v2_widen(hier, parent, &want);
	r = cg_lib_set(cg, hier, group, "cpuset.cpus", cpus, err);
	if (r < 0)
		return r;
	/* Twice: a task from a group whose mems was never set is not migrated at first. */
	for (int i = 0; i < 2; i++) {
		r = cg_write(hier, group, "cpuset.mems", mems ? mems : "\n");
		if (r < 0)
			return err_sys(err, -r, "cannot set cpuset.mems of %s/%s to %s",
				       hier->mount, group, mems ? mems : "its parent's");
	}
	if (!exclusive)
		return 0;
	if (!v2_is_root(hier, group)) {
		cg_write(hier, group, "cpuset.cpus.partition", "member");
		cg_write(hier, group, "cpuset.cpus.partition", "root");
	}
	if (!v2_is_dedicated(hier, group))
		cg_write(hier, group, "cpuset.cpus.partition", "member");
	return 0;
}

struct claim {
	struct cpulist cpus;
	const char *own; /* the name that asks */
};

/* Daemons and shims run where there is room: they claim no CPU. */
static int claims_too(const struct cg_hier *hier, const char *group, const char *name, void *arg)
{
	const struct claim *claim = arg;
	char child[CG_GROUP_MAX];
	struct cpulist cpus;

	if (!strcmp(name, claim->own) || !strcmp(name, PARTITION_SHIMS_GROUP) ||
	    snprintf(child, sizeof(child), "%s/%s", group, name) >= (int)sizeof(child))
		return 0;
	if (read_list(hier, child, "cpuset.cpus", &cpus) < 0)
		return 0;
	return cpulist_overlap(&cpus, &claim->cpus);
}

/* Whether a partition of ours beside this group claims one of its CPUs. */
static int claimed_beside(const struct cg_hier *hier, const char *group)
{
	char parent[CG_GROUP_MAX];
	struct claim claim;
	int r = read_list(hier, group, "cpuset.cpus", &claim.cpus);

	if (r < 0)
		return r;
	cg_parent(group, parent);
	claim.own = group + strlen(parent) + (*parent != '\0');
	return cg_each_child(hier, parent, claims_too, &claim);
}

int cg_get_exclusive(struct cg *cg, const char *path, bool asked, enum cg_exclusive *ret)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_CPUSET);
	enum cg_exclusive got = CG_SHARED;
	char group[CG_GROUP_MAX];
	int r = cg_check_path(path, NULL);

	if (r == 0)
		r = hier ? cg_group(hier, path, group) : -EOPNOTSUPP;
	if (r == 0 && hier->version == 2 && v2_is_dedicated(hier, group)) {
		got = CG_DEDICATED;
	} else if (r == 0 && asked) {
		r = claimed_beside(hier, group);
		if (r == 0)
			got = CG_ADVISORY;
	}
	if (r < 0)
		return r;
	*ret = got;
	return 0;
}

int cg_set_cpus(struct cg *cg, const char *path, const char *cpus, const char *mems, bool exclusive,
		enum cg_exclusive *ret_obtained, struct vc_err *err)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_CPUSET);
	char group[CG_GROUP_MAX];
	struct cpulist want;
	int r = cg_check_path(path, err);

	if (r < 0)
		return r;
	if (!hier)
		return err_set(err, EOPNOTSUPP, "this machine has no cpuset controller");
	if (cpulist_parse(cpus, &want) < 0 || cpulist_count(&want) == 0)
		return err_set(err, EINVAL, "\"%s\" is no list of CPUs", cpus);
	r = cg_group(hier, path, group);
	if (r < 0)
		return err_sys(err, -r, "cannot set the CPUs of \"%s\"", path);
	if (hier->version == 2)
		r = v2_set_cpus(cg, hier, group, cpus, mems, exclusive, err);
	else
		r = v1_set_cpus(cg, hier, group, cpus, mems, exclusive, err);
	if (r < 0)
		return r;
	r = cg_get_exclusive(cg, path, exclusive, ret_obtained);
	return r < 0 ? err_sys(err, -r, "cannot read the CPUs of \"%s\" back", path) : 0;
}

int cg_get_cpus(struct cg *cg, const char *path, char *ret_cpus, size_t cpus_size, char *ret_mems,
		size_t mems_size, struct vc_err *err)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_CPUSET);
	char group[CG_GROUP_MAX], cpus[CPULIST_TEXT], mems[CPULIST_TEXT];
	ssize_t n_cpus, n_mems;
	int r = cg_check_path(path, err);

	if (r < 0)
		return r;
	if (!hier)
		return err_set(err, EOPNOTSUPP, "this machine has no cpuset controller");
	r = cg_group(hier, path, group);
	if (r < 0)
		return err_sys(err, -r, "cannot read the CPUs of \"%s\"", path);
	n_cpus = cg_read(hier, group, file_cpus(hier), cpus, sizeof(cpus));
	n_mems = cg_read(hier, group, file_mems(hier), mems, sizeof(mems));
	if (n_cpus < 0 || n_mems < 0)
		return err_sys(err, (int)-(n_cpus < 0 ? n_cpus : n_mems),
			       "cannot read the CPUs of \"%s\"", path);
	if ((size_t)n_cpus >= cpus_size || (size_t)n_mems >= mems_size)
		return err_set(err, ENAMETOOLONG, "the CPU list of \"%s\" is too long", path);
	memcpy(ret_cpus, cpus, (size_t)n_cpus + 1);
	memcpy(ret_mems, mems, (size_t)n_mems + 1);
	return 0;
}

/*
 * On v2 a maximum below what is used is no error but a kill. So the group is
 * first held back at the new size (memory.high), pushed (memory.reclaim), and the
 * maximum set once it fits; if it does not, everything is as before.
 */
static int v2_shrink(const struct cg_hier *hier, const char *group, uint64_t limit,
		     struct vc_err *err)
{
	uint64_t deadline = clock_mono_usec() + SHRINK_WAIT_USEC, used = 0;
	char high[64], text[32];

	if (cg_read_u64(hier, group, "memory.current", &used) < 0 || used <= limit)
		return 0;
	if (cg_read(hier, group, "memory.high", high, sizeof(high)) < 0)
		snprintf(high, sizeof(high), "max");
	snprintf(text, sizeof(text), "%" PRIu64, limit);
	cg_write(hier, group, "memory.high", text);
	do {
		snprintf(text, sizeof(text), "%" PRIu64, used - limit);
		cg_write(hier, group, "memory.reclaim", text);
		if (cg_read_u64(hier, group, "memory.current", &used) < 0 || used <= limit)
			break;
		clock_sleep_usec(10000);
	} while (clock_mono_usec() < deadline);
	if (used > limit) {
		cg_write(hier, group, "memory.high", high);
		return err_set(err, EBUSY,
			       "%s/%s uses %" PRIu64 " bytes and cannot be brought below %" PRIu64,
			       hier->mount, group, used, limit);
	}
	return 1;
}

static int v2_set_memory(struct cg *cg, const struct cg_hier *hier, const char *group,
			 uint64_t limit, const char *text, struct vc_err *err)
{
	int shrunk, r;

	if (!cg_has(hier, group, "memory.max"))
		return err_set(err, EOPNOTSUPP,
			       "the memory controller does not reach %s/%s: a group above holds "
			       "processes itself or does not pass it on",
			       hier->mount, group);
	shrunk = v2_shrink(hier, group, limit, err);
	if (shrunk < 0)
		return shrunk;
	r = cg_lib_set(cg, hier, group, "memory.max", text, err);
	if (shrunk)
		cg_write(hier, group, "memory.high", "max");
	return r;
}

int cg_set_memory(struct cg *cg, const char *path, uint64_t limit_bytes, struct vc_err *err)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_MEMORY);
	char group[CG_GROUP_MAX], text[32];
	int r = cg_check_path(path, err);

	if (r < 0)
		return r;
	if (!hier && limit_bytes == CG_NO_LIMIT)
		return 0;
	if (!hier)
		return err_set(err, EOPNOTSUPP, "this machine has no memory controller");
	r = cg_group(hier, path, group);
	if (r < 0)
		return err_sys(err, -r, "cannot limit the memory of \"%s\"", path);
	snprintf(text, sizeof(text), "%" PRIu64, limit_bytes);
	if (hier->version == 2)
		return v2_set_memory(cg, hier, group, limit_bytes,
				     limit_bytes == CG_NO_LIMIT ? "max" : text, err);
	r = cg_lib_set(cg, hier, group, "memory.limit_in_bytes",
		       limit_bytes == CG_NO_LIMIT ? "-1" : text, err);
	if (r == -EBUSY) {
		uint64_t used = 0;

		cg_read_u64(hier, group, "memory.usage_in_bytes", &used);
		return err_set(err, EBUSY,
			       "%s/%s uses %" PRIu64 " bytes and cannot be brought below %" PRIu64,
			       hier->mount, group, used, limit_bytes);
	}
	return r;
}
