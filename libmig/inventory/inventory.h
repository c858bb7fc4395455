/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inventory.h - what a process tree consists of, and what in it stands in a move's way
 *
 * Read from /proc while the job runs; nothing is frozen, nothing is changed. It
 * answers whether this tree can be moved at all (if not: which
 * descriptor, mapping, socket, namespace of which process, and what to do about
 * it), and how much memory that takes.
 */
#ifndef VC_LIBMIG_INVENTORY_H
#define VC_LIBMIG_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "libmig/affinity.h"

/* What CRIU does not carry and the mover puts back, per thread. */
struct inventory_task {
	pid_t pid;
	pid_t tid;
	int ioprio;                   /* ioprio_get() */
	uint64_t timerslack_nsec;     /* /proc/PID/timerslack_ns of the thread; 0: unknown */
	unsigned int coredump_filter; /* per process */
	struct affinity affinity;     /* in the cpuset of the process */
};

struct inventory {
	pid_t *pids; /* the tree, root first, zombies included */
	size_t n_pids;
	struct inventory_task *tasks; /* all threads that are not zombies */
	size_t n_tasks;
	size_t n_files, n_mappings; /* counted in each process */
	size_t n_computing;         /* threads that had or wanted a CPU */
	uint64_t mem_bytes; /* to be dumped, about: anonymous + private file + shared memory of the
			       job's own */
	bool shell_job;     /* the session of the root is led from outside the tree */
};

/* A file that may not come along to where the tree is to go. */
struct inventory_barred {
	uint64_t dev, ino;
	const char *what; /* "the region frames" */
	const char *why;  /* a half sentence, with the remedy */
};

/*
 * root: the tree's root (a session leader).
 *
 * 0: the tree can be moved and *ret is filled; free with inventory_free().
 * -EOPNOTSUPP: it cannot, or not right now; err names the process ("pid 123
 * (name)"), the thing and the remedy. -ESRCH: root has ended. Other: /proc could
 * not be read. Not thread-safe; needs root.
 */
int inventory_take(pid_t root, struct inventory **ret, struct vc_err *err);
void inventory_free(struct inventory *inv);

/* For the frozen tree, its processes in pids: whether it has taken a lock that stands in the
 * way. 0 or -EOPNOTSUPP with err. */
int inventory_frozen_check(const pid_t *pids, size_t n, struct vc_err *err);

/* -EOPNOTSUPP: one of the processes has a barred file open or mapped; err says which. */
int inventory_barred_check(const pid_t *pids, size_t n_pids, const struct inventory_barred *barred,
			   size_t n, struct vc_err *err);

/* All processes of the tree, root first, by /proc/…/children; for a frozen or
 * quiet tree. The caller frees *ret. */
int inventory_pids(pid_t root, pid_t **ret, size_t *ret_n, struct vc_err *err);

/* Puts back what the tasks lost; cpus is the new cpuset's list. Best effort per
 * task; -errno of the first failure, with err, after all were tried. */
int inventory_task_put_back(const struct inventory *inv, const char *cpus, struct vc_err *err);

#endif
