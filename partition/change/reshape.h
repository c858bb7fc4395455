/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reshape.h - partitions changed while their jobs run, as one transaction
 *
 * The process that changes partitions (vcctl, or a daemon's child for an event) holds the
 * instance's one lock and makes the change itself. No daemon need run.
 *
 *	check    the whole change against the machine and the other partitions
 *	shrink   memory that gets less, by reclaim, until the deadline
 *	cpus     CPUs and nodes; no partition is ever without
 *	-------  commit: after a crash a change is undone before this line, finished behind it
 *	grow     memory that gets more; memory that becomes fixed
 *	save     instance.json has the new shape, which daemons notice by themselves
 *	follow   pages on former nodes, when no I/O holds them any more
 *
 * A journal has the shapes before and after, written before each change. A process that takes the
 * lock finds the journal of a holder that died, and undoes or finishes its change first.
 */
#ifndef VC_PARTITION_RESHAPE_H
#define VC_PARTITION_RESHAPE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "partition/cgroup/cgroup.h"
#include "partition/spec.h"

struct instance;

#define RESHAPE_DEADLINE_MSEC 5000

struct reshape_how {
	const char *cause;      /* for journal and record: "set", "event night" */
	uint64_t deadline_usec; /* CLOCK_MONOTONIC; for all shrinking and following */
	int lock;               /* of reshape_lock(); it gives way to higher ranks */
	int rank;               /* as it was claimed */
	void (*progress)(const char *partition, uint64_t used_bytes, uint64_t limit_bytes,
			 void *ctx);
	void *ctx;
	const volatile sig_atomic_t *cancel; /* when set, the change is undone; may be NULL */
	/* A file of the state directory that gets this text together with the new shape; file NULL:
	 * none. */
	const char *file, *text;
};

struct reshape_report {
	size_t n_changed; /* partitions; 0: all were so already */
	uint64_t shrink_usec, cpus_usec, grow_usec, total_usec; /* without following */
	uint64_t behind_bytes;                                  /* on other nodes at the deadline */
};

/*
 * Of two waiting processes, the one of the higher rank gets the lock. A holder that waits for
 * memory or for pages under I/O gives way to a higher rank.
 */
enum reshape_rank {
	RESHAPE_RANK_LOAD,     /* an event by load */
	RESHAPE_RANK_TIME,     /* an event by time, or a command */
	RESHAPE_RANK_FAILOVER, /* an event by the failure of a partition */
	RESHAPE_RANK_BRIEF,    /* brief: a daemon that starts */
};

struct reshape_claim {
	enum reshape_rank rank;
	uint64_t deadline_usec;              /* CLOCK_MONOTONIC; 0: none */
	const volatile sig_atomic_t *cancel; /* when set, give up; may be NULL */
};

/*
 * Waits for the lock and takes it, finishes or undoes the change of a holder that died, and
 * refreshes in. Closing *ret_lock gives the lock back. Returns 0; -EBUSY at the deadline; -EINTR
 * when cancelled.
 */
int reshape_lock(struct instance *in, struct cg *cg, const struct reshape_claim *claim,
		 int *ret_lock, struct vc_err *err);

/* Does the same without waiting, if a holder died during a change; otherwise nothing. Daemons call
 * it now and then, because jobs may be waiting for memory. */
int reshape_lock_tidy(struct instance *in, struct cg *cg, struct vc_err *err);
/* Prevents changes until *ret_lock is closed, which must be soon. Several processes may do so at
 * once. Returns 0, or -EAGAIN when a change is under way or was left unfinished. */
int reshape_lock_hold_off(const struct instance *in, int *ret_lock);

/* Checks whether n existing partitions could have these specs, with the others unchanged. Returns
 * 0; -E2BIG: more memory than there is in all, or less than their regions need; -EINVAL: another
 * reason. */
int reshape_check(const struct instance *in, const struct partition_spec *after, size_t n,
		  struct vc_err *err);

/* Checks whether the memory that gets less could be reclaimed at this moment. Returns 0, or -EBUSY
 * as reshape_run() would after its deadline. Changes nothing. */
int reshape_check_fit(const struct instance *in, struct cg *cg, const struct partition_spec *after,
		      size_t n, struct vc_err *err);

/*
 * Makes the change with the lock held. If nothing is to be changed, only pages follow. On failure
 * the kernel, instance.json and in are as before, err has the reason, and *ret is untouched.
 * -ECANCELED: it gave way to a change of a higher rank, which waits for the lock.
 */
int reshape_run(struct instance *in, struct cg *cg, const struct partition_spec *after, size_t n,
		const struct reshape_how *how, struct reshape_report *ret, struct vc_err *err);

#endif
