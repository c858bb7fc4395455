// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * plan.c - when an event's time has come
 *
 * One daemon of the instance watches for all: the one that holds events.lock. The others try for
 * it once a second, so when it dies another goes on from the moment it looked last, which
 * it writes into that file: what came in between is made up for, once for each event and
 * way, in the order in which it came. No daemon at all for some time: the same, at the
 * next vcctl up.
 *
 * Changing partitions takes seconds, so a process of its own does it: this program
 * again, with --fire or --revert, one at a time.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/trust.h"
#include "partition/calendar.h"
#include "partition/condition.h"
#include "partition/plan.h"
#include "partition/reshape.h"

#define PLAN_LOOK_SEC 1

DEFINE_CLEANUP(struct instance *, instance_freep, instance_free);
DEFINE_CLEANUP(struct cg *, cg_freep, cg_free);
DEFINE_CLEANUP(struct plan *, plan_freep, plan_free);

/* One event going one way. */
struct plan_watch {
	const struct plan_event *event;
	const struct plan_trigger *trigger;
	enum plan_way way;
	bool timed, loaded; /* by calendar; by condition */
	struct calendar calendar;
	struct condition condition;
	struct condition_watch condition_watch;
	bool failed;         /* the partition of a failover trigger was, at the last look */
	uint64_t due_usec;   /* CLOCK_REALTIME since when it is to be done; 0: it is not */
	uint64_t retry_usec; /* when it is to be tried again; 0: not */
};

struct plan_clock {
	struct plan *plan;
	struct plan_watch *watches; /* two for each event */
	size_t n;
	int lock_fd;
	bool ours;            /* we watch for all */
	uint64_t looked_usec; /* CLOCK_REALTIME */
	struct event *timer, *child_event;
	int child_fd; /* a pidfd; -1: none is under way */
};

static bool plan_has_trigger(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct plan_event *event = &plan->events[i];

		if (event->fire.at || event->fire.when || event->fire.failover ||
		    event->revert.at || event->revert.when)
			return true;
	}
	return false;
}

/* events.json was checked when it was written; what is wrong in it by now just never comes. */
static void plan_fill_watch(struct plan_watch *watch, const struct plan_event *event,
			    enum plan_way way)
{
	watch->event = event;
	watch->way = way;
	watch->trigger = way == PLAN_FIRE ? &event->fire : &event->revert;
	watch->timed = watch->trigger->at &&
		       calendar_parse(watch->trigger->at, &watch->calendar, NULL) == 0;
	watch->loaded = watch->trigger->when &&
			condition_parse(watch->trigger->when, &watch->condition, NULL) == 0;
}

/* What has failed and is to be tried again stands in events.json. */
static void plan_take_retries(struct daemon *daemon)
{
	struct plan_clock *clock = daemon->plan;
	_cleanup_(plan_freep) struct plan *plan = NULL;

	if (plan_read(daemon->instance, &plan, NULL) < 0)
		return;
	for (size_t i = 0; i < clock->n; i++) {
		struct plan_watch *watch = &clock->watches[i];
		const struct plan_event *event = plan_find(plan, watch->event->name, NULL);
		bool again = event && event->last.again && event->last.way == watch->way;

		watch->retry_usec =
			again ? event->last.at_usec + (uint64_t)event->retry_msec * 1000 : 0;
	}
}

/* Whether the lock is ours, or is now. Where the last holder looked is where we go on. */
static bool plan_hold(struct daemon *daemon)
{
	struct plan_clock *clock = daemon->plan;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	uint64_t usec;

	if (clock->ours)
		return true;
	if (fcntl(clock->lock_fd, F_SETLK, &lock) < 0)
		return false;
	clock->ours = true;
	clock->looked_usec = clock_real_usec();
	if (pread(clock->lock_fd, &usec, sizeof(usec), 0) == sizeof(usec) &&
	    usec < clock->looked_usec)
		clock->looked_usec = usec;
	plan_take_retries(daemon);
	return true;
}

/* Those whose time has come. Somebody may have given one up, or done it, in the meantime. */
static void plan_retry(struct daemon *daemon, uint64_t now)
{
	struct plan_clock *clock = daemon->plan;
	bool due = false;

	for (size_t i = 0; i < clock->n; i++)
		due |= clock->watches[i].retry_usec && clock->watches[i].retry_usec <= now;
	if (!due)
		return;
	plan_take_retries(daemon);
	for (size_t i = 0; i < clock->n; i++) {
		struct plan_watch *watch = &clock->watches[i];

		if (!watch->retry_usec || watch->retry_usec > now)
			continue;
		watch->retry_usec = 0;
		watch->due_usec = now;
		log_info("event %s: %s: again", watch->event->name, plan_way_name(watch->way));
	}
}

/* A daemon that ended in order has retired its slot: then nothing failed. */
static bool plan_has_failed(struct daemon *daemon, const char *partition)
{
	int slot = instance_find(daemon->instance, partition);
	struct board_sample sample;

	if (slot < 0)
		return false;
	return alive_look(daemon, (uint32_t)slot, &sample) == ALIVE_DOWN && sample.at_usec;
}

static bool plan_is_loaded(struct daemon *daemon, struct plan_watch *watch)
{
	int slot = instance_find(daemon->instance, watch->condition.partition);
	uint64_t now = clock_mono_usec();
	struct board_sample sample;
	double value[CONDITION_N_METRICS];

	if (slot < 0)
		return false;
	if (alive_look(daemon, (uint32_t)slot, &sample) != ALIVE_UP) {
		watch->condition_watch = (struct condition_watch){ .told = false };
		return false;
	}
	value[CONDITION_CPU] = sample.load.cpu_pct;
	value[CONDITION_MEMORY] = sample.load.mem_limit_bytes
					  ? 100.0 * (double)sample.load.mem_used_bytes /
						    (double)sample.load.mem_limit_bytes
					  : 0;
	value[CONDITION_JOBS] = sample.load.jobs;
	value[CONDITION_RUNNABLE] = sample.load.runnable;
	return condition_met(&watch->condition, &watch->condition_watch,
			     value[watch->condition.metric], now);
}

static void plan_look(struct daemon *daemon, struct plan_watch *watch, uint64_t now)
{
	uint64_t since = daemon->plan->looked_usec, at;
	bool due = false, failed;

	/* A clock that was set back begins anew. */
	if (watch->timed && calendar_next(&watch->calendar, since < now ? since : now, &at) == 0 &&
	    at <= now) {
		watch->due_usec = at;
		log_info("event %s: %s: it is time", watch->event->name, plan_way_name(watch->way));
	}
	if (watch->loaded)
		due = plan_is_loaded(daemon, watch);
	if (watch->trigger->failover) {
		failed = plan_has_failed(daemon, watch->trigger->failover);
		due = due || (failed && !watch->failed);
		watch->failed = failed;
	}
	if (!due)
		return;
	watch->due_usec = now;
	log_info("event %s: %s: its condition is met", watch->event->name,
		 plan_way_name(watch->way));
}

static _Noreturn void plan_exec(const struct daemon *daemon, const struct plan_watch *watch)
{
	char state_dir[PATH_MAX], order[PARTITION_NAME_MAX + 16];
	char *argv[] = { (char *)"vcd", state_dir, order, NULL };

	signal(SIGCHLD, SIG_DFL);
	snprintf(state_dir, sizeof(state_dir), "--state-dir=%s", daemon->instance->dir);
	snprintf(order, sizeof(order), "--%s=%s", plan_way_name(watch->way), watch->event->name);
	execv("/proc/self/exe", argv);
	_exit(127);
}

static void plan_on_child(evutil_socket_t fd, short what, void *ctx);

/* What has been due for longest. */
static void plan_start_next(struct daemon *daemon)
{
	struct plan_clock *clock = daemon->plan;
	struct plan_watch *next = NULL;
	pid_t pid;

	for (size_t i = 0; i < clock->n; i++) {
		struct plan_watch *watch = &clock->watches[i];

		if (watch->due_usec && (!next || watch->due_usec < next->due_usec))
			next = watch;
	}
	if (!next || clock->child_fd >= 0)
		return;
	next->due_usec = 0;
	pid = fork();
	if (pid == 0)
		plan_exec(daemon, next);
	clock->child_fd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	if (clock->child_fd < 0) {
		log_warn("event %s: cannot start its process: %s", next->event->name,
			 strerror(errno));
		return;
	}
	event_assign(clock->child_event, daemon->base, clock->child_fd, EV_READ, plan_on_child,
		     daemon);
	event_add(clock->child_event, NULL);
}

static void plan_on_child(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *daemon = ctx;

	close(daemon->plan->child_fd);
	daemon->plan->child_fd = -1;
	plan_take_retries(daemon);
	plan_start_next(daemon);
}

static void plan_on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *daemon = ctx;
	struct plan_clock *clock = daemon->plan;
	uint64_t now = clock_real_usec();

	if (!plan_hold(daemon))
		return;
	for (size_t i = 0; i < clock->n; i++)
		plan_look(daemon, &clock->watches[i], now);
	plan_retry(daemon, now);
	clock->looked_usec = now;
	plan_start_next(daemon);
	/* Until what was due has been begun, another would have to look for it again. */
	for (size_t i = 0; i < clock->n; i++) {
		if (clock->watches[i].timed && clock->watches[i].due_usec &&
		    clock->watches[i].due_usec <= now)
			now = clock->watches[i].due_usec - 1;
	}
	if (pwrite(clock->lock_fd, &now, sizeof(now), 0) < 0)
		log_warn("%s/" PLAN_CLOCK_FILE ": %s", daemon->instance->dir, strerror(errno));
}

int plan_start(struct daemon *daemon, struct vc_err *err)
{
	const struct timeval period = { .tv_sec = PLAN_LOOK_SEC };
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct plan_clock *clock;
	int r = plan_read(daemon->instance, &plan, err);

	if (r < 0 || !plan_has_trigger(plan))
		return r;
	clock = daemon->plan = calloc(1, sizeof(*clock));
	if (!clock)
		return err_sys(err, ENOMEM, "events");
	clock->child_fd = -1;
	clock->lock_fd =
		trust_openat(daemon->instance->dirfd, PLAN_CLOCK_FILE, O_RDWR | O_CREAT, 0600);
	if (clock->lock_fd < 0)
		return err_sys(err, -clock->lock_fd, "cannot open %s/" PLAN_CLOCK_FILE,
			       daemon->instance->dir);
	clock->plan = steal_ptr(plan);
	clock->watches = calloc(2 * clock->plan->n, sizeof(*clock->watches));
	clock->timer = event_new(daemon->base, -1, EV_PERSIST, plan_on_timer, daemon);
	clock->child_event = event_new(daemon->base, -1, 0, plan_on_child, daemon);
	if (!clock->watches || !clock->timer || !clock->child_event)
		return err_sys(err, ENOMEM, "events");
	for (size_t i = 0; i < clock->plan->n; i++) {
		plan_fill_watch(&clock->watches[clock->n++], &clock->plan->events[i], PLAN_FIRE);
		plan_fill_watch(&clock->watches[clock->n++], &clock->plan->events[i], PLAN_REVERT);
	}
	event_add(clock->timer, &period);
	return 0;
}

void plan_stop(struct daemon *daemon)
{
	struct plan_clock *clock = daemon->plan;

	if (!clock)
		return;
	if (clock->timer)
		event_free(clock->timer);
	if (clock->child_event)
		event_free(clock->child_event);
	closep(&clock->child_fd);
	closep(&clock->lock_fd);
	plan_free(clock->plan);
	free(clock->watches);
	free(clock);
	daemon->plan = NULL;
}

int plan_main(const char *state_dir, const char *event, bool revert)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	_cleanup_(cg_freep) struct cg *cg = NULL;
	_cleanup_close_ int lock = -1;
	const struct reshape_how how = { .deadline_msec = 0 }; /* the event's own */
	struct reshape_report report;
	struct vc_err err;
	int r = instance_open(state_dir, &in, &err);

	if (r == 0)
		r = cg_open(NULL, in->cgroup_base, &cg, &err);
	if (r == 0)
		r = reshape_lock(in, cg, &lock, &err);
	if (r == 0)
		r = plan_go(in, cg, event, revert ? PLAN_REVERT : PLAN_FIRE, &how, &report, &err);
	if (r == -EALREADY)
		return 0;
	if (r < 0) {
		log_error("%s", err.text);
		if (lock >= 0)
			plan_note_again(in, event);
		return 1;
	}
	log_info("event %s: %s: %zu partitions changed in %llu us", event,
		 revert ? "reverted" : "fired", report.n_changed,
		 (unsigned long long)report.total_usec);
	if (report.behind_bytes > 0)
		log_warn("event %s: %llu KiB are on other nodes still, in use by some I/O", event,
			 (unsigned long long)report.behind_bytes >> 10);
	return 0;
}
