/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * topology.h - cutting the machine along its own lines (hwloc)
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
 * Cuts the CPUs this process may use into n parts, as equal as can be, along
 * NUMA nodes if they suffice, else L3 caches, else cores, else hardware threads;
 * a core's threads stay together as long as there are cores enough. n 0: as many
 * as there are NUMA nodes, else L3 caches, else 2 (1 on a machine of one CPU).
 * More parts than CPUs: -EINVAL. *ret_along (static) names the line: "NUMA node",
 * "L3 cache", "core", "hardware thread". The caller frees with topology_free().
 */
int topology_split(size_t n, struct topology_part **ret, size_t *ret_n, const char **ret_along,
		   struct vc_err *err);
void topology_free(struct topology_part *parts, size_t n);

/* Checks a list ("0-3,8") against the machine's online CPUs (or memory nodes):
 * -EINVAL with the reason, naming the first offender. Writes the canonical form and the
 * count; ret_list and ret_n may be NULL. */
int topology_check_cpus(const char *list, char *ret_list, size_t size, size_t *ret_n,
			struct vc_err *err);
int topology_check_mems(const char *list, char *ret_list, size_t size, struct vc_err *err);
/* Whether two CPU lists share one; -EINVAL when one is no list. */
int topology_overlap(const char *a, const char *b);
/* The nodes nearest to the CPUs of a list. */
int topology_mems_of(const char *cpus, char *ret_list, size_t size, struct vc_err *err);

#endif
