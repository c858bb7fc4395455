// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * engine-live.c - moves a job that runs on: its processes change their groups
 *
 * Partitions of one kernel differ in their groups only. So the processes stay what they are, with
 * their PIDs, files, memory and everything that CRIU cannot carry.
 *
 *	check    may the target have the job, and has it room?
 *	prepare  notes CPU affinities; the record says that the job is on its way
 *	attach   the processes change their groups; at the end of it the job is at the target
 *	follow   affinities are set by position; memory follows to the target's nodes, and
 *	         its charge to the target's group (libmig/live/recharge.h)
 *
 * A failure up to the end of attach puts the processes back. If the shim is killed in between, a
 * daemon finds "moving_to" in the job's record and finishes the move (daemon/job/orphan.c).
 */
#include "shim/engine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "libmig/live/recharge.h"
#include "libmig/live/threads.h"

#define ENGINE_LIVE_STOP_USEC 500u /* of one thread; measured */
#define ENGINE_LIVE_UNDO_ATTEMPTS 3
#define ENGINE_LIVE_UNDO_PAUSE_USEC 20000
#define ENGINE_LIVE_NODES_USEC 2000000u /* for pages under I/O to get to the target's nodes */

struct engine_live {
	pid_t *pids; /* the job's processes when they were listed last */
	size_t n_pids;
	struct threads *threads;
	uint64_t begun_usec, step_begun_usec;
};

static void engine_live_step(struct move *move, const char *name)
{
	struct engine_live *live = move->state;
	struct move_report *report = &move->report;
	uint64_t now = clock_mono_usec();

	if (report->n_steps > 0)
		report->steps[report->n_steps - 1].usec = now - live->step_begun_usec;
	live->step_begun_usec = now;
	if (!name)
		return;
	report->steps[report->n_steps++].name = name;
	move_begin_step(move, name, 0, 0);
}

static int engine_live_list(struct move *move, const struct move_place *place, struct vc_err *err)
{
	struct engine_live *live = move->state;

	free(steal_ptr(live->pids));
	live->n_pids = 0;
	return cg_procs_list(move->shim->cg, place->group, &live->pids, &live->n_pids, err);
}

static int engine_live_prepare(struct move *move, struct vc_err *err)
{
	struct engine_live *live = calloc(1, sizeof(*live));

	if (!live)
		return err_sys(err, ENOMEM, "move");
	move->state = live;
	live->begun_usec = live->step_begun_usec = clock_mono_usec();
	return 0;
}

/* A group that the job has made below its own would have to be made again. */
static int engine_live_check_groups(const struct move *move, struct vc_err *err)
{
	char **names = NULL;
	size_t n = 0;
	int r = cg_group_children(move->shim->cg, move->source.group, &names, &n, err);

	if (r == 0 && n > 0)
		r = err_set(err, EOPNOTSUPP,
			    "it has groups of its own (%s), which a live move does not carry",
			    names[0]);
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return r;
}

static int engine_live_check_room(struct move *move, struct vc_err *err)
{
	const struct engine_live *live = move->state;
	struct cg_memory memory;
	struct recharge recharge;
	uint64_t room = move_room(&move->target);

	if (cg_memory_read(move->shim->cg, move->source.group, &memory) < 0)
		return 0;
	recharge_look(live->pids, live->n_pids, &recharge);
	move->report.estimate.bytes = memory.used_bytes;
	if (memory.used_bytes > recharge.moved_bytes)
		move->report.lien_bytes = memory.used_bytes - recharge.moved_bytes;
	if (memory.used_bytes <= room)
		return 0;
	return err_set(err, ENOMEM,
		       "its %" PRIu64 " MiB do not fit into the %" PRIu64
		       " MiB that %s has left; give %s more memory",
		       memory.used_bytes >> 20, room >> 20, move->target.partition,
		       move->target.partition);
}

static int engine_live_estimate(struct move *move, struct vc_err *err)
{
	struct engine_live *live = move->state;
	struct mig_estimate *estimate = &move->report.estimate;
	int r = engine_live_list(move, &move->source, err);

	if (r < 0)
		return r;
	*estimate = (struct mig_estimate){ .stop_usec = ENGINE_LIVE_STOP_USEC,
					   .model_usec = ENGINE_LIVE_STOP_USEC,
					   .processes = live->n_pids };
	r = engine_live_check_groups(move, err);
	if (r == 0)
		r = engine_live_check_room(move, err);
	if (r == 0)
		r = inventory_barred_check(live->pids, live->n_pids, move->barred.list,
					   move->barred.n, err);
	return r;
}

/* The record is what a daemon goes by if this process is killed. */
static int engine_live_note(struct move *move, const char *to, struct vc_err *err)
{
	snprintf(move->shim->moving_to, sizeof(move->shim->moving_to), "%s", to);
	return record_save(move->shim, err);
}

static int engine_live_attach(struct move *move, struct vc_err *err)
{
	struct engine_live *live = move->state;
	int r = cg_transfer(move->shim->cg, move->source.group, move->target.group, err);

	if (r == 0)
		r = engine_live_list(move, &move->target, err);
	/* It may have opened a region since the check. */
	if (r == 0)
		r = inventory_barred_check(live->pids, live->n_pids, move->barred.list,
					   move->barred.n, err);
	return r;
}

static void engine_live_put_affinity(struct move *move, const struct move_place *place)
{
	struct engine_live *live = move->state;
	struct vc_err err;
	int r = engine_live_list(move, place, &err);

	if (r == 0)
		r = threads_put(live->threads, live->pids, live->n_pids, place->cpus);
	if (r < 0)
		err_sys(&move->report.lost, -r, "the CPU affinity of a thread");
}

/* The source had room for the processes. It refuses them only while the kernel is short of memory.
 */
static int engine_live_undo(struct move *move, struct vc_err *err)
{
	int r = -EIO;

	for (int i = 0; r < 0 && i < ENGINE_LIVE_UNDO_ATTEMPTS; i++) {
		if (i > 0)
			clock_sleep_usec(ENGINE_LIVE_UNDO_PAUSE_USEC);
		r = cg_transfer(move->shim->cg, move->target.group, move->source.group, err);
	}
	if (r < 0)
		return r;
	engine_live_put_affinity(move, &move->source);
	return engine_live_note(move, "", err);
}

static bool engine_live_never(const void *ctx)
{
	return false;
}

/* A process that has ended may have left its number to another user's. */
static bool engine_live_has(pid_t pid, const void *ctx)
{
	const struct move *move = ctx;
	char group[64];

	return cg_procs_group(move->shim->cg, pid, group, sizeof(group)) == 0 &&
	       !strcmp(group, move->target.group);
}

/* What cannot be charged anew is a lien (lien.c). */
static void engine_live_recharge(struct move *move)
{
	const struct engine_live *live = move->state;
	struct shim *shim = move->shim;
	const struct recharge_job job = {
		.pids = live->pids, .n = live->n_pids, .has = engine_live_has, .ctx = move
	};
	struct recharge recharge;
	int r = recharge_run(&job, &recharge);

	if (r < 0)
		log_warn("job %u: its memory's charge: %s", shim->job, strerror(-r));
	move->report.downtime_usec = recharge.stop_usec;
}

static void engine_live_follow(struct move *move)
{
	struct shim *shim = move->shim;
	const struct move_place *target = &move->target;

	engine_live_put_affinity(move, target);
	if (strcmp(move->source.mems, target->mems) != 0)
		cg_follow_nodes(shim->cg, target->group, target->mems,
				clock_mono_usec() + ENGINE_LIVE_NODES_USEC, engine_live_never,
				NULL);
	engine_live_recharge(move);
}

static int engine_live_until_attached(struct move *move, struct vc_err *err)
{
	struct engine_live *live = move->state;
	struct vc_err again;
	int r;

	engine_live_step(move, "check");
	r = engine_live_estimate(move, err);
	if (r < 0)
		return r;
	move_tell_estimate(move);
	engine_live_step(move, "prepare");
	r = threads_take(live->pids, live->n_pids, move->source.cpus, &live->threads);
	if (r < 0)
		return err_sys(err, -r, "its threads");
	r = engine_live_note(move, move->target.partition, err);
	if (r < 0)
		return r;
	engine_live_step(move, "attach");
	r = engine_live_attach(move, err);
	if (r < 0 && engine_live_undo(move, &again) < 0)
		err_add(err, "back to %s: %s", move->source.partition, again.text);
	return r;
}

static int engine_live_move(struct move *move, struct vc_err *err)
{
	struct engine_live *live = move->state;
	struct move_report *report = &move->report;
	int r = engine_live_until_attached(move, err);

	if (r == 0) {
		report->result = MIG_MOVED;
		/* The record has the new place when it is saved next: by move.c. */
		move->shim->moving_to[0] = '\0';
		engine_live_step(move, "follow");
		engine_live_follow(move);
	}
	engine_live_step(move, NULL);
	report->total_usec = clock_mono_usec() - live->begun_usec;
	return r;
}

static void engine_live_done(struct move *move)
{
	struct engine_live *live = move->state;

	threads_free(live->threads);
	free(live->pids);
	free(live);
}

const struct engine engine_live = {
	.name = "live",
	.runs_on = true,
	.prepare = engine_live_prepare,
	.estimate = engine_live_estimate,
	.move = engine_live_move,
	.undo = engine_live_undo,
	.done = engine_live_done,
};
