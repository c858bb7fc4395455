// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * trigger.c - notices when an event is due
 *
 * One daemon of the instance watches for all: the holder of the lease (partition/change/lease.h).
 * It renews the lease at each look. If it dies or is stopped, another daemon takes the lease, and
 * continues at the time up to which the clock was watched. Events that became due in between are
 * done once for each event and way, in their order. The same happens at the next vcctl up if no
 * daemon ran. A daemon that has lost the lease forgets its due events.
 *
 * An order (fire.c) has the lease's epoch. A late order, from a daemon that was stopped before it
 * could give it, is not carried out. An event that must wait for another one
 * (partition/change/plan-rank.c) is put off: it stays due until it may be done or is not wanted.
 */
#include "daemon/event/trigger.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "daemon/alive.h"
#include "daemon/part.h"

#define TRIGGER_LOOK_USEC (LEASE_USEC / 4)

static bool trigger_has_trigger(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct plan_event *event = &plan->events[i];

		if (event->fire.at || event->fire.when || event->fire.failover ||
		    event->revert.at || event->revert.when)
			return true;
	}
	return false;
}

/* events.json was checked when it was written. A wrong event in it never happens. */
static void trigger_fill_watch(struct trigger_watch *watch, const struct plan_event *event,
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

/* events.json has the failed events that are tried again. */
void trigger_take_retries(struct daemon *daemon)
{
	struct triggers *triggers = daemon->triggers;
	_cleanup_(plan_freep) struct plan *plan = NULL;

	if (plan_json_read(daemon->instance, &plan, NULL) < 0)
		return;
	for (size_t i = 0; i < triggers->n; i++) {
		struct trigger_watch *watch = &triggers->watches[i];
		const struct plan_event *event = plan_find(plan, watch->event->name, NULL);
		bool again = event && event->last.again && event->last.way == watch->way;

		watch->retry_usec =
			again ? event->last.at_usec + (uint64_t)event->retry_msec * 1000 : 0;
		if (again && !watch->due_usec)
			watch->cause = event->last.cause;
	}
}

/* Another holder of the lease has watched since then. */
static void trigger_forget(struct triggers *triggers)
{
	for (size_t i = 0; i < triggers->n; i++) {
		struct trigger_watch *watch = &triggers->watches[i];

		watch->condition_watch = (struct condition_watch){ .told = false };
		watch->failure_watch = (struct failure_watch){ .begun = false };
		watch->due_usec = watch->done_usec = watch->retry_usec = 0;
		watch->put_off = false;
	}
}

/* Takes or renews the lease. A new holder continues where the last one stopped. */
bool trigger_hold(struct daemon *daemon)
{
	struct triggers *triggers = daemon->triggers;
	uint32_t epoch = lease_hold(triggers->lease, (uint8_t)daemon->slot, clock_mono_usec());
	uint64_t noted;

	if (epoch == triggers->epoch)
		return epoch > 0;
	if (triggers->epoch > 0)
		log_warn("events: another daemon has taken over the watch; this daemon forgets its "
			 "due "
			 "events");
	triggers->epoch = epoch;
	trigger_forget(triggers);
	if (epoch == 0)
		return false;
	noted = lease_noted(triggers->lease);
	triggers->looked_usec = clock_real_usec();
	if (noted > 0 && noted < triggers->looked_usec)
		triggers->looked_usec = noted;
	log_info("events: this daemon watches for all");
	trigger_take_retries(daemon);
	return true;
}

/* The watch of the same event in the other way. */
static struct trigger_watch *trigger_opposite(struct triggers *triggers,
					      const struct trigger_watch *watch)
{
	return &triggers->watches[(size_t)(watch - triggers->watches) ^ 1];
}

static void trigger_set_due(struct triggers *triggers, struct trigger_watch *watch,
			    enum plan_cause cause, uint64_t at)
{
	struct trigger_watch *opposite = trigger_opposite(triggers, watch);

	/* The opposite way is not wanted any more. */
	if (opposite->put_off) {
		opposite->due_usec = 0;
		opposite->put_off = false;
	}
	if (watch->due_usec && plan_rank(watch->cause) >= plan_rank(cause))
		return;
	watch->due_usec = at;
	watch->cause = cause;
	watch->put_off = false;
}

/* Decides whether events that were put off may be done, or are not wanted any more. */
static void trigger_look_put_off(struct daemon *daemon, uint64_t now)
{
	struct triggers *triggers = daemon->triggers;
	_cleanup_(plan_freep) struct plan *plan = NULL;

	for (size_t i = 0; i < triggers->n; i++) {
		struct trigger_watch *watch = &triggers->watches[i];
		const struct plan_order order = { .event = watch->event->name,
						  .way = watch->way,
						  .cause = watch->cause };

		if (!watch->put_off)
			continue;
		if (watch->cause == PLAN_BY_LOAD && !watch->condition_watch.told) {
			log_info("event %s: %s: its condition is over", order.event,
				 plan_way_name(order.way));
			watch->due_usec = 0;
			watch->put_off = false;
			continue;
		}
		if (!plan && plan_json_read(daemon->instance, &plan, NULL) < 0)
			return;
		watch->put_off = plan_rank_may_go(plan, &order, now, NULL) == -EAGAIN;
	}
}

/* Retries failed events whose time has come. An operator can have done or cancelled them. */
static void trigger_retry(struct daemon *daemon, uint64_t now)
{
	struct triggers *triggers = daemon->triggers;
	bool due = false;

	for (size_t i = 0; i < triggers->n; i++)
		due |= triggers->watches[i].retry_usec && triggers->watches[i].retry_usec <= now;
	if (!due)
		return;
	trigger_take_retries(daemon);
	for (size_t i = 0; i < triggers->n; i++) {
		struct trigger_watch *watch = &triggers->watches[i];

		if (!watch->retry_usec || watch->retry_usec > now)
			continue;
		watch->retry_usec = 0;
		trigger_set_due(triggers, watch, watch->cause, now);
		log_info("event %s: %s: again", watch->event->name, plan_way_name(watch->way));
	}
}

static bool trigger_is_loaded(struct daemon *daemon, struct trigger_watch *watch)
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

static void trigger_look_failed(struct daemon *daemon, struct trigger_watch *watch, uint64_t now)
{
	struct failure_look look = daemon->triggers->failures;
	int slot = instance_find(daemon->instance, watch->trigger->failover);
	unsigned int since;

	if (slot < 0)
		return;
	look.kinds = watch->trigger->failures;
	look.freeze_usec = (uint64_t)watch->trigger->freeze_msec * 1000;
	since = failure_since(&look, &daemon->instance->config->parts[slot], (uint32_t)slot,
			      &watch->failure_watch, clock_mono_usec());
	for (int i = 0; i < FAILURE_N_KINDS; i++)
		if (since & FAILURE_BIT(i))
			log_warn("event %s: fire: partition %s has failed: %s", watch->event->name,
				 watch->trigger->failover, failure_name((enum failure_kind)i));
	if (since)
		trigger_set_due(daemon->triggers, watch, PLAN_BY_FAILOVER, now);
}

/* A failure counts as taken when its event is done: before that, another holder of the lease must
 * see it too. */
static void trigger_take_failures(struct daemon *daemon)
{
	struct triggers *triggers = daemon->triggers;

	for (size_t i = 0; i < triggers->n; i++) {
		const struct trigger_watch *watch = &triggers->watches[i];
		int slot = watch->trigger->failover
				   ? instance_find(daemon->instance, watch->trigger->failover)
				   : -1;

		if (slot >= 0 && !watch->due_usec && !watch->done_usec)
			failure_taken(triggers->failures.notes, (uint32_t)slot,
				      &watch->failure_watch);
	}
}

/* Whether there is nothing to revert. A process that only finds this out would delay others of its
 * rank. */
static bool trigger_is_void(struct daemon *daemon, const struct trigger_watch *watch)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	const struct plan_event *event = NULL;

	if (watch->way == PLAN_REVERT && plan_json_read(daemon->instance, &plan, NULL) == 0)
		event = plan_find(plan, watch->event->name, NULL);
	return event && !event->in_force && event->n_before == 0;
}

static void trigger_look(struct daemon *daemon, struct trigger_watch *watch, uint64_t now)
{
	uint64_t since = daemon->triggers->looked_usec, at;

	/* After the clock was set back, the past does not count. */
	if (watch->timed && calendar_next(&watch->calendar, since < now ? since : now, &at) == 0 &&
	    at <= now) {
		trigger_set_due(daemon->triggers, watch, PLAN_BY_TIME, at);
		log_info("event %s: %s: it is time", watch->event->name, plan_way_name(watch->way));
	}
	if (watch->loaded && trigger_is_loaded(daemon, watch) && !trigger_is_void(daemon, watch)) {
		trigger_set_due(daemon->triggers, watch, PLAN_BY_LOAD, now);
		log_info("event %s: %s: its condition is met", watch->event->name,
			 plan_way_name(watch->way));
	}
	if (watch->trigger->failover)
		trigger_look_failed(daemon, watch, now);
}

/* The time before which no event is left to do. Another holder of the lease continues there: an
 * order that waits when the lease changes its holder is void. */
static uint64_t trigger_done_until(const struct triggers *triggers, uint64_t now)
{
	for (size_t i = 0; i < triggers->n; i++) {
		const struct trigger_watch *watch = &triggers->watches[i];

		if (watch->timed && watch->due_usec && watch->due_usec <= now)
			now = watch->due_usec - 1;
		if (watch->timed && watch->done_usec && watch->done_usec <= now)
			now = watch->done_usec - 1;
	}
	return now;
}

static void trigger_on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *daemon = ctx;
	struct triggers *triggers = daemon->triggers;
	uint64_t now = clock_real_usec();

	if (!trigger_hold(daemon))
		return;
	for (size_t i = 0; i < triggers->n; i++)
		trigger_look(daemon, &triggers->watches[i], now);
	trigger_retry(daemon, now);
	trigger_look_put_off(daemon, now);
	triggers->looked_usec = now;
	fire_start_next(daemon);
	lease_note(triggers->lease, trigger_done_until(triggers, now));
	trigger_take_failures(daemon);
}

static int trigger_start(struct daemon *daemon, struct vc_err *err)
{
	const struct timeval period = { .tv_usec = TRIGGER_LOOK_USEC };
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct triggers *triggers;
	int r = plan_json_read(daemon->instance, &plan, err);

	if (r < 0 || !trigger_has_trigger(plan))
		return r;
	triggers = daemon->triggers = calloc(1, sizeof(*triggers));
	if (!triggers)
		return err_sys(err, ENOMEM, "events");
	triggers->failures.root = -1;
	r = lease_open(daemon->instance->dirfd, &triggers->lease, err);
	if (r < 0)
		return err_add(err, "%s", daemon->instance->dir);
	r = failure_notes_open(daemon->instance->dirfd, &triggers->failures.notes, err);
	if (r < 0)
		return err_add(err, "%s", daemon->instance->dir);
	triggers->failures.cg = daemon->cg;
	triggers->failures.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	triggers->plan = steal_ptr(plan);
	triggers->watches = calloc(2 * triggers->plan->n, sizeof(*triggers->watches));
	triggers->timer = event_new(daemon->base, -1, EV_PERSIST, trigger_on_timer, daemon);
	if (!triggers->watches || !triggers->timer)
		return err_sys(err, ENOMEM, "events");
	r = fire_start(daemon, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < triggers->plan->n; i++) {
		trigger_fill_watch(&triggers->watches[triggers->n++], &triggers->plan->events[i],
				   PLAN_FIRE);
		trigger_fill_watch(&triggers->watches[triggers->n++], &triggers->plan->events[i],
				   PLAN_REVERT);
	}
	event_add(triggers->timer, &period);
	return 0;
}

static void trigger_stop(struct daemon *daemon)
{
	struct triggers *triggers = daemon->triggers;

	if (!triggers)
		return;
	if (triggers->timer)
		event_free(triggers->timer);
	fire_stop(daemon);
	if (triggers->lease)
		lease_give_back(triggers->lease);
	lease_free(triggers->lease);
	failure_notes_free(triggers->failures.notes);
	closep(&triggers->failures.root);
	plan_free(triggers->plan);
	free(triggers->watches);
	free(triggers);
	daemon->triggers = NULL;
}

const struct part trigger_part = { "trigger", trigger_start, trigger_stop };
