/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - shared by the files of a change (reshape) only
 *
 *	reshape.c          the transaction
 *	lock.c             one at a time, and which comes first
 *	check.c            whether it is possible
 *	journal.c          the journal and the record
 */
#ifndef VC_PARTITION_RESHAPE_PRIV_H
#define VC_PARTITION_RESHAPE_PRIV_H

#include "partition/change/reshape.h"

/* One partition of a change, before and after. */
struct reshape_part {
	struct partition_spec before, after;
};

struct reshape {
	char cause[128];
	struct reshape_part *part;
	size_t n;
	bool committed;    /* it is finished, not undone */
	char *file, *text; /* a state file and its new text, or NULL */
};

void reshape_done(struct reshape *reshape);
/* Returns 0 or -ENOMEM. */
int reshape_set_file(struct reshape *reshape, const char *file, const char *text);

/* Undoes or finishes the change of a holder that died. Call with the lock held. */
int reshape_recover(struct instance *in, struct cg *cg, struct vc_err *err);
/* Returns whether a process of a higher rank waits for the lock. lock -1: none. */
bool reshape_lock_must_yield(int lock, int rank);

/* Replaces the journal. Returns 0 or -errno. */
int journal_write(const struct instance *in, const struct reshape *reshape, struct vc_err *err);
/* Returns 0, -ENOENT when there is none, or -errno. The caller gives *ret to reshape_done(). */
int journal_read(const struct instance *in, struct reshape *ret, struct vc_err *err);
void journal_remove(const struct instance *in);
/* Writes one line into the record. result is "done", "undone" or "finished" (for another process).
 * reason may be NULL. */
void journal_record(const struct instance *in, const struct reshape *reshape, const char *result,
		    const char *reason, const struct reshape_report *report);

#endif
