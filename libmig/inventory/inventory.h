/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inventory.h - the parts of a process tree, and what in it prevents a move
 *
 * The inventory is read from /proc while the job runs. Nothing is frozen or changed. It says
 * whether the tree can be moved, and otherwise which part of which process prevents it and what to
 * do; and how much memory a dump writes.
 */
#ifndef VC_LIBMIG_INVENTORY_H
#define VC_LIBMIG_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "libmig/affinity.h"

/* Attributes of a thread that CRIU does not carry. */
struct inventory_task {
	pid_t pid;
	pid_t tid;
	int ioprio;                   /* ioprio_get() */
	uint64_t timerslack_nsec;     /* 0: unknown */
	unsigned int coredump_filter; /* of the process */
	struct affinity affinity;     /* in the cpuset of the process */
};

struct inventory {
	pid_t *pids; /* the tree, root first, zombies included */
	size_t n_pids;
	struct inventory_task *tasks; /* all threads that are not zombies */
	size_t n_tasks;
	size_t n_files, n_mappings; /* sums over the processes */
	size_t n_computing;         /* threads that ran or waited for a CPU */
	uint64_t mem_bytes;         /* estimate of what a dump writes */
	bool shell_job;             /* the leader of the root's session is outside the tree */
};

/* A file that the target may not use. */
struct inventory_barred {
	uint64_t dev, ino;
	const char *what; /* "the region frames" */
	const char *why;  /* the reason and the remedy, a half sentence */
};

/*
 * Takes the inventory of the tree below root, a session leader. Free *ret with inventory_free().
 * Returns 0 if the tree can be moved. -EOPNOTSUPP: it cannot be moved, or not now; err names the
 * process
 * ("pid 123 (name)"), the obstacle and the remedy. -ESRCH: root has ended. Other: /proc could not
 * be read. Not thread-safe; needs root.
 */
int inventory_take(pid_t root, struct inventory **ret, struct vc_err *err);
void inventory_free(struct inventory *inv); /* NULL is accepted */

/* Checks the frozen tree for locks and descriptors that are new and prevent the move. Returns 0, or
 * -EOPNOTSUPP with err. */
int inventory_frozen_check(const pid_t *pids, size_t n, struct vc_err *err);

/* Checks that no process has a barred file open or mapped. Returns 0, or -EOPNOTSUPP with err. */
int inventory_barred_check(const pid_t *pids, size_t n_pids, const struct inventory_barred *barred,
			   size_t n, struct vc_err *err);

/* Lists all processes of the tree, root first, zombies included. The caller frees *ret. Returns 0,
 * or -errno with err. */
int inventory_tree_pids(pid_t root, pid_t **ret, size_t *ret_n, struct vc_err *err);

/* Restores the attributes of the tasks. cpus: the list of the new cpuset. Goes on after a failure,
 * and returns 0 or the first -errno, with err. */
int inventory_task_put_back(const struct inventory *inv, const char *cpus, struct vc_err *err);

#endif
