// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * take.c - from the check to the commit point: a running tree becomes images
 *
 * Before the commit point, CRIU's post-dump notification, the tree is only frozen, and CRIU
 * thaws it whenever anything, here or there, says no.
 */
#include "libmig/move-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/proc.h"
#include "libmig/check.h"
#include "libmig/criu/hold.h"
#include "libmig/criu/rights.h"
#include "libmig/fill/fill.h"
#include "libmig/image/image.h"
#include "libmig/keep/identity.h"
#include "libmig/keep/keep.h"
#include "libmig/kernel/sandbox.h"
#include "libmig/pids.h"
#include "libmig/robust.h"
#include "libmig/session/session.h"
#include "libmig/session/stop.h"
#include "libmig/session/terminal.h"
#include "libmig/state/state.h"
#include "libmig/state/timers.h"
#include "libmig/state/waits.h"
#include "libmig/verify/verify.h"

/* Attempts at a dump that something in the job's own doing got in the way of. */
#define MIG_DUMP_ATTEMPTS 4
#define MIG_DUMP_PAUSE_USEC 2000u /* doubled before each */
/* From here on it pays to fill the memory by more than one CPU. */
#define MIG_FILL_BYTES (8u << 20)
/* How long a criu may take to load its modules. */
#define MIG_HELLO_MSEC 2000
/* So many threads that compute are stopped at once: one after the other they would take
 * longer than CRIU does to look whether a group is frozen, which is 100 ms. */
#define MIG_FREEZE_THREADS 8

/* From the freeze on the processes are the same. */
static int mig_list_frozen(struct mig *mig)
{
	return mig->pids ? 0
			 : inventory_tree_pids(mig->req.root, &mig->pids, &mig->n_pids,
					       &mig->refusal);
}

/* The old tree is frozen, and nothing has been dumped yet; or it is about to run on or to end. */
static void mig_on_frozen(struct hold *hold, enum hold_when when, void *ctx)
{
	struct mig *mig = ctx;

	if (when == HOLD_WHEN_THAWING && mig->step != MIG_COMMIT)
		waits_put_back(mig->waits, hold);
	if (when != HOLD_WHEN_FROZEN || mig_list_frozen(mig) < 0)
		return;
	mig->waits = waits_take(hold, mig->pids, mig->n_pids);
	mig->timers = timers_take(hold, mig->pids, mig->n_pids);
	if (verify_filters_take(hold, mig->pids, mig->n_pids, &mig->filters, &mig->refusal) == 0 &&
	    terminals_take(hold, mig->pids, mig->n_pids, &mig->terminals, &mig->refusal) == 0)
		state_take(mig->state, hold, mig->pids, mig->n_pids, &mig->refusal);
}

static int mig_start_dump(struct mig *mig, struct vc_err *err)
{
	struct criu_start how = {
		.binary = mig->req.criu,
		.caps = mig->caps,
		.namespaces = &mig->namespaces,
		.beside = mig->req.root,
	};
	int r = hold_new(mig_on_frozen, mig, &mig->dump_hold, err);

	how.hold = mig->dump_hold;
	return r < 0 ? r : criu_start(&how, &mig->dump, err);
}

static int mig_prepare(struct mig *mig, struct vc_err *err)
{
	int r;

	file_remove_tree(AT_FDCWD, mig->images);
	if (mkdir(mig->images, 0700) < 0)
		return err_sys(err, errno, "image directory %s", mig->images);
	mig->images_fd = open(mig->images, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mig->images_fd < 0)
		return err_sys(err, errno, "image directory %s", mig->images);
	mig->caps = rights_for(mig->req.uid, mig->inv->pids, mig->inv->n_pids);
	r = namespaces_open(mig->req.root, &mig->namespaces, err);
	if (r == 0)
		r = mig_start_dump(mig, err);
	if (r == 0)
		r = mig_start_restore(mig, &mig->req.target, &mig->restore, err);
	if (r == 0 && mig->inv->mem_bytes >= MIG_FILL_BYTES)
		mig->fill = fill_new(mig->req.target.enter, mig->req.target.ctx);
	return r;
}

/* The tree is frozen; criu asks what it is to leave alone. */
static int mig_name_external(struct mig *mig)
{
	int r = mig_list_frozen(mig);

	if (r == 0)
		r = external_list(mig->pids, mig->n_pids, &mig->external, &mig->refusal);
	if (r == 0)
		criu_set_external(mig->dump, &mig->external);
	return r;
}

/*
 * In the session of a terminal of ours (none: /dev/tty cannot be opened) the
 * foreground is one of the tree's process groups. It was the old one, and the new
 * one of the same number must be made it.
 */
static pid_t mig_find_foreground(void)
{
	_cleanup_close_ int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	return tty < 0 ? 0 : tcgetpgrp(tty);
}

/* A process may have entered a sandbox since the inventory was taken. */
static int mig_check_sandboxes(struct mig *mig)
{
	struct vc_err why = { 0 };

	for (size_t i = 0; i < mig->n_pids; i++) {
		int r = sandbox_check_landlock(mig->pids[i], &why);

		if (r < 0 && r != -ESRCH)
			return err_set(&mig->refusal, EOPNOTSUPP,
				       "pid %d %s, and would be free of it after a move",
				       (int)mig->pids[i], why.text);
	}
	return 0;
}

static int mig_adapt_sessions(struct mig *mig)
{
	int r = 0;

	if (stops_change(mig->stops)) {
		r = stops_adapt(mig->stops, mig->images_fd);
		if (r < 0)
			return err_sys(&mig->refusal, -r, "stopped processes: images");
	}
	if (r == 0 && mig->session)
		r = session_adapt(mig->session, mig->images_fd, &mig->refusal);
	if (r == 0 && mig->session)
		r = session_add_numbers(mig->session, &mig->numbers, &mig->n_numbers);
	if (r == 0 && mig->session)
		r = hold_adopt_early(mig->hold);
	return r;
}

/* The frozen tree was looked into, and can be carried. */
static int mig_check_held(struct mig *mig)
{
	if (mig->refusal.code)
		return -mig->refusal.code;
	if (hold_was_held(mig->dump_hold))
		return 0;
	return err_set(&mig->refusal, EOPNOTSUPP,
		       "criu does not load the module of vcrun (criu-modules/hold.so); CRIU 4.0 "
		       "and later do, if vcrun is installed completely");
}

/* From here on the images name what we hold, and not paths. */
static int mig_keep(struct mig *mig)
{
	struct keep_tree tree = { .pids = mig->pids, .n_pids = mig->n_pids };
	int r;

	r = pids_numbers(mig->pids, mig->n_pids, &mig->numbers, &mig->n_numbers);
	if (r < 0)
		return err_sys(&mig->refusal, -r, "list the job's threads");
	tree.follow = mig->req.follow;
	tree.follow_ctx = mig->req.ctx;
	tree.numbers = mig->numbers;
	tree.n_numbers = mig->n_numbers;
	r = keep_take(mig->images_fd, &tree, &mig->keep, &mig->refusal);
	if (r == 0)
		r = terminals_find(mig->terminals, mig->keep, &mig->refusal);
	return r;
}

/* The tree is frozen, the images are written; the last word before it dies. */
static int mig_may_commit(struct mig *mig)
{
	struct stat st;
	int r = mig_check_held(mig);

	if (r == 0)
		r = mig_list_frozen(mig);
	if (r == 0)
		r = session_take(mig->pids, mig->n_pids, &mig->session, &mig->refusal);
	/* Otherwise the images of the process tree are changed below. */
	if (r == 0 && !mig->session && !stops_change(mig->stops))
		mig_ask_restore(mig);
	if (r == 0)
		r = mig_check_sandboxes(mig);
	if (r == 0)
		r = inventory_frozen_check(mig->pids, mig->n_pids, &mig->refusal);
	if (r == 0)
		r = inventory_barred_check(mig->pids, mig->n_pids, mig->req.barred,
					   mig->req.n_barred, &mig->refusal);
	/* As criu wrote them: what is changed in them from here on is the mover's own word. */
	if (r == 0)
		r = verify_images(mig->images_fd, mig->pids, mig->n_pids, mig->filters, mig->caps,
				  &mig->refusal);
	if (r == 0)
		r = mig_keep(mig);
	if (r == 0)
		r = mig_adapt_sessions(mig);
	if (r == 0)
		r = mig_begin_restore(mig);
	if (r < 0)
		return r;
	if (mig->terminals && !hold_can_lead(mig->hold, MIG_HELLO_MSEC))
		return err_set(&mig->refusal, EOPNOTSUPP,
			       "it has sessions with terminals of their own, which this criu "
			       "cannot restore; use the criu that vcrun's setup installs");
	if (mig->session && !hold_will_adopt(mig->hold, MIG_HELLO_MSEC))
		return err_set(&mig->refusal, EOPNOTSUPP,
			       "it has orphans in sessions of their own, which this criu cannot "
			       "restore; CRIU 4.1 and later can");
	r = identity_take(mig->pids, mig->n_pids, &mig->identity, &mig->refusal);
	if (r < 0)
		return r;
	if (fstatat(mig->images_fd, "pstree.img", &st, 0) < 0 ||
	    fstatat(mig->images_fd, "inventory.img", &st, 0) < 0)
		return err_sys(&mig->refusal, errno, "the images are not complete");
	r = namespaces_check(&mig->namespaces, &mig->refusal);
	if (r < 0)
		return r;
	/* criu has begun to read the images long ago. */
	if (state_is_needed(mig->state) && !hold_is_loaded(mig->hold, MIG_HELLO_MSEC))
		return err_set(&mig->refusal, EOPNOTSUPP,
			       "the criu that is to restore it does not load the module of vcrun");
	mig->foreground = mig->inv->shell_job ? mig_find_foreground() : 0;
	return 0;
}

/* The commit point. When the answer is no the tree runs on at once. */
static int mig_commit(struct mig *mig)
{
	uint64_t state;
	int r;

	mig_enter_step(mig, MIG_VERIFY);
	r = mig_may_commit(mig);
	if (r < 0)
		return r;
	state = image_state(mig->images_fd);
	mig_enter_step(mig, MIG_COMMIT);
	/* Nobody writes them any more. What is restored must be what was verified. */
	if (image_state(mig->images_fd) != state)
		return err_set(
			&mig->refusal, EKEYREJECTED,
			"its images were changed after they had been compared with the kernel; "
			"the job was not moved and runs on");
	robust_forget(mig->pids, mig->n_pids);
	pids_keep_clear(mig->numbers, mig->n_numbers);
	return 0;
}

static int mig_on_dump(const char *script, void *ctx)
{
	struct mig *mig = ctx;

	if (!strcmp(script, CRIU_WAITING)) {
		mig_on_wait(mig);
	} else if (!strcmp(script, "pre-dump")) {
		mig_enter_step(mig, MIG_DUMP);
		mig->frozen_usec = clock_mono_usec();
	} else if (!strcmp(script, "query-ext-files")) {
		return mig_name_external(mig);
	} else if (!strcmp(script, "post-dump")) {
		return mig_commit(mig);
	}
	return 0;
}

/* Whether the tree is still there, whatever criu said or failed to say. */
static bool mig_root_lives(const struct mig *mig)
{
	char state;

	return proc_look(mig->req.root, &state, NULL) == 0 && state != 'Z' && state != 'X';
}

/* CRIU does it itself, unless it was killed. */
static void mig_thaw(const char *freezer)
{
	char path[PATH_MAX];

	if (freezer && snprintf(path, sizeof(path), "%s/cgroup.freeze", freezer) < PATH_MAX)
		file_write(AT_FDCWD, path, "0");
}

static int mig_dump(struct mig *mig, struct vc_err *err)
{
	struct criu_images images = { .dirfd = mig->images_fd, .log = MIG_DUMP_LOG };
	const char *freezer;
	int r;

	mig->awaited = mig->dump;
	freezer = mig->inv->n_computing >= MIG_FREEZE_THREADS ? mig->req.source.freezer : NULL;
	r = criu_dump(mig->dump, mig->req.root, mig->inv, &images, freezer, mig_on_dump, mig, err);
	if (r == 0)
		return 0;
	mig_thaw(freezer);
	if (mig->refusal.code) {
		*err = mig->refusal;
		return -mig->refusal.code;
	}
	/* criu died after the commit point: if it took the root with it, the rest must
	 * go too; the images are whole, and the move goes on. */
	if (mig->step == MIG_COMMIT && !mig_root_lives(mig)) {
		mig->req.source.clear(mig->req.source.ctx);
		return 0;
	}
	mig_keep_log(mig, mig->dump, MIG_DUMP_LOG, err);
	return r;
}

/* From the check to the commit point: on failure the tree runs at the source. */
static int mig_until_commit(struct mig *mig, struct vc_err *err)
{
	bool first = mig->report->estimate.stop_usec == 0;
	int r;

	mig_enter_step(mig, MIG_CHECK);
	r = check_move(&mig->req, &mig->inv, &mig->report->estimate, err);
	if (r == 0)
		r = state_look(mig->inv->pids, mig->inv->n_pids, &mig->state, err);
	if (r < 0)
		return r;
	if (first && mig->req.on_estimate)
		mig->req.on_estimate(&mig->report->estimate, mig->req.ctx);
	mig_enter_step(mig, MIG_PREPARE);
	r = mig_prepare(mig, err);
	if (r == 0 && stops_take(mig->inv->pids, mig->inv->n_pids, &mig->stops) < 0)
		r = err_sys(err, ENOMEM, "stopped processes");
	if (r < 0)
		return r;
	return mig_dump(mig, err);
}

/*
 * The tree runs on while its inventory is taken: it may open, lock, connect
 * something between that look and the freeze. What stands in the way then is
 * mostly gone, or in the inventory, at the next attempt.
 */
int mig_try_until_commit(struct mig *mig, struct vc_err *err)
{
	int r = 0;

	for (int i = 0; i < MIG_DUMP_ATTEMPTS; i++) {
		if (i > 0) {
			mig_reset(mig);
			clock_sleep_usec(MIG_DUMP_PAUSE_USEC << i);
		}
		*err = (struct vc_err){ 0 };
		r = mig_until_commit(mig, err);
		/* An attack is reported, and not tried again. */
		if (r == 0 || r == -EKEYREJECTED || !mig_root_lives(mig))
			break;
		if (r != -EAGAIN && (mig->step < MIG_DUMP || (r != -EBUSY && i > 0)))
			break;
	}
	return r;
}
