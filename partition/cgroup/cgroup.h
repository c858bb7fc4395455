/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cgroup.h - our groups, in all hierarchies of this machine that have a controller we need
 *
 * A machine has its controllers on cgroup v2, on v1, or some on each. A group here is one path
 * ("vc0", "vc0/job-7", "shims"). It exists below our base group in every hierarchy that we need:
 * cpuset, memory, pids, the unified one for tracking and CPU time, and on v1 also cpu, cpuacct and
 * devices where they are useful (see cgroup.c). Only the files of this folder know the hierarchies,
 * and only lib.c knows libcgroup. Values are in v2's terms.
 *
 * Paths are relative to the instance's base group, without a slash in front.
 */
#ifndef VC_PARTITION_CGROUP_H
#define VC_PARTITION_CGROUP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/cleanup.h"
#include "common/err.h"

#define CG_NO_LIMIT UINT64_MAX

struct cg;
struct device_node;

/* What a request for exclusive CPUs has obtained. */
enum cg_exclusive {
	CG_SHARED,    /* others may run there */
	CG_ADVISORY,  /* no other partition overlaps; the rest of the system may run there */
	CG_DEDICATED, /* the kernel keeps all other processes away */
};

struct cg_memory {
	uint64_t charged_bytes; /* charged to the group and those below it, with page cache */
	uint64_t used_bytes;    /* of these, the kernel cannot reclaim without swap */
	uint64_t limit_bytes;   /* CG_NO_LIMIT: none */
	uint64_t rss_bytes;     /* anonymous, shared and mapped memory, no plain cache */
};

/* A controller, for vcctl check. */
struct cg_controller {
	const char *name; /* v2's name: cpuset, cpu, memory, pids, freezer */
	int version;      /* 1, 2, or 0 when this machine does not have it */
	char mount[256];  /* where its hierarchy is mounted */
};

/*
 * Finds the hierarchies and our base group in each, which is below the group of this process and
 * named instance ("vcrun", or "vcrun-<hash>" for private ones). If base is not NULL, it is the text
 * of cg_base() from the process that created the instance. Daemons and shims pass it, because they
 * may run in other groups. Creates nothing. Returns 0 or -errno. The caller frees *ret with
 * cg_free().
 */
int cg_open(const char *instance, const char *base, struct cg **ret, struct vc_err *err);
void cg_free(struct cg *cg);
DEFINE_CLEANUP(struct cg *, cg_freep, cg_free);
/* Returns the base groups as one line of text, for the state file. */
const char *cg_base(const struct cg *cg);
/* Returns *ret_n controllers, owned by cg. With a base, only the ones in use are known. */
const struct cg_controller *cg_controllers(const struct cg *cg, size_t *ret_n);

/* Makes a group, and those above it, in all hierarchies. An existing group is a success. A new
 * group has its parent's CPUs and memory nodes, so that a process can enter. Returns 0 or -errno.
 */
int cg_group_create(struct cg *cg, const char *path, struct vc_err *err);
/* Removes a group and all below it. Waits up to half a second for processes that are ending.
 * Returns 0, also when it is missing, or -EBUSY when it has processes. path "" removes all groups
 * of the instance. */
int cg_group_remove(struct cg *cg, const char *path, struct vc_err *err);
bool cg_group_exists(struct cg *cg, const char *path);
/* Lists the names of the groups directly below path. The caller frees each and the array. */
int cg_group_children(struct cg *cg, const char *path, char ***ret_names, size_t *ret_n,
		      struct vc_err *err);

/*
 * Sets CPUs and nodes, both in list form ("0-3,8"); mems NULL: the parent's. exclusive asks for
 * exclusive CPUs. *ret_obtained is the result, read back from the kernel. A later call for another
 * group may change it, because that group shares a CPU or leaves none for the system or the shims.
 * So ask for each group at the end with cg_cpus_get_exclusive(). Returns 0, or -EBUSY when the
 * kernel gives the group other CPUs.
 */
int cg_cpus_set(struct cg *cg, const char *path, const char *cpus, const char *mems, bool exclusive,
		enum cg_exclusive *ret_obtained, struct vc_err *err);
/* Makes the group's CPUs shared, so that other groups can get them. The group keeps them. */
int cg_cpus_release(struct cg *cg, const char *path, struct vc_err *err);
/* Reads what a group that asked for exclusive CPUs (asked) has obtained at this moment. Later
 * neighbours and offline CPUs change it. Returns 0 or -errno. */
int cg_cpus_get_exclusive(struct cg *cg, const char *path, bool asked, enum cg_exclusive *ret);
/* Returns the kernel file that refuses the group's CPUs to others, as read back from the kernel:
 * "cpuset.cpus.partition" keeps all processes off, v1's "cpuset.cpu_exclusive" other groups. NULL:
 * there is none, and only vcctl keeps partitions apart. */
const char *cg_cpus_get_keeper(struct cg *cg, const char *path);
/* v1: makes the CPUs of all partitions shared. If the kernel cannot refuse the CPUs of all
 * partitions that ask for it, it refuses those of none. */
void cg_cpus_share_kept(struct cg *cg);
/*
 * Moves the memory of the group's processes to mems, after cg_cpus_set() has set these nodes and
 * left out pages under I/O. Tries at least once, until nothing is on other nodes, the deadline
 * (CLOCK_MONOTONIC) has passed, or stop(ctx) returns true. Returns the bytes that are still on
 * other nodes. Shared pages count once for each process.
 */
uint64_t cg_follow_nodes(struct cg *cg, const char *path, const char *mems, uint64_t deadline_usec,
			 bool (*stop)(const void *ctx), const void *ctx);
/* Reads the effective CPUs and nodes in list form. Returns 0 or -errno. */
int cg_cpus_get(struct cg *cg, const char *path, char *ret_cpus, size_t cpus_size, char *ret_mems,
		size_t mems_size, struct vc_err *err);
/* Sets the limit. Returns 0, or -EBUSY when the group uses more. cg_shrink_memory() lowers the
 * limit of such a group. */
int cg_memory_set(struct cg *cg, const char *path, uint64_t limit_bytes, struct vc_err *err);

/* How to lower a limit below the usage. */
struct cg_shrink {
	uint64_t deadline_usec; /* CLOCK_MONOTONIC */
	bool swap;              /* anonymous memory may go to swap */
	/* Called after each step with the usage and the limit. May be NULL. */
	void (*progress)(uint64_t used_bytes, uint64_t limit_bytes, void *ctx);
	bool (*stop)(const void *ctx); /* returns whether to give up; may be NULL */
	void *ctx;
};

/*
 * Lowers the limit step by step and reclaims memory on the way. It never kills. It waits for memory
 * that cannot be reclaimed until the deadline, with the old limit. Returns 0; -EBUSY when it does
 * not fit; -EINTR when stopped. On failure the limit is the old one.
 */
int cg_shrink_memory(struct cg *cg, const char *path, uint64_t limit_bytes,
		     const struct cg_shrink *how, struct vc_err *err);

/* Checks whether the group can be reclaimed to that limit at this moment. Returns 0, or -EBUSY as
 * above. */
int cg_shrink_check(struct cg *cg, const char *path, uint64_t limit_bytes, bool swap,
		    struct vc_err *err);

/* What a request for fixed memory has obtained. */
enum cg_memory_hold {
	CG_HOLD_NONE,    /* may be swapped out */
	CG_HOLD_UNPAGED, /* not swapped out for a need of the group; not guaranteed */
	CG_HOLD_FIXED,   /* guaranteed and not swapped out */
};

/* Guarantees bytes of the group's memory and keeps them out of swap, or (fixed false) ends that.
 * Works on groups in use. cg_fetch_swapped() reads back what is in swap already. Returns 0 or
 * -errno. */
int cg_hold_set(struct cg *cg, const char *path, bool fixed, uint64_t bytes,
		enum cg_memory_hold *ret_obtained, struct vc_err *err);
/* Reads the swapped memory of the group's processes back, as far as it fits, while they run. The
 * rest is read when it is touched. */
void cg_fetch_swapped(struct cg *cg, const char *path);
/* Reads what was obtained. Returns 0 or -errno. */
int cg_hold_get(struct cg *cg, const char *path, enum cg_memory_hold *ret);

/*
 * Denies n device nodes to the processes of a group and of those below it, and allows all others.
 * open(2) and mknod(2) of a denied node fail with EPERM, for root too. A node that is denied before
 * and after the call is denied in between. Returns 0, or -EOPNOTSUPP when this machine has no
 * means.
 */
int cg_deny_nodes(struct cg *cg, const char *path, const struct device_node *nodes, size_t n,
		  struct vc_err *err);
/* Returns whether exactly these nodes are denied, as the kernel (on v1: our note on the group) has
 * it. */
bool cg_deny_has_nodes(struct cg *cg, const char *path, const struct device_node *nodes, size_t n);
/* Returns the means as a text for people; NULL: there is none. */
const char *cg_deny_means(const struct cg *cg);

/* Moves a process (0: the caller) with all its threads into a group in all hierarchies. Returns 0
 * or -errno. */
int cg_entry_attach(struct cg *cg, const char *path, pid_t pid, struct vc_err *err);
/*
 * Moves all processes of a group, with all their threads, to another group, everywhere. They run
 * on, and may fork during the call. 0: "from" is empty, or is missing. -errno: some may be in
 * "from" still; to put the others back, call it with the groups exchanged.
 */
int cg_transfer(struct cg *cg, const char *from, const char *to, struct vc_err *err);

/* Translates the path of a file in the group from, as the kernel shows it, to the group to, for any
 * mount point. Returns false when the file is in none of from's groups. */
bool cg_group_follow_path(const struct cg *cg, const char *from, const char *to, const char *path,
			  char *ret, size_t size);

/*
 * A way into a group, opened beforehand: one descriptor for each hierarchy. cg_entry_enter() only
 * writes "0" to each, so a child may call it between fork and exec. Returns 0 or -errno.
 */
struct cg_entry;
int cg_entry_open(struct cg *cg, const char *path, struct cg_entry **ret, struct vc_err *err);
int cg_entry_enter(const struct cg_entry *entry);
/*
 * Forks a child that is in the group from its first instruction and soon execs. After a pause the
 * kernel answers the first write to cgroup.procs with a wait for all CPUs (7 to 10 ms measured on
 * 6.18). This way has no such wait (0.3 ms). Returns the PID, 0 in the child, or -errno. In the
 * child *ret_entered is 0 or the -errno of the hierarchy that refused.
 */
pid_t cg_entry_fork(const struct cg_entry *entry, int *ret_entered);
void cg_entry_free(struct cg_entry *entry);
DEFINE_CLEANUP(struct cg_entry *, cg_entry_freep, cg_entry_free);

/*
 * Makes a group without a final name and moves the caller into it, in the v1 hierarchies, where
 * that is expensive. Its parent exists. On failure the caller may be in it in part:
 * cg_entry_attach() moves it out, cg_group_remove() removes the group.
 */
int cg_idle_enter(struct cg *cg, const char *path, struct vc_err *err);
/* Renames the group of the caller (v1) or makes the group (v2). *ret_unified is O_PATH of the v2
 * group, which the caller is not in, for its clone3(2); -1 without v2. */
int cg_idle_become(struct cg *cg, const char *path, const char *name, int *ret_unified,
		   struct vc_err *err);

/* Lists the processes of a group and of those below it. The caller frees *ret. */
int cg_procs_list(struct cg *cg, const char *path, pid_t **ret, size_t *ret_n, struct vc_err *err);
/* Writes the directory of a group in the unified hierarchy, which has cgroup.freeze. Returns 0, or
 * -errno with an empty string. */
int cg_group_freezer(struct cg *cg, const char *path, char *ret, size_t size);
/* Sends SIGKILL to all processes of a group and of those below it until none is left; zombies do
 * not count. Returns 0, or -ETIMEDOUT. */
int cg_procs_kill(struct cg *cg, const char *path, uint64_t timeout_usec, struct vc_err *err);
/* Writes the group of a process, relative to our base. Returns 0, or -ENOENT when it is not one of
 * ours. */
int cg_procs_group(struct cg *cg, pid_t pid, char *ret_path, size_t size);

/* Reads the CPU time that a group and those below it have used. Returns 0 or -errno. */
int cg_stat_cpu_usec(struct cg *cg, const char *path, uint64_t *ret_usec);
int cg_memory_read(struct cg *cg, const char *path, struct cg_memory *ret);
/* Reads how many processes of a group the OOM killer has ended. Returns 0 or -errno. */
int cg_memory_oom_kills(struct cg *cg, const char *path, uint64_t *ret_n);
/* Counts the threads that run or wait for a CPU at this moment, in the group and below it. */
int cg_procs_runnable(struct cg *cg, const char *path, unsigned int *ret_n);
/* Reads the pressure: the share of the last 10 s in which some task waited. Returns 0, or -ENOENT
 * where the kernel has none for the group. */
int cg_stat_pressure_pct(struct cg *cg, const char *path, const char *resource, double *ret_pct);

#endif
