// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * move.c - moves the shim's job from its partition to another
 *
 * An engine (engine.h) does the work. Here it gets its places, which are the job's groups in both
 * partitions. The result goes to the command that asked, to the daemon of the partition where the
 * job now is, and into the record.
 *
 * $VCRUN_STEP_HOOK, when the daemon was started with it, names a program that is
 * run at the beginning of each step with STEP JOB FROM TO DUMP-PID RESTORE-PID; the
 * step waits for it. The fault tests break things there.
 */
#include "shim/engine.h"
#include "wire/state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/duration.h"
#include "common/log.h"
#include "partition/partition.h"
#include "partition/region.h"

#define MOVE_UNPARK_SEC 2
#define MOVE_LONG_USEC 1000000u

extern char **environ;

static int move_open_place(struct shim *shim, const char *partition, struct move_place *place,
			   struct vc_err *err)
{
	int r;

	place->shim = shim;
	place->partition = partition;
	partition_job_group(partition, shim->job, place->group, sizeof(place->group));
	r = cg_group_create(shim->cg, place->group, err);
	if (r == 0)
		r = cg_entry_open(shim->cg, place->group, &place->entry, err);
	if (r == 0)
		r = cg_cpus_get(shim->cg, place->group, place->cpus, sizeof(place->cpus),
				place->mems, sizeof(place->mems), err);
	return r;
}

uint64_t move_room(const struct move_place *place)
{
	struct cg_memory memory;

	if (cg_memory_read(place->shim->cg, place->partition, &memory) < 0 ||
	    memory.limit_bytes == CG_NO_LIMIT)
		return UINT64_MAX;
	return memory.limit_bytes > memory.used_bytes ? memory.limit_bytes - memory.used_bytes : 0;
}

static void move_run_hook(const char *hook, const struct move *move, const char *step, pid_t dump,
			  pid_t restore)
{
	char job[16], dump_text[16], restore_text[16];
	char *argv[] = { (char *)hook,
			 (char *)step,
			 job,
			 (char *)move->source.partition,
			 (char *)move->target.partition,
			 dump_text,
			 restore_text,
			 NULL };
	pid_t pid;

	snprintf(job, sizeof(job), "%u", move->shim->job);
	snprintf(dump_text, sizeof(dump_text), "%d", (int)dump);
	snprintf(restore_text, sizeof(restore_text), "%d", (int)restore);
	if (posix_spawn(&pid, hook, NULL, NULL, argv, environ) == 0)
		waitpid(pid, NULL, 0);
}

static void move_tell(struct move *move, const char *step, Vc__Estimate *estimate)
{
	Vc__Progress body = VC__PROGRESS__INIT;
	Vc__Msg msg = WIRE_MSG(PROGRESS, progress, &body);

	body.job = move->shim->job;
	body.step = (char *)step;
	body.estimate = estimate;
	if (move->command && wire_send(move->command, &msg, NULL, 0, NULL) < 0)
		move->command = NULL;
}

void move_tell_estimate(struct move *move)
{
	const struct mig_estimate *estimate = &move->report.estimate;
	char stop[32], parts[128];
	Vc__Estimate wire;

	estimate_to_wire(estimate, &wire);
	move_tell(move, "check", &wire);
	if (estimate->stop_usec >= MOVE_LONG_USEC)
		log_info("job %u, from %s to %s: will stand still for about %s: %s",
			 move->shim->job, move->source.partition, move->target.partition,
			 duration_about(estimate->stop_usec, stop, sizeof(stop)),
			 mig_estimate_text(estimate, parts, sizeof(parts)));
}

void move_begin_step(struct move *move, const char *name, pid_t dump, pid_t restore)
{
	const char *hook = getenv("VCRUN_STEP_HOOK");

	log_stage(name, move->shim->job);
	move_tell(move, name, NULL);
	if (hook && *hook)
		move_run_hook(hook, move, name, dump, restore);
}

static void move_answer(const struct move *move, const struct vc_err *error, struct wire *command)
{
	const struct move_report *report = &move->report;
	const struct shim *shim = move->shim;
	Vc__Step steps[MOVE_STEPS_MAX], *list[MOVE_STEPS_MAX];
	Vc__Moved body = VC__MOVED__INIT;
	Vc__Estimate estimate;
	Vc__Msg msg = WIRE_MSG(MOVED, moved, &body);

	for (size_t i = 0; i < report->n_steps; i++) {
		vc__step__init(&steps[i]);
		steps[i].name = (char *)report->steps[i].name;
		steps[i].usec = report->steps[i].usec;
		list[i] = &steps[i];
	}
	body.job = shim->job;
	body.from = (char *)move->source.partition;
	body.to = (char *)move->target.partition;
	body.engine = (char *)(move->engine ? move->engine->name : "none");
	body.result = (char *)mig_result_name(report->result);
	WIRE_SET(&body, downtime_usec, report->downtime_usec);
	WIRE_SET(&body, total_usec, report->total_usec);
	WIRE_SET(&body, image_bytes, report->image_bytes);
	WIRE_SET(&body, at_usec, clock_real_usec());
	WIRE_SET(&body, uid, shim->start->creds->uid);
	WIRE_SET(&body, lien_bytes, report->lien_bytes);
	body.engine_reason = move->why[0] ? (char *)move->why : NULL;
	body.n_steps = report->n_steps;
	body.steps = list;
	body.reason = error->code ? (char *)error->text : NULL;
	body.note = move->request->note;
	estimate_to_wire(&report->estimate, &estimate);
	if (report->estimate.stop_usec > 0)
		body.estimate = &estimate;
	if (!move->request->estimate)
		record_move(shim, &body);
	else if (error->code == 0)
		body.result = (char *)"estimated";
	if (command && wire_send(command, &msg, NULL, 0, NULL) < 0)
		log_info("job %u: who asked for the move is gone", shim->job);
}

/* The job has changed places: accounts, record, group left behind, daemon. */
static void move_settle(struct move *move)
{
	struct shim *shim = move->shim;
	struct vc_err err;
	uint64_t used = 0;

	if (cg_stat_cpu_usec(shim->cg, move->source.group, &used) == 0)
		shim->cpu_base_usec += used;
	snprintf(shim->partition, sizeof(shim->partition), "%s", move->target.partition);
	shim->moves++;
	shim->move_downtime_usec = move->report.downtime_usec;
	shim->move_image_bytes = move->report.image_bytes;
	shim->placed_usec = clock_mono_usec();
	if (record_save(shim, &err) < 0)
		log_warn("job %u: %s", shim->job, err.text);
	shim->lien_bytes = move->report.lien_bytes = lien_settle(shim, !move->engine->runs_on);
}

/* The keys of a parked job's terminal have nobody to go to. So they come here, until the
 * restore makes the job's own group the foreground again. */
static void move_take_keys(const struct shim *shim)
{
	_cleanup_close_ int tty = -1;

	if (shim->master_fd < 0)
		return;
	tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty >= 0)
		tcsetpgrp(tty, getpgrp());
}

static void move_park(struct move *move, const struct vc_err *why)
{
	struct timeval delay = { .tv_sec = MOVE_UNPARK_SEC };
	struct shim *shim = move->shim;

	/* What these point to ends with the order. */
	move->source.partition = shim->partition;
	move->target.partition = shim->partition;
	move->command = NULL;
	move->request = NULL;
	shim->parked_why = *why;
	shim->parked = move;
	event_add(shim->unpark, &delay);
	move_take_keys(shim);
	record_send(shim);
}

static void move_free(struct move *move)
{
	engine_drop(move);
	cg_entry_free(move->source.entry);
	cg_entry_free(move->target.entry);
	free(move);
}

void shim_try_unpark(struct shim *shim)
{
	struct timeval delay = { .tv_sec = MOVE_UNPARK_SEC };
	struct vc_err err;

	if (shim->parked->engine->undo(shim->parked, &err) < 0) {
		event_add(shim->unpark, &delay);
		/* It may go on for days. */
		if (strcmp(err.text, shim->parked_why.text) != 0) {
			log_warn("job %u stays parked: %s", shim->job, err.text);
			shim->parked_why = err;
			record_send(shim);
		}
		return;
	}
	log_info("job %u runs again in %s", shim->job, shim->partition);
	move_free(steal_ptr(shim->parked));
	shim_set_state(shim, shim->program_ended ? VC__STATE__LINGERING : VC__STATE__RUNNING);
	signal_wake(shim);
}

void shim_drop_parked(struct shim *shim)
{
	event_del(shim->unpark);
	move_free(steal_ptr(shim->parked));
}

/* What can be said without a look at the processes. */
static int move_check(const struct shim *shim, const char *to, struct vc_err *err)
{
	int r;

	if (shim->state == VC__STATE__PARKED)
		return err_set(
			err, EBUSY,
			"it is parked in its images, and cannot be restored yet: %.500s; that "
			"is tried every %d s, and 'vcctl kill %u' gives the job up",
			shim->parked_why.text, MOVE_UNPARK_SEC, shim->job);
	if (shim->state != VC__STATE__RUNNING && shim->state != VC__STATE__STOPPED &&
	    shim->state != VC__STATE__LINGERING)
		return err_set(err, EBUSY, "it is %s", state_name(shim->state));
	/* It may have come since this shim was started. */
	r = instance_refresh(shim->instance, err);
	if (r < 0)
		return r;
	if (instance_find(shim->instance, to) < 0)
		return err_set(err, ENOENT, "there is no partition %s; 'vcctl list' names them",
			       to);
	if (!strcmp(to, shim->partition))
		return err_set(err, EALREADY, "it is in %s already", to);
	return 0;
}

static void move_bar_regions(const struct shim *shim, const char *to, struct move_barred *ret)
{
	const struct config *config = shim->instance->config;

	snprintf(ret->why, sizeof(ret->why),
		 "which is not given to %s; close and unmap it, or move to a partition that has it",
		 to);
	for (size_t i = 0; i < config->n_regions && ret->n < REGIONS_MAX; i++) {
		const struct region_spec *region = &config->regions[i];
		char path[sizeof(REGION_DIR) + PARTITION_NAME_MAX];
		struct stat st;

		snprintf(path, sizeof(path), REGION_DIR "/%s", region->name);
		if (region_admits(region, to) ||
		    fstatat(shim->instance->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		snprintf(ret->what[ret->n], sizeof(ret->what[0]), "the region %s", region->name);
		ret->list[ret->n] = (struct inventory_barred){ .dev = st.st_dev,
							       .ino = st.st_ino,
							       .what = ret->what[ret->n],
							       .why = ret->why };
		ret->n++;
	}
}

/* The engine is chosen, and has what it needs. */
static int move_prepare(struct move *move, struct vc_err *err)
{
	int r = move_open_place(move->shim, move->source.partition, &move->source, err);

	if (r == 0)
		r = move_open_place(move->shim, move->target.partition, &move->target, err);
	if (r < 0)
		return r;
	move_bar_regions(move->shim, move->target.partition, &move->barred);
	return engine_choose(move, err);
}

static int move_run(struct move *move, struct vc_err *err)
{
	int r = move_prepare(move, err);

	if (r < 0)
		return r;
	return move->request->estimate ? move->engine->estimate(move, err)
				       : move->engine->move(move, err);
}

/* The job is at the target; or it runs at the source, or is parked there. */
static void move_end(struct move *move, Vc__State before, int r, struct wire **arrived)
{
	struct shim *shim = move->shim;

	if (move->report.lost.code)
		log_warn("job %u: %s", shim->job, move->report.lost.text);
	if (r == 0 && !move->request->estimate) {
		move_settle(move);
		/* The daemons first: the command may ask them for the job as soon as it has its
		 * answer. */
		shim->state = before;
		shim_join(shim, steal_ptr(*arrived));
		return;
	}
	if (move->target.entry)
		cg_group_remove(shim->cg, move->target.group, NULL);
	if (shim->state == VC__STATE__MOVING)
		shim_set_state(shim,
			       move->report.result == MIG_PARKED ? VC__STATE__PARKED : before);
}

void shim_move(struct shim *shim, const Vc__Move *request, struct wire *command)
{
	struct move *move = calloc(1, sizeof(*move));
	Vc__State before = shim->state;
	struct vc_err err = { 0 };
	struct wire *arrived = NULL;
	char from[PARTITION_NAME_MAX];
	int r;

	if (!move)
		return;
	snprintf(from, sizeof(from), "%s", shim->partition);
	move->shim = shim;
	move->request = request;
	move->source.partition = from;
	move->target.partition = request->to;
	move->command = request->progress ? command : NULL;
	log_stage("move", shim->job);
	r = move_check(shim, request->to, &err);
	if (r == 0 && !request->estimate)
		r = arrive_ask(shim, request, &arrived, &err);
	if (r == 0) {
		if (!request->estimate)
			shim_set_state(shim, VC__STATE__MOVING);
		r = move_run(move, &err);
	}
	if (r < 0)
		err_add(&err, "move job %u to %s", shim->job, request->to);
	if (r == -EKEYREJECTED)
		log_warn("%s (user %u)", err.text, shim->start->creds->uid);
	move_end(move, before, r, &arrived);
	wire_free(arrived);
	move_answer(move, &err, command);
	if (move->report.result == MIG_PARKED)
		move_park(move, &err);
	else
		move_free(move);
}
