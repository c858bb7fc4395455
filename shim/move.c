// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * move.c - moves the shim's job from its partition to another
 *
 * The transaction itself is libmig's. Here it gets its places, which are the
 * job's groups in both partitions, and its result is told: to the command that
 * asked, to the daemon of the partition where the job now is, to the record.
 *
 * $VCRUN_STEP_HOOK, when the daemon was started with it, names a program that is
 * run at the beginning of each step with STEP JOB FROM TO DUMP-PID RESTORE-PID; the
 * step waits for it. The fault tests break things there.
 */
#include "shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

#define MOVE_CLEAR_USEC 10000000u
#define MOVE_UNPARK_SEC 2
#define MOVE_SILENCE_SEC 30
#define MOVE_LONG_USEC 1000000u
#define MOVE_LOGS 64 /* kept at most; jobs that far apart share one */

extern char **environ;

/* One end of a move. */
struct move_place {
	struct shim *shim;
	const char *partition;
	char group[64];
	char cpus[1024];
	char freezer[PATH_MAX]; /* "": none */
	char mems[256];
	struct cg_entry *entry;
};

struct move {
	struct shim *shim;
	struct move_place source, target;
	struct wire *command; /* to be told of each step; NULL: nobody */
	const Vc__Move *request;
};

static int move_enter(void *ctx)
{
	const struct move_place *place = ctx;

	return cg_entry_enter(place->entry);
}

static void move_clear(void *ctx)
{
	const struct move_place *place = ctx;
	struct vc_err err;

	if (cg_kill(place->shim->cg, place->group, MOVE_CLEAR_USEC, &err) < 0)
		log_warn("job %u: clear %s: %s", place->shim->job, place->group, err.text);
}

static int move_open_place(struct shim *shim, const char *partition, struct move_place *place,
			   struct vc_err *err)
{
	int r;

	place->shim = shim;
	place->partition = partition;
	partition_job_group(partition, shim->job, place->group, sizeof(place->group));
	r = cg_create(shim->cg, place->group, err);
	if (r == 0)
		r = cg_entry_open(shim->cg, place->group, &place->entry, err);
	if (r == 0)
		r = cg_get_cpus(shim->cg, place->group, place->cpus, sizeof(place->cpus),
				place->mems, sizeof(place->mems), err);
	cg_freezer(shim->cg, place->group, place->freezer, sizeof(place->freezer));
	return r;
}

static struct mig_place move_mig_place(struct move_place *place)
{
	struct cg_memory memory;
	uint64_t room = UINT64_MAX;

	/* The kernel reclaims page cache as the job's memory is filled. */
	if (cg_memory_read(place->shim->cg, place->partition, &memory) == 0 &&
	    memory.limit_bytes != CG_NO_LIMIT)
		room = memory.limit_bytes > memory.used_bytes
			       ? memory.limit_bytes - memory.used_bytes
			       : 0;
	return (struct mig_place){ .name = place->partition,
				   .enter = move_enter,
				   .clear = move_clear,
				   .ctx = place,
				   .cpus = place->cpus,
				   .freezer = place->freezer[0] ? place->freezer : NULL,
				   .nodes = place->mems[0] ? place->mems : NULL,
				   .room_bytes = room };
}

static void move_run_hook(const char *hook, const struct move *move, enum mig_step step, pid_t dump,
			  pid_t restore)
{
	char job[16], dump_text[16], restore_text[16];
	char *argv[] = { (char *)hook,
			 (char *)mig_step_name(step),
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

static void move_tell(struct move *move, enum mig_step step, Vc__Estimate *estimate)
{
	Vc__Progress body = VC__PROGRESS__INIT;
	Vc__Msg msg = VC__MSG__INIT;

	body.job = move->shim->job;
	body.step = (char *)mig_step_name(step);
	body.estimate = estimate;
	msg.body_case = VC__MSG__BODY_PROGRESS;
	msg.progress = &body;
	if (move->command && wire_send(move->command, &msg, NULL, 0, NULL) < 0)
		move->command = NULL;
}

static void move_on_wait(enum mig_step step, pid_t criu, unsigned int silent_sec, void *ctx)
{
	const struct move *move = ctx;

	if (silent_sec % MOVE_SILENCE_SEC == 0)
		log_warn("job %u, from %s to %s: criu (pid %d) has said nothing for %u s, step %s",
			 move->shim->job, move->source.partition, move->target.partition, (int)criu,
			 silent_sec, mig_step_name(step));
}

static void move_on_estimate(const struct mig_estimate *estimate, void *ctx)
{
	struct move *move = ctx;
	char stop[32], parts[128];
	Vc__Estimate wire;

	estimate_to_wire(estimate, &wire);
	move_tell(move, MIG_CHECK, &wire);
	if (estimate->stop_usec >= MOVE_LONG_USEC)
		log_info("job %u, from %s to %s: will stand still for about %s: %s",
			 move->shim->job, move->source.partition, move->target.partition,
			 duration_about(estimate->stop_usec, stop, sizeof(stop)),
			 mig_estimate_text(estimate, parts, sizeof(parts)));
}

static void move_on_step(enum mig_step step, pid_t dump, pid_t restore, void *ctx)
{
	struct move *move = ctx;
	const char *hook = getenv("VCRUN_STEP_HOOK");

	log_stage(mig_step_name(step), move->shim->job);
	move_tell(move, step, NULL);
	if (hook && *hook)
		move_run_hook(hook, move, step, dump, restore);
}

static void move_answer(struct shim *shim, const struct move *move, const struct mig_report *report,
			const Vc__Move *request, const struct vc_err *error, struct wire *command)
{
	Vc__Step steps[MIG_N_STEPS], *list[MIG_N_STEPS];
	Vc__Moved body = VC__MOVED__INIT;
	Vc__Estimate estimate;
	Vc__Msg msg = VC__MSG__INIT;

	for (int i = 0; i < MIG_N_STEPS; i++) {
		vc__step__init(&steps[i]);
		steps[i].name = (char *)mig_step_name(i);
		steps[i].usec = report->step_usec[i];
		list[i] = &steps[i];
	}
	body.job = shim->job;
	body.from = (char *)move->source.partition;
	body.to = (char *)move->target.partition;
	body.engine = (char *)"criu";
	body.result = (char *)mig_result_name(report->result);
	body.has_downtime_usec = body.has_total_usec = body.has_image_bytes = body.has_at_usec =
		body.has_uid = true;
	body.downtime_usec = report->downtime_usec;
	body.total_usec = report->total_usec;
	body.image_bytes = report->image_bytes;
	body.at_usec = clock_real_usec();
	body.uid = shim->start->creds->uid;
	body.n_steps = MIG_N_STEPS;
	body.steps = list;
	body.reason = error->code ? (char *)error->text : NULL;
	body.note = request->note;
	estimate_to_wire(&report->estimate, &estimate);
	if (report->estimate.stop_usec > 0)
		body.estimate = &estimate;
	if (!request->estimate)
		record_move(shim, &body);
	else if (error->code == 0)
		body.result = (char *)"estimated";
	msg.body_case = VC__MSG__BODY_MOVED;
	msg.moved = &body;
	if (command && wire_send(command, &msg, NULL, 0, NULL) < 0)
		log_info("job %u: who asked for the move is gone", shim->job);
}

/* The job has changed places: accounts, record, group left behind, daemon. */
static void move_settle(struct shim *shim, struct move *move, const struct mig_report *report)
{
	struct vc_err err;
	uint64_t used = 0;

	if (cg_cpu_usec(shim->cg, move->source.group, &used) == 0)
		shim->cpu_base_usec += used;
	snprintf(shim->partition, sizeof(shim->partition), "%s", move->target.partition);
	shim->moves++;
	shim->move_downtime_usec = report->downtime_usec;
	shim->move_image_bytes = report->image_bytes;
	shim->placed_usec = clock_mono_usec();
	if (record_save(shim, &err) < 0)
		log_warn("job %u: %s", shim->job, err.text);
	if (cg_remove(shim->cg, move->source.group, &err) < 0)
		log_warn("job %u: %s", shim->job, err.text);
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

static void move_park(struct shim *shim, struct move *move, struct mig_parked *parked,
		      const struct vc_err *why)
{
	struct timeval delay = { .tv_sec = MOVE_UNPARK_SEC };

	shim->parked_why = *why;
	shim->parked = parked;
	shim->parked_move = move;
	event_add(shim->unpark, &delay);
	move_take_keys(shim);
}

static void move_free(struct move *move)
{
	cg_entry_free(move->source.entry);
	cg_entry_free(move->target.entry);
	free(move);
}

void shim_try_unpark(struct shim *shim)
{
	struct timeval delay = { .tv_sec = MOVE_UNPARK_SEC };
	struct vc_err err;

	if (mig_unpark(shim->parked, &err) < 0) {
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
	move_free(steal_ptr(shim->parked_move));
	shim->parked = NULL;
	room_release(shim);
	shim_set_state(shim, shim->program_ended ? JOB_LINGERING : JOB_RUNNING);
	signal_wake(shim);
}

void shim_drop_parked(struct shim *shim)
{
	event_del(shim->unpark);
	mig_drop(steal_ptr(shim->parked));
	room_release(shim);
	move_free(steal_ptr(shim->parked_move));
}

/* What can be said without a look at the processes. */
static int move_check(const struct shim *shim, const char *to, struct vc_err *err)
{
	int r;

	if (shim->state == JOB_PARKED)
		return err_set(
			err, EBUSY,
			"it is parked in its images, and cannot be restored yet: %.500s; that "
			"is tried every %d s, and 'vcctl kill %u' gives the job up",
			shim->parked_why.text, MOVE_UNPARK_SEC, shim->job);
	if (shim->state != JOB_RUNNING && shim->state != JOB_STOPPED &&
	    shim->state != JOB_LINGERING)
		return err_set(err, EBUSY, "it is %s", job_state_name(shim->state));
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

/* The files of the regions that are not given to a partition; at most REGIONS_MAX. */
struct move_barred {
	struct inventory_barred list[REGIONS_MAX];
	char what[REGIONS_MAX][PARTITION_NAME_MAX + 16];
	char why[128];
	size_t n;
};

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

static int move_make_room(uint64_t bytes, void *ctx, struct vc_err *err)
{
	const struct move *move = ctx;

	return room_claim(move->shim, bytes, err);
}

/* Files of the job's own group are those of its new one afterwards. */
static bool move_follow(const char *path, char *ret, size_t size, void *ctx)
{
	const struct move *move = ctx;

	return cg_follow_path(move->shim->cg, move->source.group, move->target.group, path, ret,
			      size);
}

/* Where CRIU's log goes if it fails: the last few jobs' only. */
static void move_log_path(const struct shim *shim, char *ret, size_t size)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/criu", shim->instance->dir);
	mkdir(dir, 0700);
	snprintf(ret, size, "%s/criu/%u.log", shim->instance->dir, shim->job % MOVE_LOGS);
}

static int move_run(struct shim *shim, struct move *move, struct mig_report *report,
		    struct mig_parked **ret_parked, struct vc_err *err)
{
	struct move_barred barred = { .n = 0 };
	char images[PATH_MAX], log[PATH_MAX];
	struct mig_request req = {
		.root = shim->root,
		.uid = shim->start->creds->uid,
		.criu = shim->instance->config->criu,
		.images = images,
		.log = log,
		.max_stop_usec = move->request->max_stop_usec,
		.pace = estimate_pace(shim),
		.on_estimate = move_on_estimate,
		.make_room = move_make_room,
		.on_step = move_on_step,
		.on_wait = move_on_wait,
		.follow = move_follow,
		.ctx = move,
	};
	int r = move_open_place(shim, move->source.partition, &move->source, err);

	if (r == 0)
		r = move_open_place(shim, move->target.partition, &move->target, err);
	if (r < 0)
		return r;
	move_bar_regions(shim, move->target.partition, &barred);
	req.barred = barred.list;
	req.n_barred = barred.n;
	req.source = move_mig_place(&move->source);
	req.target = move_mig_place(&move->target);
	snprintf(images, sizeof(images), "%s/images/%u", shim->instance->dir, shim->job);
	move_log_path(shim, log, sizeof(log));
	if (move->request->estimate)
		return mig_estimate(&req, &report->estimate, err);
	return mig_move(&req, report, ret_parked, err);
}

void shim_move(struct shim *shim, const Vc__Move *request, struct wire *command)
{
	struct move *move = calloc(1, sizeof(*move));
	struct mig_report report = { .result = MIG_REFUSED };
	struct mig_parked *parked = NULL;
	enum job_state before = shim->state;
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
			shim_set_state(shim, JOB_MOVING);
		r = move_run(shim, move, &report, &parked, &err);
	}
	if (r < 0 && report.criu[0])
		log_warn("job %u: criu: %s", shim->job, report.criu);
	if (r < 0)
		err_add(&err, "move job %u to %s", shim->job, request->to);
	if (r == -EKEYREJECTED)
		log_warn("%s (user %u)", err.text, shim->start->creds->uid);
	if (r == 0 && !request->estimate)
		move_settle(shim, move, &report);
	else if (move->target.entry)
		cg_remove(shim->cg, move->target.group, NULL);
	/* Daemons first: who has the answer may ask them for the job at once. */
	if (r == 0 && !request->estimate) {
		shim->state = before;
		shim_join(shim, steal_ptr(arrived));
	} else if (shim->state == JOB_MOVING) {
		shim_set_state(shim, report.result == MIG_PARKED ? JOB_PARKED : before);
	}
	if (report.result == MIG_PARKED)
		room_correct(shim, report.image_bytes);
	else
		room_release(shim);
	if (report.lost.code)
		log_warn("job %u: %s", shim->job, report.lost.text);
	wire_free(arrived);
	move_answer(shim, move, &report, request, &err, command);
	if (report.result == MIG_PARKED) {
		/* What it points to ends with this call; only its source is used from here on. */
		move->source.partition = shim->partition;
		move->target.partition = shim->partition;
		move->command = NULL;
		move->request = NULL;
		move_park(shim, move, parked, &err);
		record_send(shim);
	} else {
		move_free(move);
	}
}
