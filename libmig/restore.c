// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * restore.c - after the commit point: the images become the tree
 *
 * They go away only when it runs again, at the target or back at the source. If it can run
 * nowhere it is parked, and tried again.
 */
#include "libmig/move-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "libmig/criu/hold.h"
#include "libmig/fill/fill.h"
#include "libmig/image/image.h"
#include "libmig/keep/identity.h"
#include "libmig/keep/keep.h"
#include "libmig/pids.h"
#include "libmig/session/session.h"
#include "libmig/session/stop.h"
#include "libmig/session/terminal.h"
#include "libmig/state/state.h"
#include "libmig/state/timers.h"
#include "libmig/state/waits.h"

#define MIG_REAP_USEC 10000000u
/* Attempts to restore at the source before the tree is parked: the reasons known to
 * pass by themselves (a PID taken, memory short for a moment) pass within this. */
#define MIG_RETURN_ATTEMPTS 5
#define MIG_RETURN_REAP_USEC 1000000u

DEFINE_CLEANUP(struct criu *, criu_freep, criu_free);

void mig_put_back(struct mig *mig)
{
	struct vc_err ignored;

	/* A lost I/O priority is no reason to call the move failed. */
	if (mig->place->cpus)
		inventory_task_put_back(mig->inv, mig->place->cpus, &ignored);
}

/* The restored tree is complete and has not run. */
static void mig_on_held(struct hold *hold, enum hold_when when, void *ctx)
{
	struct mig *mig = ctx;

	if (mig->session)
		session_put_back(mig->session, hold);
	if (mig->terminals)
		terminals_put_back(mig->terminals, hold);
	mig_put_back(mig);
	/* It must not run as it is. criu goes with it, and so the restore has failed. */
	if (state_put_back(mig->state, hold, &mig->lost, &mig->refusal) < 0) {
		mig->place->clear(mig->place->ctx);
		return;
	}
	timers_put_back(mig->timers, hold);
	waits_put_back(mig->waits, hold);
	stops_put_back(mig->stops, hold);
	/* What it kept is its own now: a duplicate of ours would hold a file locked, a pipe open,
	 * a program from being executed. */
	keep_free(steal_ptr(mig->keep));
}

int mig_start_restore(struct mig *mig, const struct mig_place *place, struct criu **ret,
		      struct vc_err *err)
{
	struct criu_start how = {
		.binary = mig->req.criu,
		.caps = mig->caps,
		.namespaces = &mig->namespaces,
		.enter = place->enter,
		.ctx = place->ctx,
		.hides_sockets = true,
	};
	int r;

	hold_free(steal_ptr(mig->hold));
	r = hold_new(mig_on_held, mig, &mig->hold, err);
	if (r < 0)
		return r;
	how.hold = mig->hold;
	if (mig->session)
		hold_adopt_early(mig->hold);
	mig->place = place;
	return criu_start(&how, ret, err);
}

void mig_ask_restore(struct mig *mig)
{
	struct criu_images images = { .dirfd = mig->images_fd, .log = MIG_RESTORE_LOG };

	/* A failure is found, and dealt with, by mig_restore_once(). */
	criu_restore_ask(mig->restore, mig->inv, &images, mig->fill != NULL, NULL);
}

/* A new criu restores the memory alone. The one before was asked for something else. */
static int mig_do_without_fill(struct mig *mig)
{
	fill_free(steal_ptr(mig->fill));
	hold_free(steal_ptr(mig->hold));
	criu_free(steal_ptr(mig->restore));
	return mig_start_restore(mig, &mig->req.target, &mig->restore, &mig->refusal);
}

int mig_begin_restore(struct mig *mig)
{
	struct criu_images images = { .dirfd = mig->images_fd, .log = MIG_RESTORE_LOG };
	struct criu_aside aside = { .serve = fill_serve, .ctx = mig->fill };
	int r = 0;

	image_adapt(mig->images_fd);
	state_maps_adapt(mig->state, mig->images_fd);
	for (size_t i = 0; i < mig->n_pids; i++)
		image_maps_adapt(mig->images_fd, mig->pids[i]);
	if (mig->fill && !fill_begin(mig->fill, mig->images_fd, mig->pids, mig->n_pids))
		r = mig_do_without_fill(mig);
	if (r < 0)
		return r;
	if (mig->fill)
		aside.fd = fill_fd(mig->fill);
	/* A failure is found, and dealt with, by mig_restore_once(). */
	criu_restore_begin(mig->restore, mig->inv, mig->keep, &images, mig->fill ? &aside : NULL,
			   NULL);
	return 0;
}

static void mig_put_foreground(const struct mig *mig)
{
	_cleanup_close_ int tty = -1;

	if (mig->foreground <= 0)
		return;
	tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty >= 0)
		tcsetpgrp(tty, mig->foreground);
}

static int mig_on_restore(const char *script, void *ctx)
{
	struct mig *mig = ctx;
	int r;

	if (!strcmp(script, CRIU_WAITING))
		mig_on_wait(mig);
	/* Everything is open and mapped again, and nothing of the tree runs yet. */
	if (!strcmp(script, "post-restore")) {
		if (mig->fill && fill_finish(mig->fill, &mig->refusal) < 0)
			return -mig->refusal.code;
		mig_put_foreground(mig);
		r = keep_owner_put_back(mig->keep, &mig->refusal);
		if (r == 0)
			r = identity_check(mig->identity, &mig->refusal);
		return r;
	}
	if (!strcmp(script, "post-resume"))
		mig->resumed_usec = clock_mono_usec();
	return 0;
}

static int mig_restore_once(struct mig *mig, struct criu *criu, struct vc_err *err)
{
	struct criu_images images = { .dirfd = mig->images_fd, .log = MIG_RESTORE_LOG };
	pid_t root = 0;
	int r;

	mig->refusal.code = 0;
	mig->awaited = criu;
	r = criu_restore(criu, mig->inv, mig->keep, &images, mig_on_restore, mig, &root, err);
	if (r < 0 && mig->refusal.code) {
		*err = mig->refusal;
		return -mig->refusal.code;
	}
	if (r == 0 && root != mig->req.root)
		r = err_set(err, EPROTO, "criu restored pid %d in place of %d", (int)root,
			    (int)mig->req.root);
	return r;
}

/* Restores at the source; its own criu is started anew for each attempt. */
static int mig_return(struct mig *mig, int attempts, struct vc_err *err)
{
	int r = -EIO;

	keep_stay(mig->keep);
	for (int i = 0; i < attempts; i++) {
		_cleanup_(criu_freep) struct criu *criu = NULL;

		if (i > 0)
			clock_sleep_usec(10000u << (2 * i));
		r = pids_reap(mig->numbers, mig->n_numbers, MIG_RETURN_REAP_USEC, err);
		if (r < 0)
			continue;
		r = mig_start_restore(mig, &mig->req.source, &criu, err);
		if (r == 0)
			r = mig_restore_once(mig, criu, err);
		if (r == 0)
			return 0;
		mig->req.source.clear(mig->req.source.ctx);
	}
	return r;
}

int mig_restore(struct mig *mig, struct vc_err *err)
{
	struct vc_err first, again = { 0 };
	int r;

	mig_enter_step(mig, MIG_REAP);
	r = pids_reap(mig->numbers, mig->n_numbers, MIG_REAP_USEC, err);
	mig_enter_step(mig, MIG_RESTORE);
	if (r == 0)
		r = mig_restore_once(mig, mig->restore, err);
	if (r < 0)
		mig_keep_log(mig, mig->restore, MIG_RESTORE_LOG, err);
	fill_free(steal_ptr(mig->fill));
	if (r == 0) {
		mig->report->result = MIG_MOVED;
		return 0;
	}
	mig->req.target.clear(mig->req.target.ctx);
	err_add(err, "restore in %s", mig->req.target.name);
	if (mig_return(mig, MIG_RETURN_ATTEMPTS, &again) == 0) {
		mig->report->result = MIG_RETURNED;
		return r;
	}
	mig->report->result = MIG_PARKED;
	first = *err;
	return err_set(err, again.code, "%.400s; restore in %s: %.400s; images kept in %s",
		       first.text, mig->req.source.name, again.text, mig->images);
}

int mig_unpark(struct mig *parked, struct vc_err *err)
{
	int r = mig_return(parked, 1, err);

	if (r < 0)
		return err_add(err, "restore in %s", parked->req.source.name);
	if (!hold_was_held(parked->hold))
		mig_put_back(parked);
	mig_free(parked);
	return 0;
}
