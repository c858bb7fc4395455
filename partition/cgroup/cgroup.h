/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cgroup.h - our groups, in whichever hierarchies this machine keeps its controllers
 *
 * A machine has its controllers on cgroup v2, on v1, or some on each. A group
 * here is one path ("vc0", "vc0/job-7", "shims") that exists below our own base
 * group in every hierarchy that we need: cpuset, memory, pids, the unified one for
 * tracking and CPU time, on v1 also cpu, cpuacct and devices where they serve (see
 * map.c). Only the cgroup*.c files know which is where; libcgroup is known
 * to lib.c alone. Values are given in v2's terms and translated.
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

/* What was obtained when CPUs were asked for as a partition's own. */
enum cg_exclusive {
	CG_SHARED,    /* others may run there */
	CG_ADVISORY,  /* no other partition overlaps; the rest of the system may run there */
	CG_DEDICATED, /* the kernel keeps everybody else away */
};

struct cg_memory {
	uint64_t charged_bytes; /* charged to the group and those below it, page cache too */
	uint64_t used_bytes;    /* of that: what the kernel cannot reclaim without swap */
	uint64_t limit_bytes;   /* CG_NO_LIMIT: none */
	uint64_t rss_bytes;     /* anonymous, shared and mapped memory, no plain cache */
};

/* What a hierarchy offers, for vcctl check. */
struct cg_controller {
	const char *name; /* v2's name: cpuset, cpu, memory, pids, freezer */
	int version;      /* 1, 2, or 0 when this machine does not have it */
	char mount[256];  /* where its hierarchy is mounted */
};

/*
 * Finds the hierarchies and our base group in each: below the group that this
 * process is in, named instance ("vcrun", or "vcrun-<hash>" for private ones).
 * base NULL: decide so now. Otherwise it is the text cg_base() gave to the
 * process that created the instance: daemons and shims use the creator's base,
 * wherever they run themselves. Creates nothing.
 */
int cg_open(const char *instance, const char *base, struct cg **ret, struct vc_err *err);
void cg_free(struct cg *cg);
DEFINE_CLEANUP(struct cg *, cg_freep, cg_free);
/* The base groups as one line of text, to be kept in the instance's state file. */
const char *cg_base(const struct cg *cg);
/* The controllers, n of them; owned by cg. Opened with a base, only those in use are known. */
const struct cg_controller *cg_controllers(const struct cg *cg, size_t *ret_n);

/* Makes a group (and those above it) everywhere. Existing is success. A new
 * group has its parent's CPUs and memory nodes, so that a process can enter. */
int cg_group_create(struct cg *cg, const char *path, struct vc_err *err);
/* Removes a group and all below it; waits up to half a second for dying members. Missing is
 * success. path "" removes the instance's whole subtree. -EBUSY: processes live there. */
int cg_group_remove(struct cg *cg, const char *path, struct vc_err *err);
bool cg_group_exists(struct cg *cg, const char *path);
/* Names of the groups directly below path; the caller frees each and the array. */
int cg_group_children(struct cg *cg, const char *path, char ***ret_names, size_t *ret_n,
		      struct vc_err *err);

/*
 * cpus and mems in list form ("0-3,8"); mems NULL: the parent's. exclusive: ask for
 * the CPUs as the group's own. *ret_obtained says what the kernel gave, read back
 * from it. A later call for another group may take that away again (it shares a CPU,
 * or leaves none for the system or the shims): when all are made, ask each with
 * cg_cpus_get_exclusive(). -EBUSY: the kernel gives the group other CPUs than these.
 */
int cg_cpus_set(struct cg *cg, const char *path, const char *cpus, const char *mems, bool exclusive,
		enum cg_exclusive *ret_obtained, struct vc_err *err);
/* Its CPUs are not its own any more, so that others can be given them; it keeps them. */
int cg_cpus_release(struct cg *cg, const char *path, struct vc_err *err);
/* What a group whose CPUs were asked for as its own (asked) has of that now: later
 * neighbours and CPUs going offline change it. 0 or -errno. */
int cg_cpus_get_exclusive(struct cg *cg, const char *path, bool asked, enum cg_exclusive *ret);
/* The kernel's file by which it refuses the group's CPUs to other groups, read back from it:
 * "cpuset.cpus.partition" keeps everybody off, v1's "cpuset.cpu_exclusive" other groups. NULL: it
 * does not, and only vcctl keeps partitions apart. */
const char *cg_cpus_get_keeper(struct cg *cg, const char *path);
/* v1: no partition has its CPUs as its own any more. Where the kernel cannot refuse the CPUs of all
 * partitions that ask for it, it is to refuse those of none. */
void cg_cpus_share_kept(struct cg *cg);
/*
 * Moves what memory the group's processes have on other nodes than mems there, which become
 * its nodes with cg_cpus_set(): that leaves out pages under I/O. Tries, once at least, until
 * nothing is elsewhere, the deadline (CLOCK_MONOTONIC) has passed, or stop(ctx) says so.
 * Returns the bytes that are elsewhere still; those that processes share count for each.
 */
uint64_t cg_follow_nodes(struct cg *cg, const char *path, const char *mems, uint64_t deadline_usec,
			 bool (*stop)(const void *ctx), const void *ctx);
/* The effective CPUs and nodes as the kernel has them, list form. */
int cg_cpus_get(struct cg *cg, const char *path, char *ret_cpus, size_t cpus_size, char *ret_mems,
		size_t mems_size, struct vc_err *err);
/* The limit at once, where what is used fits; -EBUSY where it does not. To lower that of
 * a group that is full, see cg_shrink_memory(). */
int cg_memory_set(struct cg *cg, const char *path, uint64_t limit_bytes, struct vc_err *err);

/* How a limit is lowered below what is used. */
struct cg_shrink {
	uint64_t deadline_usec; /* CLOCK_MONOTONIC */
	bool swap;              /* anonymous memory may go to swap, where there is some */
	/* After each step: what is used, and what it is to come down to. May be NULL. */
	void (*progress)(uint64_t used_bytes, uint64_t limit_bytes, void *ctx);
	bool (*stop)(const void *ctx); /* whether to give up. May be NULL */
	void *ctx;
};

/*
 * Lowers the limit step by step, what is used being reclaimed on the way; nothing is
 * ever killed for it. What cannot be reclaimed is waited for until the deadline, with the
 * limit as it was. -EBUSY: it does not fit; -EINTR: stopped; then the limit is as before.
 */
int cg_shrink_memory(struct cg *cg, const char *path, uint64_t limit_bytes,
		     const struct cg_shrink *how, struct vc_err *err);

/* Whether what is used can be reclaimed to that limit at this moment. 0, or -EBUSY as above. */
int cg_shrink_check(struct cg *cg, const char *path, uint64_t limit_bytes, bool swap,
		    struct vc_err *err);

/* What was obtained of a wish for fixed memory. */
enum cg_memory_hold {
	CG_HOLD_NONE,    /* may be swapped out */
	CG_HOLD_UNPAGED, /* never swapped out by the group's own need; not guaranteed */
	CG_HOLD_FIXED,   /* guaranteed, and never swapped out */
};

/* fixed: bytes of the group's memory are guaranteed and not swapped out; otherwise they
 * may be. Works on groups that are in use; what is in swap already, see cg_fetch_swapped(). */
int cg_hold_set(struct cg *cg, const char *path, bool fixed, uint64_t bytes,
		enum cg_memory_hold *ret_obtained, struct vc_err *err);
/* Reads what the group's processes have in swap back into memory, as far as it fits; they
 * run on. What cannot be fetched stays where it is until it is touched. */
void cg_fetch_swapped(struct cg *cg, const char *path);
/* What was obtained, as the kernel has it now. 0 or -errno. */
int cg_hold_get(struct cg *cg, const char *path, enum cg_memory_hold *ret);

/*
 * From now on the processes of a group and of those below it may open, or make by mknod(2),
 * no node of these n devices, but all others; none: any. EPERM is what they get, root too.
 * What is denied before and after is so in between. -EOPNOTSUPP: this machine has no means.
 */
int cg_deny_nodes(struct cg *cg, const char *path, const struct device_node *nodes, size_t n,
		  struct vc_err *err);
/* Whether exactly these are denied, as the kernel (on v1: our note on the group) has it. */
bool cg_deny_has_nodes(struct cg *cg, const char *path, const struct device_node *nodes, size_t n);
/* What does it here, for people; NULL: nothing can. */
const char *cg_deny_means(const struct cg *cg);

/* Puts a process (0: the caller) with all its threads into a group, everywhere. */
int cg_entry_attach(struct cg *cg, const char *path, pid_t pid, struct vc_err *err);
/*
 * Moves all processes of a group, with all their threads, to another group, everywhere. They run
 * on, and may fork meanwhile. 0: "from" is empty, or is missing. -errno: some may be in "from"
 * still; to put the others back, call it with the groups exchanged.
 */
int cg_transfer(struct cg *cg, const char *from, const char *to, struct vc_err *err);

/*
 * A way into a group that was opened beforehand: one descriptor a hierarchy.
 * cg_entry_enter() only writes "0" to each, so it may be called in a child
 * between fork and exec. Returns 0 or -errno.
 */
/* The path in the group "to" of a file in "from", as the kernel shows it, wherever the hierarchy
 * is mounted; false: it is in none of from's groups. */
bool cg_group_follow_path(const struct cg *cg, const char *from, const char *to, const char *path,
			  char *ret, size_t size);

struct cg_entry;
int cg_entry_open(struct cg *cg, const char *path, struct cg_entry **ret, struct vc_err *err);
int cg_entry_enter(const struct cg_entry *entry);
/*
 * fork(), with the child in the group from its first instruction; for a child that
 * soon execs. The kernel answers the first cgroup.procs write after a pause with a
 * wait for all CPUs (7 to 10 ms measured on 6.18); this way there is none (0.3 ms).
 * Returns the pid, 0 in the child, or -errno. In the child *ret_entered is 0 or
 * the -errno of the hierarchy that refused.
 */
pid_t cg_entry_fork(const struct cg_entry *entry, int *ret_entered);
void cg_entry_free(struct cg_entry *entry);
DEFINE_CLEANUP(struct cg_entry *, cg_entry_freep, cg_entry_free);

/*
 * The caller makes a group that has no name yet and enters it, where that is expensive (v1). Its
 * parent exists. On failure it may be in it in part: cg_entry_attach() leads out, cg_group_remove()
 * removes.
 */
int cg_idle_enter(struct cg *cg, const char *path, struct vc_err *err);
/* The group gets its name, with the caller in it, or is made (v2). *ret_unified: that one, O_PATH,
 * for clone3(2) by the caller, who is not in it; -1 where there is no v2. */
int cg_idle_become(struct cg *cg, const char *path, const char *name, int *ret_unified,
		   struct vc_err *err);

/* The processes of a group and of those below it; the caller frees *ret. */
int cg_procs_list(struct cg *cg, const char *path, pid_t **ret, size_t *ret_n, struct vc_err *err);
/* The directory of a group in the unified hierarchy, which has cgroup.freeze. 0 or -errno,
 * with an empty string. */
int cg_group_freezer(struct cg *cg, const char *path, char *ret, size_t size);
/* SIGKILLs all in a group and below until none is left (zombies do not count) or
 * the time is over (-ETIMEDOUT). */
int cg_procs_kill(struct cg *cg, const char *path, uint64_t timeout_usec, struct vc_err *err);
/* The group of a process, relative to our base; -ENOENT: it is none of ours. */
int cg_procs_group(struct cg *cg, pid_t pid, char *ret_path, size_t size);

/* CPU time used by a group and those below it since it was made. */
int cg_stat_cpu_usec(struct cg *cg, const char *path, uint64_t *ret_usec);
int cg_memory_read(struct cg *cg, const char *path, struct cg_memory *ret);
/* How many of a group's processes the OOM killer has ended. 0 or -errno. */
int cg_memory_oom_kills(struct cg *cg, const char *path, uint64_t *ret_n);
/* Threads that run or wait for a CPU now, in the group and below. */
int cg_procs_runnable(struct cg *cg, const char *path, unsigned int *ret_n);
/* Pressure stall: share of the last 10 s in which some task waited; -ENOENT
 * where the kernel has none for the group. */
int cg_stat_pressure_pct(struct cg *cg, const char *path, const char *resource, double *ret_pct);

#endif
