/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * partition.h - a partition's life: made from its spec, checked, removed
 */
#ifndef VC_PARTITION_PARTITION_H
#define VC_PARTITION_PARTITION_H

#include "common/err.h"
#include "partition/cgroup/cgroup.h"
#include "partition/config/config.h"

/* Group names, relative to the instance's base. */
#define PARTITION_SHIMS_GROUP "shims" /* daemons and shims, outside every partition's limits */

/*
 * Makes the partition's group with its CPUs, nodes and memory limit, or adopts one that a crash
 * left: its limits are set again, and its jobs run on. *ret_obtained: see cg_cpus_set(). On failure
 * a group that it made is removed.
 */
int partition_create(struct cg *cg, const struct partition_spec *spec,
		     enum cg_exclusive *ret_obtained, struct vc_err *err);

/* Sets the CPUs and nodes. exclusive and *ret_obtained: see cg_cpus_set(). Returns 0 or -errno. */
int partition_set_cpus(struct cg *cg, const struct partition_spec *spec, bool exclusive,
		       enum cg_exclusive *ret_obtained, struct vc_err *err);

/*
 * Counts of partitions that ask for exclusive CPUs: those that exist, and those whose CPUs the
 * kernel refuses to others. On v1 all get that or none, so that it does not matter which came
 * first: count each partition, then call partition_keep_all_or_none().
 */
struct partition_kept {
	size_t asked, kept;
};

void partition_count_kept(struct cg *cg, const struct partition_spec *spec,
			  struct partition_kept *kept);
void partition_keep_all_or_none(struct cg *cg, const struct partition_kept *kept);
/* Sends the interrupts of its devices to its CPUs, if the kernel allows it. state is the instance's
 * directory. */
void partition_route(const struct partition_spec *spec, int state);
/* Sends the interrupts of its devices back to their former CPUs. spec NULL: those of all
 * partitions. */
void partition_unroute(const struct partition_spec *spec, int state);
/* Removes the partition. Returns 0, or -EBUSY while it has jobs. */
int partition_destroy(struct cg *cg, const char *name, struct vc_err *err);

/* Writes the group of a job, "vc0/job-7". Returns buf. */
char *partition_job_group(const char *partition, unsigned int job, char *buf, size_t size);
/* Writes the group in which a shim waits for its job, "vc0/idle-PID". Returns buf. */
char *partition_idle_group(const char *partition, pid_t shim, char *buf, size_t size);
/* Writes the group of its witness (partition/change/failure.h), "vc0/witness". Returns buf. */
char *partition_witness_group(const char *partition, char *buf, size_t size);
/* Finds partition and job of a group, or of a group below it. Returns 0, or -EINVAL when it is not
 * a job's. */
int partition_parse_group(const char *path, char *ret_partition, size_t size,
			  unsigned int *ret_job);

/* Returns "fixed", "unswapped" or "pageable". */
const char *partition_hold_name(enum cg_memory_hold obtained);
const char *partition_exclusive_name(enum cg_exclusive obtained);

#endif
