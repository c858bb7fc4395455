/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reshape.h - partitions changed while their jobs run, as one transaction
 *
 * Whoever changes partitions (vcctl; a daemon for an event whose time has come) holds the
 * instance's one lock meanwhile, and does it himself. No daemon need run.
 *
 *	check    all of what is wanted, against the machine and the other partitions
 *	shrink   memory that is to become less, by reclaim, until the deadline
 *	cpus     CPUs and nodes; none is ever without
 *	-------  commit: from here on it is finished, before it is undone
 *	grow     memory that is to become more; memory that is to be fixed
 *	save     instance.json has the new shape: daemons notice by themselves
 *	follow   pages on nodes that were given away, when no I/O holds them any more
 *
 * A journal says before each change what was and what is to be. Who takes the lock
 * finds the journal of one that died there, and undoes or finishes his change first.
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
	uint64_t deadline_usec; /* CLOCK_MONOTONIC; for all shrinking, and for all following */
	int lock;               /* reshape_lock()'s; it gives way to those of a higher rank */
	int rank;               /* as it was claimed */
	void (*progress)(const char *partition, uint64_t used_bytes, uint64_t limit_bytes,
			 void *ctx);
	void *ctx;
	const volatile sig_atomic_t *cancel; /* set: undo. May be NULL */
	/* A file of the state directory that gets this text with the new shape, or not at
	 * all; file NULL: none. */
	const char *file, *text;
};

struct reshape_report {
	size_t n_changed; /* partitions; 0: all was so already */
	uint64_t shrink_usec, cpus_usec, grow_usec, total_usec; /* without following */
	uint64_t behind_bytes; /* on other nodes than theirs when the deadline had passed */
};

/*
 * Of two who wait for the lock the one of the higher rank gets it. Who has it and waits for memory,
 * or for pages under I/O, gives way to one of a higher rank.
 */
enum reshape_rank {
	RESHAPE_RANK_LOAD,     /* an event by load */
	RESHAPE_RANK_TIME,     /* an event by time, or a command */
	RESHAPE_RANK_FAILOVER, /* an event because a partition has failed */
	RESHAPE_RANK_BRIEF,    /* what takes no time: a daemon that starts */
};

struct reshape_claim {
	enum reshape_rank rank;
	uint64_t deadline_usec;              /* CLOCK_MONOTONIC; 0: none */
	const volatile sig_atomic_t *cancel; /* set: give up. May be NULL */
};

/*
 * Takes the lock (waiting for who has it), finishes or undoes what a holder that died
 * left, and refreshes in. *ret_lock is a descriptor; closing it gives the lock back. -EBUSY: not
 * within the deadline; -EINTR: cancelled.
 */
int reshape_lock(struct instance *in, struct cg *cg, const struct reshape_claim *claim,
		 int *ret_lock, struct vc_err *err);

/* Does the same, without waiting, when somebody died with a change under way; otherwise
 * nothing. For daemons, now and then: jobs may be waiting for memory meanwhile. */
int reshape_lock_tidy(struct instance *in, struct cg *cg, struct vc_err *err);
/* Keeps changes off until *ret_lock is closed, which is to be soon; several may at once. -EAGAIN:
 * one is under way, or has been left and is not tidied up. */
int reshape_lock_hold_off(const struct instance *in, int *ret_lock);

/* Whether the partitions could be so: n specs of existing partitions, the others as they
 * are. -E2BIG: more memory in all than there is, or less than its regions; -EINVAL: anything
 * else. */
int reshape_check(const struct instance *in, const struct partition_spec *after, size_t n,
		  struct vc_err *err);

/* Whether memory that is to become less could be reclaimed now, without waiting: -EBUSY as
 * reshape_run() would after its deadline. Changes nothing. */
int reshape_check_fit(const struct instance *in, struct cg *cg, const struct partition_spec *after,
		      size_t n, struct vc_err *err);

/*
 * Makes them so, with the lock held; where all is so already, only pages follow. On failure all is
 * as before, in the kernel, in instance.json and in in, and err has the reason; *ret is then
 * untouched. -ECANCELED: it gave way to a change of a higher rank, which waits for the lock.
 */
int reshape_run(struct instance *in, struct cg *cg, const struct partition_spec *after, size_t n,
		const struct reshape_how *how, struct reshape_report *ret, struct vc_err *err);

#endif
