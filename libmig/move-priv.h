/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * move-priv.h - a move under way, for the files that make it (libmig's own)
 *
 *	take.c     from the check to the commit point: the tree becomes images
 *	restore.c  after it: the images become the tree, at the target or at the source
 *	move.c     the order of both, and what a move holds
 */
#ifndef VC_LIBMIG_MOVE_PRIV_H
#define VC_LIBMIG_MOVE_PRIV_H

#include <stdint.h>
#include <sys/types.h>

#include "common/cleanup.h"
#include "libmig/criu/criu.h"
#include "libmig/criu/external.h"
#include "libmig/mig.h"
#include "libmig/namespace.h"

struct fill;
struct hold;
struct identity;
struct keep;
struct session;
struct state;
struct stops;
struct terminals;
struct timers;
struct verify_filters;
struct waits;

#define MIG_DUMP_LOG "dump.log"
#define MIG_RESTORE_LOG "restore.log"

/* A move, from its check until its end. A parked tree keeps it. */
struct mig {
	struct mig_request req; /* its strings, as far as they are used after the move, are ours */
	struct mig_report *report;
	struct inventory *inv;
	pid_t *pids; /* of the frozen tree, as found at the commit point */
	size_t n_pids;
	uint64_t caps;                  /* of criu: rights_for() */
	struct verify_filters *filters; /* of the frozen tree */
	pid_t *numbers;                 /* these and what else the restore needs: pids_numbers() */
	size_t n_numbers;
	struct session *session;     /* what the frozen tree's sessions take; NULL: nothing */
	struct stops *stops;         /* processes that the terminal has stopped; NULL: none */
	struct terminals *terminals; /* of its own sessions; NULL: none */
	pid_t foreground;            /* process group of the session's terminal; 0: none */
	char *images, *source_name, *source_cpus, *binary;
	int images_fd;
	struct criu *dump, *restore, *awaited; /* awaited: borrowed, of the call under way */
	struct fill *fill;                     /* NULL: criu restores the memory alone */
	struct hold *dump_hold, *hold; /* of the criu that dumps, and the one that restores */
	struct state *state;           /* of the frozen tree: what CRIU does not carry */
	struct waits *waits;           /* likewise: interrupted calls; NULL: not known */
	struct timers *timers;         /* likewise */
	struct vc_err lost;            /* of that, what could not be put back */
	struct external external;      /* what the dump leaves alone */
	struct keep *keep;             /* what the tree keeps; the images name it */
	const struct mig_place *place; /* where it restores */
	struct identity *identity;     /* of the frozen tree's files */
	struct namespaces namespaces;  /* the tree's own, held from before the freeze */
	uint64_t begun_usec, step_begun_usec, frozen_usec, resumed_usec;
	enum mig_step step;
	struct vc_err refusal; /* why our own notification handler said no */
};

/* move.c */
void mig_enter_step(struct mig *mig, enum mig_step step);
/* Tells the caller that mig->awaited is silent. */
void mig_on_wait(const struct mig *mig);
/* Keeps what CRIU said. If it explains nothing, err gets the name of the log. */
void mig_keep_log(struct mig *mig, const struct criu *criu, const char *name, struct vc_err *err);
/* Gives back what one attempt took; the next one may begin. */
void mig_reset(struct mig *mig);
/* The same, and mig itself. */
void mig_free(struct mig *mig);

/* take.c: until the images are the tree. On failure it runs at the source. */
int mig_try_until_commit(struct mig *mig, struct vc_err *err);

/* restore.c */
/* Starts the criu that is to restore the tree in a place. */
int mig_start_restore(struct mig *mig, const struct mig_place *place, struct criu **ret,
		      struct vc_err *err);
/* The images of the process tree have their final form: the restore may read them. */
void mig_ask_restore(struct mig *mig);
/* So have all images: the restore may read them while the rest is looked at and the old tree dies.
 * It makes nothing before mig_restore(). */
int mig_begin_restore(struct mig *mig);
/* In the target, else in the source. Sets the report's result; -errno if it is not MIG_MOVED. */
int mig_restore(struct mig *mig, struct vc_err *err);
/* What the restored tree gets only while it runs, if it could not be held. */
void mig_put_back(struct mig *mig);

#endif
