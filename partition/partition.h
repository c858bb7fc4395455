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
#define PARTITION_SHIMS_GROUP "shims" /* daemons and shims: outside every partition's limits */

/*
 * Makes the partition's group with its CPUs, nodes and memory limit, or adopts
 * one that a crash left behind (limits are set again, jobs in it live on).
 * *ret_obtained: see cg_cpus_set(). On failure what was made is removed.
 */
int partition_create(struct cg *cg, const struct partition_spec *spec,
		     enum cg_exclusive *ret_obtained, struct vc_err *err);

/* Sets the CPUs and nodes. exclusive and *ret_obtained: see cg_cpus_set(). Returns 0 or -errno. */
int partition_set_cpus(struct cg *cg, const struct partition_spec *spec, bool exclusive,
		       enum cg_exclusive *ret_obtained, struct vc_err *err);

/*
 * Of the partitions that ask for their CPUs as their own, those that exist and those of them whose
 * CPUs the kernel refuses to others. On v1 all get that or none, so that it does not matter which
 * came first: count each partition, then partition_keep_all_or_none().
 */
struct partition_kept {
	size_t asked, kept;
};

void partition_count_kept(struct cg *cg, const struct partition_spec *spec,
			  struct partition_kept *kept);
void partition_keep_all_or_none(struct cg *cg, const struct partition_kept *kept);
/* Sends the interrupts of its devices to its CPUs, as far as they can be sent. state: the
 * instance's directory. */
void partition_route(const struct partition_spec *spec, int state);
/* Puts the interrupts of its devices back where they were; spec NULL: of all partitions'. */
void partition_unroute(const struct partition_spec *spec, int state);
/* Removes it; -EBUSY while jobs are in it. */
int partition_destroy(struct cg *cg, const char *name, struct vc_err *err);

/* The group of a job in a partition: "vc0/job-7". Returns buf. */
char *partition_job_group(const char *partition, unsigned int job, char *buf, size_t size);
/* Where a shim waits for its job: "vc0/idle-PID". Returns buf. */
char *partition_idle_group(const char *partition, pid_t shim, char *buf, size_t size);
/* Where its witness sleeps (partition/change/failure.h): "vc0/witness". Returns buf. */
char *partition_witness_group(const char *partition, char *buf, size_t size);
/* The reverse: 0 and both parts, or -EINVAL when path is not a job's group. Deeper
 * paths count for their job. */
int partition_parse_group(const char *path, char *ret_partition, size_t size,
			  unsigned int *ret_job);

/* "shared", "advisory", "dedicated". */
/* "fixed", "unswapped", "pageable": what was obtained. */
const char *partition_hold_name(enum cg_memory_hold obtained);
const char *partition_exclusive_name(enum cg_exclusive obtained);

#endif
