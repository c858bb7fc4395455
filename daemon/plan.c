// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * plan.c - when an event's time has come
 *
 * One daemon of the instance watches for all: the one that has the lease (partition/lease.h). It
 * renews the lease each time it looks. When it dies or is stopped, another takes the lease, and
 * goes on from the moment up to which the clock was watched: what came in between is made up for,
 * once for each event and way, in the order in which it came. No daemon at all for some time: the
 * same, at the next vcctl up. A daemon that has lost the lease forgets what was due.
 *
 * Changing partitions takes seconds, so a process of its own does it: this program
 * again, with --fire or --revert, one at a time. Its order bears the lease's epoch; one that comes
 * late, from a daemon that was stopped before it could give it, is not carried out.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "partition/calendar.h"
#include "partition/condition.h"
#include "partition/lease.h"
#include "partition/plan.h"
#include "partition/reshape.h"

#define PLAN_LOOK_USEC (LEASE_USEC / 4)

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
	uint64_t done_usec;  /* due_usec of what is being done; 0: nothing is */
	uint64_t retry_usec; /* when it is to be tried again; 0: not */
};

struct plan_clock {
	struct plan *plan;
	struct plan_watch *watches; /* two for each event */
	size_t n;
	struct lease *lease;
	uint32_t epoch;       /* of the lease while it is ours; 0: it is not */
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

/* What was due, and since when a load has held, was another holder's to know. */
static void plan_forget(struct plan_clock *clock)
{
	for (size_t i = 0; i < clock->n; i++) {
		struct plan_watch *watch = &clock->watches[i];

		watch->condition_watch = (struct condition_watch){ .told = false };
		watch->failed = false;
		watch->due_usec = watch->done_usec = watch->retry_usec = 0;
	}
}

/* Whether we watch for all, still or from now on. Up to where the last holder did is where we go
 * on. */
static bool plan_hold(struct daemon *daemon)
{
	struct plan_clock *clock = daemon->plan;
	uint32_t epoch = lease_hold(clock->lease, (uint8_t)daemon->slot, clock_mono_usec());
	uint64_t noted;

	if (epoch == clock->epoch)
		return epoch > 0;
	if (clock->epoch > 0)
		log_warn("events: another daemon has taken the watch over; what was due here is "
			 "forgotten");
	clock->epoch = epoch;
	plan_forget(clock);
	if (epoch == 0)
		return false;
	noted = lease_noted(clock->lease);
	clock->looked_usec = clock_real_usec();
	if (noted > 0 && noted < clock->looked_usec)
		clock->looked_usec = noted;
	log_info("events: this daemon watches for all");
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
	value[CONDITION_CPU] = sample.load.group_cpu_pct;
	value[CONDITION_CPUS] = sample.load.cpu_pct;
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
	char state_dir[PATH_MAX], order[PARTITION_NAME_MAX + 16], epoch[32];
	char *argv[] = { (char *)"vcd", state_dir, order, epoch, NULL };

	signal(SIGCHLD, SIG_DFL);
	snprintf(state_dir, sizeof(state_dir), "--state-dir=%s", daemon->instance->dir);
	snprintf(order, sizeof(order), "--%s=%s", plan_way_name(watch->way), watch->event->name);
	snprintf(epoch, sizeof(epoch), "--epoch=%u", daemon->plan->epoch);
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
	next->done_usec = next->due_usec;
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
	for (size_t i = 0; i < daemon->plan->n; i++)
		daemon->plan->watches[i].done_usec = 0;
	if (!plan_hold(daemon))
		return;
	plan_take_retries(daemon);
	plan_start_next(daemon);
}

/* Until what was due has been done, another would have to look for it again: an order that is
 * waiting when the lease goes to another daemon is void. */
static uint64_t plan_done_until(const struct plan_clock *clock, uint64_t now)
{
	for (size_t i = 0; i < clock->n; i++) {
		const struct plan_watch *watch = &clock->watches[i];

		if (watch->timed && watch->due_usec && watch->due_usec <= now)
			now = watch->due_usec - 1;
		if (watch->timed && watch->done_usec && watch->done_usec <= now)
			now = watch->done_usec - 1;
	}
	return now;
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
	lease_note(clock->lease, plan_done_until(clock, now));
}

int plan_start(struct daemon *daemon, struct vc_err *err)
{
	const struct timeval period = { .tv_usec = PLAN_LOOK_USEC };
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct plan_clock *clock;
	int r = plan_read(daemon->instance, &plan, err);

	if (r < 0 || !plan_has_trigger(plan))
		return r;
	clock = daemon->plan = calloc(1, sizeof(*clock));
	if (!clock)
		return err_sys(err, ENOMEM, "events");
	clock->child_fd = -1;
	r = lease_open(daemon->instance->dirfd, &clock->lease, err);
	if (r < 0)
		return err_add(err, "%s", daemon->instance->dir);
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
	if (clock->lease)
		lease_give_back(clock->lease);
	lease_free(clock->lease);
	plan_free(clock->plan);
	free(clock->watches);
	free(clock);
	daemon->plan = NULL;
}

/* Under the lock of changes, so that of two daemons that order the same the later one waits. */
static int plan_check_epoch(const struct instance *in, uint32_t epoch, struct vc_err *err)
{
	struct lease *lease;
	bool current;
	int r = epoch ? lease_open(in->dirfd, &lease, err) : 0;

	if (r < 0 || !epoch)
		return r;
	current = lease_is_current(lease, epoch);
	lease_free(lease);
	return current ? 0
		       : err_set(err, ESTALE,
				 "the daemon that ordered it does not watch the clock any more");
}

int plan_main(const char *state_dir, const char *event, bool revert, uint32_t epoch)
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
		r = plan_check_epoch(in, epoch, &err);
	if (r == 0)
		r = plan_go(in, cg, event, revert ? PLAN_REVERT : PLAN_FIRE, &how, &report, &err);
	if (r == -EALREADY)
		return 0;
	if (r == -ESTALE) {
		log_warn("event %s: not carried out: %s", event, err.text);
		return 1;
	}
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
