// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * engine-criu.c - moves a job by CRIU: its processes end and are made again from images
 *
 * The transaction is libmig's (mig.h). This file gives it the job's groups as places.
 */
#include "shim/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/log.h"
#include "common/statedir.h"

#define ENGINE_CRIU_CLEAR_USEC 10000000u
#define ENGINE_CRIU_SILENCE_SEC 30
#define ENGINE_CRIU_LOGS 64 /* kept at most; jobs that far apart share one */

struct engine_criu {
	char source_freezer[PATH_MAX], target_freezer[PATH_MAX]; /* "": none */
	char images[PATH_MAX], log[PATH_MAX];
	struct mig_request req;
	struct mig *parked; /* NULL: the job is not parked */
};

static int engine_criu_enter(void *ctx)
{
	const struct move_place *place = ctx;

	return cg_entry_enter(place->entry);
}

static void engine_criu_clear(void *ctx)
{
	const struct move_place *place = ctx;
	struct vc_err err;

	if (cg_procs_kill(place->shim->cg, place->group, ENGINE_CRIU_CLEAR_USEC, &err) < 0)
		log_warn("job %u: clear %s: %s", place->shim->job, place->group, err.text);
}

static struct mig_place engine_criu_place(struct move_place *place, char freezer[PATH_MAX])
{
	cg_group_freezer(place->shim->cg, place->group, freezer, PATH_MAX);
	return (struct mig_place){ .name = place->partition,
				   .enter = engine_criu_enter,
				   .clear = engine_criu_clear,
				   .ctx = place,
				   .cpus = place->cpus,
				   .freezer = freezer[0] ? freezer : NULL,
				   .nodes = place->mems[0] ? place->mems : NULL,
				   .room_bytes = move_room(place) };
}

static void engine_criu_on_wait(enum mig_step step, pid_t criu, unsigned int silent_sec, void *ctx)
{
	const struct move *move = ctx;

	if (silent_sec % ENGINE_CRIU_SILENCE_SEC == 0)
		log_warn("job %u, from %s to %s: criu (pid %d) has said nothing for %u s, step %s",
			 move->shim->job, move->source.partition, move->target.partition, (int)criu,
			 silent_sec, mig_step_name(step));
}

static void engine_criu_on_estimate(const struct mig_estimate *estimate, void *ctx)
{
	struct move *move = ctx;

	move->report.estimate = *estimate;
	move_tell_estimate(move);
}

static void engine_criu_on_step(enum mig_step step, pid_t dump, pid_t restore, void *ctx)
{
	move_begin_step(ctx, mig_step_name(step), dump, restore);
}

static int engine_criu_make_room(uint64_t bytes, void *ctx, struct vc_err *err)
{
	const struct move *move = ctx;

	return room_claim(move->shim, bytes, err);
}

/* Files of the job's old group become files of its new group. */
static bool engine_criu_follow(const char *path, char *ret, size_t size, void *ctx)
{
	const struct move *move = ctx;

	return cg_group_follow_path(move->shim->cg, move->source.group, move->target.group, path,
				    ret, size);
}

/* Where CRIU's log goes if it fails: the last few jobs' only. */
static void engine_criu_log_path(const struct shim *shim, char *ret, size_t size)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/criu", shim->instance->dir);
	mkdir(dir, 0700);
	snprintf(ret, size, "%s/" STATE_CRIU_LOG, shim->instance->dir,
		 shim->job % ENGINE_CRIU_LOGS);
}

static int engine_criu_prepare(struct move *move, struct vc_err *err)
{
	struct engine_criu *criu = calloc(1, sizeof(*criu));
	struct shim *shim = move->shim;

	if (!criu)
		return err_sys(err, ENOMEM, "move");
	move->state = criu;
	snprintf(criu->images, sizeof(criu->images), "%s/" STATE_IMAGES_JOB, shim->instance->dir,
		 shim->job);
	engine_criu_log_path(shim, criu->log, sizeof(criu->log));
	criu->req = (struct mig_request){
		.root = shim->root,
		.uid = shim->start->creds->uid,
		.barred = move->barred.list,
		.n_barred = move->barred.n,
		.source = engine_criu_place(&move->source, criu->source_freezer),
		.target = engine_criu_place(&move->target, criu->target_freezer),
		.criu = shim->instance->config->criu,
		.images = criu->images,
		.log = criu->log,
		.max_stop_usec = move->request->max_stop_usec,
		.pace = estimate_pace(shim),
		.on_estimate = engine_criu_on_estimate,
		.make_room = engine_criu_make_room,
		.on_step = engine_criu_on_step,
		.on_wait = engine_criu_on_wait,
		.follow = engine_criu_follow,
		.ctx = move,
	};
	return 0;
}

static int engine_criu_estimate(struct move *move, struct vc_err *err)
{
	const struct engine_criu *criu = move->state;
	int r = mig_estimate(&criu->req, &move->report.estimate, err);

	room_release(move->shim);
	return r;
}

static int engine_criu_move(struct move *move, struct vc_err *err)
{
	struct engine_criu *criu = move->state;
	struct move_report *report = &move->report;
	struct mig_report mig;
	int r = mig_move(&criu->req, &mig, &criu->parked, err);

	if (r < 0 && mig.criu[0])
		log_warn("job %u: criu: %s", move->shim->job, mig.criu);
	if (mig.result == MIG_PARKED)
		room_correct(move->shim, mig.image_bytes);
	else
		room_release(move->shim);
	report->result = mig.result;
	report->downtime_usec = mig.downtime_usec;
	report->total_usec = mig.total_usec;
	report->image_bytes = mig.image_bytes;
	report->estimate = mig.estimate;
	report->lost = mig.lost;
	report->n_steps = MIG_N_STEPS;
	for (int i = 0; i < MIG_N_STEPS; i++)
		report->steps[i] =
			(struct move_step){ .name = mig_step_name(i), .usec = mig.step_usec[i] };
	return r;
}

static int engine_criu_undo(struct move *move, struct vc_err *err)
{
	struct engine_criu *criu = move->state;
	int r = mig_unpark(criu->parked, err);

	if (r == 0)
		criu->parked = NULL;
	return r;
}

static void engine_criu_done(struct move *move)
{
	struct engine_criu *criu = move->state;

	if (criu->parked)
		mig_drop(criu->parked);
	room_release(move->shim);
	free(criu);
}

const struct engine engine_criu = {
	.name = "criu",
	.prepare = engine_criu_prepare,
	.estimate = engine_criu_estimate,
	.move = engine_criu_move,
	.undo = engine_criu_undo,
	.done = engine_criu_done,
};
