/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - what the reshape*.c files share, and nobody else includes
 *
 *	reshape.c          the transaction
 *	lock.c             one at a time, and who comes first
 *	check.c            whether it can be
 *	journal.c          what is written down of it
 */
#ifndef VC_PARTITION_RESHAPE_PRIV_H
#define VC_PARTITION_RESHAPE_PRIV_H

#include "partition/change/reshape.h"

/* One partition of a change: what it has, and is to have. */
struct reshape_part {
	struct partition_spec before, after;
};

struct reshape {
	char cause[128];
	struct reshape_part *part;
	size_t n;
	bool committed;    /* to be finished, else to be undone */
	char *file, *text; /* that goes with it, or NULL */
};

void reshape_done(struct reshape *reshape);
/* 0 or -ENOMEM. */
int reshape_set_file(struct reshape *reshape, const char *file, const char *text);

/* With the lock held: undoes or finishes what a holder that died has left. */
int reshape_recover(struct instance *in, struct cg *cg, struct vc_err *err);
/* Whether somebody waits for the lock who comes before that rank. lock -1: nobody. */
bool reshape_lock_must_yield(int lock, int rank);

/* Replaces the journal. */
int journal_write(const struct instance *in, const struct reshape *reshape, struct vc_err *err);
/* 0, -ENOENT: there is none, or -errno. The caller gives *ret to reshape_done(). */
int journal_read(const struct instance *in, struct reshape *ret, struct vc_err *err);
void journal_remove(const struct instance *in);
/* One line in the record; result: "done", "undone", "finished" (another's). reason may be NULL. */
void journal_record(const struct instance *in, const struct reshape *reshape, const char *result,
		    const char *reason, const struct reshape_report *report);

#endif
