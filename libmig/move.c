// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * move.c - the steps of a move in order, and their undo in reverse
 *
 * See mig.h for the transaction. Two rules carry it. Before the commit point,
 * CRIU's post-dump notification, the tree is only frozen, and CRIU thaws it
 * whenever anything, here or there, says no. After it the images are the tree:
 * they go away only when it runs again, at the target or back at the source.
 */
#include "libmig/mig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "libmig/check.h"
#include "libmig/criu.h"
#include "libmig/external.h"
#include "libmig/fill.h"
#include "libmig/hold.h"
#include "libmig/image.h"
#include "libmig/identity.h"
#include "libmig/keep.h"
#include "libmig/namespace.h"
#include "libmig/pids.h"
#include "libmig/rights.h"
#include "libmig/robust.h"
#include "libmig/sandbox.h"
#include "libmig/session.h"
#include "libmig/state.h"
#include "libmig/stop.h"
#include "libmig/terminal.h"
#include "libmig/timers.h"
#include "libmig/verify.h"
#include "libmig/waits.h"

#define MIG_REAP_USEC 10000000u
/* Attempts to restore at the source before the tree is parked: the reasons known to
 * pass by themselves (a PID taken, memory short for a moment) pass within this. */
#define MIG_RETURN_ATTEMPTS 5
#define MIG_RETURN_REAP_USEC 1000000u
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
#define MIG_LOG_MAX (1 << 24)
#define MIG_LOG_KEPT (64 << 10)
#define MIG_DUMP_LOG "dump.log"
#define MIG_RESTORE_LOG "restore.log"

DEFINE_CLEANUP(struct criu *, criu_freep, criu_free);

/* Also what is left of a move that parked. */
struct mig_parked {
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

const char *mig_step_name(enum mig_step step)
{
	static const char *const names[] = {
#define X(id, name) [MIG_##id] = name,
		MIG_STEPS(X)
#undef X
	};

	return names[step];
}

const char *mig_result_name(enum mig_result result)
{
	static const char *const names[] = {
		[MIG_REFUSED] = "refused",
		[MIG_MOVED] = "moved",
		[MIG_RETURNED] = "returned",
		[MIG_PARKED] = "parked",
	};

	return names[result];
}

static void mig_enter_step(struct mig_parked *mig, enum mig_step step)
{
	uint64_t now = clock_mono_usec();

	mig->report->step_usec[mig->step] += now - mig->step_begun_usec;
	mig->step = step;
	mig->step_begun_usec = now;
	if (mig->req.on_step)
		mig->req.on_step(step, mig->dump ? criu_pid(mig->dump) : 0,
				 mig->restore ? criu_pid(mig->restore) : 0, mig->req.ctx);
}

static void mig_put_back(struct mig_parked *mig)
{
	struct vc_err ignored;

	/* A lost I/O priority is no reason to call the move failed. */
	if (mig->place->cpus)
		inventory_put_back(mig->inv, mig->place->cpus, &ignored);
}

/* From the freeze on the processes are the same. */
static int mig_list_frozen(struct mig_parked *mig)
{
	return mig->pids ? 0
			 : inventory_pids(mig->req.root, &mig->pids, &mig->n_pids, &mig->refusal);
}

/* The restored tree is complete and has not run. */
static void mig_on_held(struct hold *hold, enum hold_when when, void *ctx)
{
	struct mig_parked *mig = ctx;

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
	/* What it kept is its own now: a duplicate of ours would hold a file locked, a pipe open,
	 * a program from being executed. */
	keep_free(steal_ptr(mig->keep));
}

/* The old tree is frozen, and nothing has been dumped yet; or it is about to run on or to end. */
static void mig_on_frozen(struct hold *hold, enum hold_when when, void *ctx)
{
	struct mig_parked *mig = ctx;

	if (when == HOLD_WHEN_THAWING && mig->step != MIG_COMMIT)
		waits_put_back(mig->waits, hold);
	if (when != HOLD_WHEN_FROZEN || mig_list_frozen(mig) < 0)
		return;
	mig->waits = waits_take(hold, mig->pids, mig->n_pids);
	mig->timers = timers_take(hold, mig->pids, mig->n_pids);
	if (verify_filters_take(hold, mig->pids, mig->n_pids, &mig->filters, &mig->refusal) == 0)
		state_take(mig->state, hold, mig->pids, mig->n_pids, &mig->refusal);
}

/* To restore in place; NULL: to dump. */
static int mig_start_criu(struct mig_parked *mig, const struct mig_place *place, struct criu **ret,
			  struct vc_err *err)
{
	struct criu_start how = {
		.binary = mig->req.criu,
		.caps = mig->caps,
		.namespaces = &mig->namespaces,
	};
	struct hold **hold = place ? &mig->hold : &mig->dump_hold;
	int r;

	hold_free(steal_ptr(*hold));
	r = hold_new(place ? mig_on_held : mig_on_frozen, mig, hold, err);
	if (r < 0)
		return r;
	how.hold = *hold;
	if (!place) {
		how.beside = mig->req.root;
		return criu_start(&how, ret, err);
	}
	if (mig->session)
		hold_adopt_early(mig->hold);
	mig->place = place;
	how.hides_sockets = true;
	how.enter = place->enter;
	how.ctx = place->ctx;
	return criu_start(&how, ret, err);
}

static int mig_prepare(struct mig_parked *mig, struct vc_err *err)
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
		r = mig_start_criu(mig, NULL, &mig->dump, err);
	if (r == 0)
		r = mig_start_criu(mig, &mig->req.target, &mig->restore, err);
	if (r == 0 && mig->inv->mem_bytes >= MIG_FILL_BYTES)
		mig->fill = fill_new(mig->req.target.enter, mig->req.target.ctx);
	return r;
}

static uint64_t mig_image_bytes(int dirfd)
{
	_cleanup_closedir_ DIR *dir = fdopendir(openat(dirfd, ".", O_RDONLY | O_CLOEXEC));
	const struct dirent *entry;
	uint64_t sum = 0;
	struct stat st;

	while (dir && (entry = readdir(dir)))
		if (fstatat(dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			sum += (uint64_t)st.st_size; /* st_blocks counts a huge page a file */
	return sum;
}

/* The images are all there: the restore may read them while the rest is looked at
 * and the old tree dies. It makes nothing before it is told to. */
static void mig_begin_restore(struct mig_parked *mig)
{
	struct criu_images images = { .dirfd = mig->images_fd, .log = MIG_RESTORE_LOG };
	struct criu_aside aside = { .serve = fill_serve, .ctx = mig->fill };

	image_adapt(mig->images_fd);
	state_adapt_images(mig->state, mig->images_fd);
	for (size_t i = 0; i < mig->n_pids; i++)
		image_adapt_maps(mig->images_fd, mig->pids[i]);
	if (mig->fill && !fill_begin(mig->fill, mig->images_fd, mig->pids, mig->n_pids))
		fill_free(steal_ptr(mig->fill));
	if (mig->fill)
		aside.fd = fill_fd(mig->fill);
	/* What goes wrong here is found, and dealt with, by mig_restore_once(). */
	criu_restore_begin(mig->restore, mig->inv, mig->keep, &images, mig->fill ? &aside : NULL,
			   NULL);
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

static void mig_put_foreground(const struct mig_parked *mig)
{
	_cleanup_close_ int tty = -1;

	if (mig->foreground <= 0)
		return;
	tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty >= 0)
		tcsetpgrp(tty, mig->foreground);
}

/* A process may have entered a sandbox since the inventory was taken. */
static int mig_check_sandboxes(struct mig_parked *mig)
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

static int mig_adapt_sessions(struct mig_parked *mig)
{
	int r = session_take(mig->pids, mig->n_pids, &mig->session, &mig->refusal);

	if (r == 0 && mig->stops) {
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
static int mig_check_held(struct mig_parked *mig)
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
static int mig_keep(struct mig_parked *mig)
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
		r = terminals_take(mig->pids, mig->n_pids, mig->keep, &mig->terminals,
				   &mig->refusal);
	return r;
}

/* The tree is frozen, the images are written; the last word before it dies. */
static int mig_may_commit(struct mig_parked *mig)
{
	struct stat st;
	int r = mig_check_held(mig);

	if (r == 0)
		r = mig_list_frozen(mig);
	if (r == 0)
		r = mig_check_sandboxes(mig);
	if (r == 0)
		r = inventory_check_frozen(mig->pids, mig->n_pids, &mig->refusal);
	if (r == 0)
		r = inventory_check_barred(mig->pids, mig->n_pids, mig->req.barred,
					   mig->req.n_barred, &mig->refusal);
	/* As criu wrote them: what is changed in them from here on is the mover's own word. */
	if (r == 0)
		r = verify_images(mig->images_fd, mig->pids, mig->n_pids, mig->filters, mig->caps,
				  &mig->refusal);
	if (r == 0)
		r = mig_keep(mig);
	if (r == 0)
		r = mig_adapt_sessions(mig);
	if (r < 0)
		return r;
	mig_begin_restore(mig);
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
static int mig_commit(struct mig_parked *mig)
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

static void mig_on_wait(const struct mig_parked *mig)
{
	if (mig->req.on_wait)
		mig->req.on_wait(mig->step, criu_pid(mig->awaited), criu_silent_sec(mig->awaited),
				 mig->req.ctx);
}

/* The tree is frozen; criu asks what it is to leave alone. */
static int mig_name_external(struct mig_parked *mig)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t n;
	int r = inventory_pids(mig->req.root, &pids, &n, &mig->refusal);

	if (r == 0)
		r = external_list(pids, n, &mig->external, &mig->refusal);
	if (r == 0)
		criu_set_external(mig->dump, &mig->external);
	return r;
}

static int mig_on_dump(const char *script, void *ctx)
{
	struct mig_parked *mig = ctx;

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

static int mig_on_restore(const char *script, void *ctx)
{
	struct mig_parked *mig = ctx;
	int r;

	if (!strcmp(script, CRIU_WAITING))
		mig_on_wait(mig);
	/* Everything is open and mapped again, and nothing of the tree runs yet. */
	if (!strcmp(script, "post-restore")) {
		if (mig->fill && fill_finish(mig->fill, &mig->refusal) < 0)
			return -mig->refusal.code;
		mig_put_foreground(mig);
		r = keep_put_owners(mig->keep, &mig->refusal);
		if (r == 0)
			r = identity_check(mig->identity, &mig->refusal);
		return r;
	}
	if (!strcmp(script, "post-resume"))
		mig->resumed_usec = clock_mono_usec();
	return 0;
}

/* Whether the tree is still there, whatever criu said or failed to say. */
static bool mig_root_lives(const struct mig_parked *mig)
{
	char path[64], stat[512];
	const char *state;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)mig->req.root);
	if (file_read(AT_FDCWD, path, stat, sizeof(stat)) < 0)
		return false;
	state = strrchr(stat, ')');
	return state && state[1] == ' ' && state[2] != 'Z' && state[2] != 'X';
}

/* Keeps what CRIU said. Whoever asked gets the name of the log if it explains nothing. */
static void mig_keep_log(struct mig_parked *mig, const struct criu *criu, const char *name,
			 struct vc_err *err)
{
	_cleanup_free_ char *log = NULL;
	struct vc_err first = *err;
	const char *said;
	bool known;
	ssize_t len;

	said = criu_said(criu, &known);
	if (!said[0])
		return;
	snprintf(mig->report->criu, sizeof(mig->report->criu), "%s", said);
	len = mig->req.log ? file_read_all(mig->images_fd, name, MIG_LOG_MAX, &log) : -ENOENT;
	if (len < 0)
		return;
	/* Its end is what matters. */
	if (len > MIG_LOG_KEPT)
		memmove(log, log + len - MIG_LOG_KEPT, MIG_LOG_KEPT);
	if (file_replace(AT_FDCWD, mig->req.log, log,
			 len > MIG_LOG_KEPT ? MIG_LOG_KEPT : (size_t)len, 0600) == 0 &&
	    !known)
		err_set(err, first.code, "%.400s; its log is in %s, please report it", first.text,
			mig->req.log);
}

/* CRIU does it itself, unless it was killed. */
static void mig_thaw(const char *freezer)
{
	char path[PATH_MAX];

	if (freezer && snprintf(path, sizeof(path), "%s/cgroup.freeze", freezer) < PATH_MAX)
		file_write(AT_FDCWD, path, "0");
}

static int mig_dump(struct mig_parked *mig, struct vc_err *err)
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
		return -err->code;
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

static int mig_restore_once(struct mig_parked *mig, struct criu *criu, struct vc_err *err)
{
	struct criu_images images = { .dirfd = mig->images_fd, .log = MIG_RESTORE_LOG };
	pid_t root = 0;
	int r;

	mig->refusal.code = 0;
	mig->awaited = criu;
	r = criu_restore(criu, mig->inv, mig->keep, &images, mig_on_restore, mig, &root, err);
	if (r < 0 && mig->refusal.code) {
		*err = mig->refusal;
		return -err->code;
	}
	if (r == 0 && root != mig->req.root)
		r = err_set(err, EPROTO, "criu restored pid %d in place of %d", (int)root,
			    (int)mig->req.root);
	return r;
}

/* Restores at the source; its own criu is started anew for each attempt. */
static int mig_return(struct mig_parked *mig, int attempts, struct vc_err *err)
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
		r = mig_start_criu(mig, &mig->req.source, &criu, err);
		if (r == 0)
			r = mig_restore_once(mig, criu, err);
		if (r == 0)
			return 0;
		mig->req.source.clear(mig->req.source.ctx);
	}
	return r;
}

static int mig_restore(struct mig_parked *mig, struct vc_err *err)
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

/* Gives back what one attempt took; the next one may begin. */
static void mig_reset(struct mig_parked *mig)
{
	external_done(&mig->external);
	keep_free(steal_ptr(mig->keep));
	identity_free(steal_ptr(mig->identity));
	criu_free(steal_ptr(mig->dump));
	criu_free(steal_ptr(mig->restore));
	hold_free(steal_ptr(mig->hold));
	hold_free(steal_ptr(mig->dump_hold));
	verify_filters_free(steal_ptr(mig->filters));
	state_free(steal_ptr(mig->state));
	waits_free(steal_ptr(mig->waits));
	timers_free(steal_ptr(mig->timers));
	fill_free(steal_ptr(mig->fill));
	namespaces_close(&mig->namespaces);
	mig->namespaces = (struct namespaces){ .uts = -1, .ipc = -1 };
	session_free(steal_ptr(mig->session));
	stops_free(steal_ptr(mig->stops));
	terminals_free(steal_ptr(mig->terminals));
	inventory_free(steal_ptr(mig->inv));
	if (mig->images_fd >= 0)
		close(steal_fd(&mig->images_fd));
	file_remove_tree(AT_FDCWD, mig->images);
	free(steal_ptr(mig->pids));
	free(steal_ptr(mig->numbers));
	mig->refusal = (struct vc_err){ 0 };
}

static void mig_free(struct mig_parked *mig)
{
	mig_reset(mig);
	free(mig->images);
	free(mig->source_name);
	free(mig->source_cpus);
	free(mig->binary);
	free(mig);
}

/* Copies what mig_unpark() will need: the request is the caller's, and ends with the move. */
static int mig_keep_request(struct mig_parked *mig, const struct mig_request *req)
{
	mig->req = *req;
	mig->req.images = mig->images = strdup(req->images);
	mig->req.source.name = mig->source_name = strdup(req->source.name);
	if (req->source.cpus)
		mig->req.source.cpus = mig->source_cpus = strdup(req->source.cpus);
	if (req->criu)
		mig->req.criu = mig->binary = strdup(req->criu);
	return mig->images && mig->source_name && !mig->source_cpus == !req->source.cpus &&
			       !mig->binary == !req->criu
		       ? 0
		       : -ENOMEM;
}

/* What only the move itself uses is the caller's, and may be gone when a parked tree is restored.
 */
static void mig_forget_request(struct mig_parked *mig)
{
	mig->report = NULL;
	mig->req.target = (struct mig_place){ 0 };
	mig->req.on_step = NULL;
	mig->req.log = NULL;
}

/* From the check to the commit point: on failure the tree runs at the source. */
static int mig_until_commit(struct mig_parked *mig, struct vc_err *err)
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
static int mig_try_until_commit(struct mig_parked *mig, struct vc_err *err)
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

int mig_move(const struct mig_request *req, struct mig_report *report,
	     struct mig_parked **ret_parked, struct vc_err *err)
{
	struct mig_parked *mig = calloc(1, sizeof(*mig));
	int r;

	*report = (struct mig_report){ .result = MIG_REFUSED };
	if (!mig)
		return err_sys(err, ENOMEM, "move");
	mig->report = report;
	mig->images_fd = -1;
	mig->namespaces = (struct namespaces){ .uts = -1, .ipc = -1 };
	mig->begun_usec = mig->step_begun_usec = clock_mono_usec();
	r = mig_keep_request(mig, req);
	r = r == 0 ? mig_try_until_commit(mig, err) : err_sys(err, -r, "move");
	if (r == 0) {
		r = mig_restore(mig, err);
		report->image_bytes = mig_image_bytes(mig->images_fd);
	}
	if (report->result == MIG_MOVED || report->result == MIG_RETURNED) {
		mig_enter_step(mig, MIG_RESUME);
		report->downtime_usec =
			(mig->resumed_usec ? mig->resumed_usec : clock_mono_usec()) -
			mig->frozen_usec;
		if (!hold_was_held(mig->hold))
			mig_put_back(mig);
		report->lost = mig->lost;
	}
	report->step_usec[mig->step] += clock_mono_usec() - mig->step_begun_usec;
	report->total_usec = clock_mono_usec() - mig->begun_usec;
	if (report->result == MIG_PARKED) {
		mig_forget_request(mig);
		*ret_parked = mig;
	} else {
		mig_free(mig);
	}
	return r;
}

int mig_unpark(struct mig_parked *parked, struct vc_err *err)
{
	int r = mig_return(parked, 1, err);

	if (r < 0)
		return err_add(err, "restore in %s", parked->req.source.name);
	if (!hold_was_held(parked->hold))
		mig_put_back(parked);
	mig_free(parked);
	return 0;
}

void mig_drop(struct mig_parked *parked)
{
	mig_free(parked);
}
