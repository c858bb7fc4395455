// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * topology.c - cutting the machine into parts along its hardware (hwloc)
 *
 * A line is a type of object that covers all CPUs: NUMA nodes, L3 caches, cores, threads. The
 * coarsest type with at least n objects is used, in hwloc's order, which keeps neighbours together.
 * A cut is at the border nearest to that of equal parts. Memory nodes without CPUs, and second
 * memory kinds beside the same CPUs, are not lines. They belong to the nearest parts.
 */
#include "partition/topology.h"

#include <errno.h>
#include <fcntl.h>
#include <hwloc.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/file.h"
#include "partition/cpulist.h"

#define LIST_TEXT 4096

static const struct line {
	hwloc_obj_type_t type;
	const char *name;
} lines[] = {
	{ HWLOC_OBJ_NUMANODE, "NUMA node" },
	{ HWLOC_OBJ_L3CACHE, "L3 cache" },
	{ HWLOC_OBJ_CORE, "core" },
	{ HWLOC_OBJ_PU, "hardware thread" },
};

struct objects {
	const struct line *line;
	hwloc_const_bitmap_t *set;
	size_t n;
};

static void topology_objects_done(struct objects *objects)
{
	free(objects->set);
}

static void topology_destroyp(hwloc_topology_t *topology)
{
	if (*topology)
		hwloc_topology_destroy(*topology);
}

static void topology_bitmap_freep(hwloc_bitmap_t *set)
{
	hwloc_bitmap_free(*set);
}

/* Loads the machine as the cpuset and affinity of this process allow it. */
static int topology_load(hwloc_topology_t *ret, struct vc_err *err)
{
	_cleanup_(topology_destroyp) hwloc_topology_t topology = NULL;
	_cleanup_(topology_bitmap_freep) hwloc_bitmap_t mine = hwloc_bitmap_alloc();

	if (!mine || hwloc_topology_init(&topology) < 0)
		return err_sys(err, ENOMEM, "cannot read the machine's topology");
	hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL);
	hwloc_topology_set_io_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE);
	if (hwloc_topology_load(topology) < 0)
		return err_sys(err, errno ? errno : EIO, "cannot read the machine's topology");
	if (hwloc_topology_is_thissystem(topology) &&
	    hwloc_get_cpubind(topology, mine, HWLOC_CPUBIND_PROCESS) == 0 &&
	    hwloc_topology_restrict(topology, mine, 0) < 0)
		return err_sys(err, errno, "cannot confine the topology to this process's CPUs");
	*ret = steal_ptr(topology);
	return 0;
}

static int topology_collect(hwloc_topology_t topology, const struct line *line, struct objects *ret)
{
	_cleanup_(topology_objects_done) struct objects objects = { .line = line };
	_cleanup_(topology_bitmap_freep) hwloc_bitmap_t covered = hwloc_bitmap_alloc();
	hwloc_obj_t obj = NULL;

	if (!covered)
		return -ENOMEM;
	while ((obj = hwloc_get_next_obj_by_type(topology, line->type, obj))) {
		hwloc_const_bitmap_t *next;

		if (hwloc_bitmap_iszero(obj->cpuset) ||
		    hwloc_bitmap_intersects(covered, obj->cpuset))
			continue;
		next = array_add(&objects.set, &objects.n);
		if (!next)
			return -ENOMEM;
		*next = obj->cpuset;
		hwloc_bitmap_or(covered, covered, obj->cpuset);
	}
	if (!hwloc_bitmap_isequal(covered, hwloc_topology_get_topology_cpuset(topology)))
		return -ENOENT;
	*ret = objects;
	objects.set = NULL;
	return 0;
}

/* The default number of parts: that of the coarsest line with more than one object, else two. */
static int topology_choose_number(hwloc_topology_t topology, size_t *ret)
{
	size_t n = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU) > 1 ? 2 : 1;

	for (size_t i = 0; lines[i].type != HWLOC_OBJ_CORE; i++) {
		_cleanup_(topology_objects_done) struct objects objects = { 0 };
		int r = topology_collect(topology, &lines[i], &objects);

		if (r < 0 && r != -ENOENT)
			return r;
		if (objects.n > 1) {
			n = objects.n;
			break;
		}
	}
	*ret = n;
	return 0;
}

static int topology_choose_line(hwloc_topology_t topology, size_t n, struct objects *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_(topology_objects_done) struct objects objects = { 0 };
		int r = topology_collect(topology, &lines[i], &objects);

		if (r < 0 && r != -ENOENT)
			return r;
		if (r == 0 && objects.n >= n) {
			*ret = objects;
			objects.set = NULL;
			return 0;
		}
	}
	return -EINVAL;
}

/* hwloc's list form is the kernel's and has no size limit. */
static int topology_list_of(hwloc_const_bitmap_t set, char **ret)
{
	return hwloc_bitmap_list_asprintf(ret, set) < 0 ? -ENOMEM : 0;
}

/* Collects the nodes near to cpus. Nodes without CPUs are near to none, unless there are no others.
 */
static int topology_nodes_near(hwloc_topology_t topology, hwloc_const_bitmap_t cpus, char **ret)
{
	_cleanup_(topology_bitmap_freep) hwloc_bitmap_t nodes = hwloc_bitmap_alloc();
	hwloc_obj_t obj = NULL;

	if (!nodes)
		return -ENOMEM;
	while ((obj = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, obj))) {
		if (hwloc_bitmap_intersects(obj->cpuset, cpus))
			hwloc_bitmap_set(nodes, obj->os_index);
	}
	return topology_list_of(
		hwloc_bitmap_iszero(nodes) ? hwloc_topology_get_topology_nodeset(topology) : nodes,
		ret);
}

/* Fills one part with objects from first on, up to the border nearest to want CPUs in all. At least
 * one object is left for each later part. */
static size_t topology_take(const struct objects *objects, size_t first, size_t after, double want,
			    double *taken, hwloc_bitmap_t ret)
{
	size_t i = first;

	hwloc_bitmap_zero(ret);
	while (i < objects->n - after) {
		double weight = hwloc_bitmap_weight(objects->set[i]);

		if (i > first && after > 0 && *taken + weight - want > want - *taken)
			break;
		hwloc_bitmap_or(ret, ret, objects->set[i]);
		*taken += weight;
		i++;
	}
	return i;
}

static int topology_cut(hwloc_topology_t topology, const struct objects *objects, size_t n,
			struct topology_part *parts)
{
	_cleanup_(topology_bitmap_freep) hwloc_bitmap_t set = hwloc_bitmap_alloc();
	double total = hwloc_bitmap_weight(hwloc_topology_get_topology_cpuset(topology)), taken = 0;
	size_t next = 0;

	if (!set)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		double want = total * (double)(i + 1) / (double)n;

		next = topology_take(objects, next, n - 1 - i, want, &taken, set);
		if (topology_list_of(set, &parts[i].cpus) < 0 ||
		    topology_nodes_near(topology, set, &parts[i].mems) < 0)
			return -ENOMEM;
	}
	return 0;
}

int topology_split(size_t n, struct topology_part **ret, size_t *ret_n, const char **ret_along,
		   struct vc_err *err)
{
	_cleanup_(topology_destroyp) hwloc_topology_t topology = NULL;
	_cleanup_(topology_objects_done) struct objects objects = { 0 };
	struct topology_part *parts;
	int r = topology_load(&topology, err);

	if (r < 0)
		return r;
	if (n == 0)
		r = topology_choose_number(topology, &n);
	if (r == 0)
		r = topology_choose_line(topology, n, &objects);
	if (r == -EINVAL)
		return err_set(err, EINVAL, "cannot cut %d CPUs into %zu parts",
			       hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU), n);
	parts = r < 0 ? NULL : calloc(n, sizeof(*parts));
	if (parts && topology_cut(topology, &objects, n, parts) < 0) {
		topology_free(parts, n);
		parts = NULL;
	}
	if (!parts)
		return err_sys(err, ENOMEM, "cannot cut the machine into parts");
	*ret = parts;
	*ret_n = n;
	*ret_along = objects.line->name;
	return 0;
}

void topology_free(struct topology_part *parts, size_t n)
{
	for (size_t i = 0; parts && i < n; i++) {
		free(parts[i].cpus);
		free(parts[i].mems);
	}
	free(parts);
}

/* what is "CPU" or "memory node", for the error. */
static int topology_check(const char *list, const char *what, const char *online, char *ret_list,
			  size_t size, size_t *ret_n, struct vc_err *err)
{
	char text[LIST_TEXT];
	struct cpulist want, have, missing;

	if (cpulist_parse(list, &want) < 0)
		return err_set(err, EINVAL, "\"%s\" is no list of %ss like \"0-3,8\"", list, what);
	if (cpulist_count(&want) == 0)
		return err_set(err, EINVAL, "the list of %ss is empty", what);
	/* A kernel without NUMA has only node 0 and does not list it. */
	if (file_read(AT_FDCWD, online, text, sizeof(text)) < 0)
		strcpy(text, "0");
	if (cpulist_parse(text, &have) < 0)
		return err_set(err, EIO, "cannot read %s", online);
	missing = want;
	cpulist_subtract(&missing, &have);
	if (cpulist_count(&missing) > 0)
		return err_set(err, EINVAL, "there is no %s %d online (online: %s)", what,
			       cpulist_next(&missing, 0), text);
	if (ret_list && cpulist_format(&want, ret_list, size) < 0)
		return err_set(err, ENAMETOOLONG, "the list of %ss \"%s\" is too long", what, list);
	if (ret_n)
		*ret_n = cpulist_count(&want);
	return 0;
}

int topology_check_cpus(const char *list, char *ret_list, size_t size, size_t *ret_n,
			struct vc_err *err)
{
	return topology_check(list, "CPU", "/sys/devices/system/cpu/online", ret_list, size, ret_n,
			      err);
}

int topology_check_mems(const char *list, char *ret_list, size_t size, struct vc_err *err)
{
	return topology_check(list, "memory node", "/sys/devices/system/node/has_memory", ret_list,
			      size, NULL, err);
}

int topology_overlap(const char *a, const char *b)
{
	struct cpulist sa, sb;

	if (cpulist_parse(a, &sa) < 0 || cpulist_parse(b, &sb) < 0)
		return -EINVAL;
	return cpulist_overlap(&sa, &sb);
}

int topology_mems_of(const char *cpus, char *ret_list, size_t size, struct vc_err *err)
{
	_cleanup_(topology_destroyp) hwloc_topology_t topology = NULL;
	_cleanup_(topology_bitmap_freep) hwloc_bitmap_t set = hwloc_bitmap_alloc();
	_cleanup_free_ char *list = NULL;
	struct cpulist check_list;
	int r;

	if (!set || cpulist_parse(cpus, &check_list) < 0 || hwloc_bitmap_list_sscanf(set, cpus) < 0)
		return err_set(err, EINVAL, "\"%s\" is no list of CPUs like \"0-3,8\"", cpus);
	r = topology_load(&topology, err);
	if (r < 0)
		return r;
	if (topology_nodes_near(topology, set, &list) < 0)
		return err_sys(err, ENOMEM, "cannot find the memory nodes near CPUs %s", cpus);
	if (strlen(list) >= size)
		return err_set(err, ENAMETOOLONG,
			       "the list of memory nodes near CPUs %s is too long", cpus);
	strcpy(ret_list, list);
	return 0;
}
