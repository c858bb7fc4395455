// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * move.c - a move: its steps in order, and what it holds
 *
 * See mig.h for the transaction. take.c has the steps up to the commit point, restore.c those
 * after it.
 */
#include "libmig/move-priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "libmig/criu/hold.h"
#include "libmig/fill/fill.h"
#include "libmig/image/image.h"
#include "libmig/keep/identity.h"
#include "libmig/keep/keep.h"
#include "libmig/session/session.h"
#include "libmig/session/stop.h"
#include "libmig/session/terminal.h"
#include "libmig/state/state.h"
#include "libmig/state/timers.h"
#include "libmig/state/waits.h"
#include "libmig/verify/verify.h"

#define MIG_LOG_MAX (1 << 24)
#define MIG_LOG_KEPT (64 << 10)

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

void mig_enter_step(struct mig *mig, enum mig_step step)
{
	uint64_t now = clock_mono_usec();

	mig->report->step_usec[mig->step] += now - mig->step_begun_usec;
	mig->step = step;
	mig->step_begun_usec = now;
	if (mig->req.on_step)
		mig->req.on_step(step, mig->dump ? criu_pid(mig->dump) : 0,
				 mig->restore ? criu_pid(mig->restore) : 0, mig->req.ctx);
}

void mig_on_wait(const struct mig *mig)
{
	if (mig->req.on_wait)
		mig->req.on_wait(mig->step, criu_pid(mig->awaited), criu_silent_sec(mig->awaited),
				 mig->req.ctx);
}

/* Keeps what CRIU said. Whoever asked gets the name of the log if it explains nothing. */
void mig_keep_log(struct mig *mig, const struct criu *criu, const char *name, struct vc_err *err)
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

static uint64_t mig_image_bytes(int dirfd)
{
	_cleanup_closedir_ DIR *dir = file_open_dir(dirfd, ".");
	const struct dirent *entry;
	uint64_t sum = 0;
	struct stat st;

	while (dir && (entry = readdir(dir)))
		if (fstatat(dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			sum += (uint64_t)st.st_size; /* st_blocks counts a huge page a file */
	return sum;
}

/* Gives back what one attempt took; the next one may begin. */
void mig_reset(struct mig *mig)
{
	external_done(&mig->external);
	keep_free(steal_ptr(mig->keep));
	identity_free(steal_ptr(mig->identity));
	/* A criu that waits for us ends when these are closed. */
	hold_free(steal_ptr(mig->hold));
	hold_free(steal_ptr(mig->dump_hold));
	criu_free(steal_ptr(mig->dump));
	criu_free(steal_ptr(mig->restore));
	verify_filters_free(steal_ptr(mig->filters));
	state_free(steal_ptr(mig->state));
	waits_free(steal_ptr(mig->waits));
	timers_free(steal_ptr(mig->timers));
	fill_free(steal_ptr(mig->fill));
	namespaces_close(&mig->namespaces);
	mig->namespaces = (struct namespaces){ .uts = -1, .ipc = -1, .remade = -1 };
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

void mig_free(struct mig *mig)
{
	mig_reset(mig);
	free(mig->images);
	free(mig->source_name);
	free(mig->source_cpus);
	free(mig->binary);
	free(mig);
}

/* Copies what mig_unpark() will need: the request is the caller's, and ends with the move. */
static int mig_keep_request(struct mig *mig, const struct mig_request *req)
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
static void mig_forget_request(struct mig *mig)
{
	mig->report = NULL;
	mig->req.target = (struct mig_place){ 0 };
	mig->req.on_step = NULL;
	mig->req.log = NULL;
}

int mig_move(const struct mig_request *req, struct mig_report *report, struct mig **ret_parked,
	     struct vc_err *err)
{
	struct mig *mig = calloc(1, sizeof(*mig));
	int r;

	*report = (struct mig_report){ .result = MIG_REFUSED };
	if (!mig)
		return err_sys(err, ENOMEM, "move");
	mig->report = report;
	mig->images_fd = -1;
	mig->namespaces = (struct namespaces){ .uts = -1, .ipc = -1, .remade = -1 };
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

void mig_drop(struct mig *parked)
{
	mig_free(parked);
}
