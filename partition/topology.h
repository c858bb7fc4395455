/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * topology.h - cutting the machine into parts along its hardware (hwloc)
 */
#ifndef VC_PARTITION_TOPOLOGY_H
#define VC_PARTITION_TOPOLOGY_H

#include <stddef.h>

#include "common/err.h"

struct topology_part {
	char *cpus; /* list form: "0-3,8" */
	char *mems; /* memory nodes nearest to them, list form */
};

/*
 * Cuts the CPUs that this process may use into n parts, as equal as possible, along NUMA nodes if
 * there are enough, else L3 caches, cores or hardware threads. A core's threads stay together while
 * there are enough cores. n 0: as many parts as NUMA nodes, else L3 caches, else 2 (1 on a machine
 * with one CPU). Returns 0, or -EINVAL for more parts than CPUs. *ret_along (static) names the
 * line: "NUMA node", "L3 cache", "core", "hardware thread". The caller frees with topology_free().
 */
int topology_split(size_t n, struct topology_part **ret, size_t *ret_n, const char **ret_along,
		   struct vc_err *err);
void topology_free(struct topology_part *parts, size_t n);

/* Checks a list ("0-3,8") against the online CPUs (or memory nodes). Returns 0, or -EINVAL with the
 * first offender in the error. Writes the canonical form and the count; ret_list and ret_n may be
 * NULL. */
int topology_check_cpus(const char *list, char *ret_list, size_t size, size_t *ret_n,
			struct vc_err *err);
int topology_check_mems(const char *list, char *ret_list, size_t size, struct vc_err *err);
/* Returns whether two CPU lists have a CPU in common, or -EINVAL. */
int topology_overlap(const char *a, const char *b);
/* Writes the nodes nearest to the CPUs of a list. Returns 0 or -errno. */
int topology_mems_of(const char *cpus, char *ret_list, size_t size, struct vc_err *err);

#endif
