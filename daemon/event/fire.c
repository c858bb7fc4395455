// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * fire.c - fires and reverts events, each in a process of its own
 *
 * A change of partitions takes seconds, so another process makes it: this program again, with
 * --fire or --revert. Only one at a time makes changes, as everywhere (partition/change/reshape.h).
 * But an event of a higher rank starts at once, and the other one gives way while it waits for
 * memory.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/proc.h"
#include "daemon/event/trigger.h"

#define FIRE_NOTE_USEC 2000000u

static _Noreturn void fire_exec(const struct daemon *daemon, const struct trigger_watch *watch)
{
	char state_dir[PATH_MAX], order[PARTITION_NAME_MAX + 16], epoch[32], cause[32];
	char *argv[] = { (char *)"vcd", state_dir, order, cause, epoch, NULL };

	signal(SIGCHLD, SIG_DFL);
	snprintf(state_dir, sizeof(state_dir), "--state-dir=%s", daemon->instance->dir);
	snprintf(order, sizeof(order), "--%s=%s", plan_way_name(watch->way), watch->event->name);
	snprintf(cause, sizeof(cause), "--cause=%s", plan_rank_cause_name(watch->cause));
	snprintf(epoch, sizeof(epoch), "--epoch=%u", daemon->triggers->epoch);
	execv("/proc/self/exe", argv);
	_exit(127);
}

static void fire_on_child(evutil_socket_t fd, short what, void *ctx);

static void fire_start_child(struct fire_child *child, struct trigger_watch *watch)
{
	struct daemon *daemon = child->daemon;
	pid_t pid = proc_fork(&child->fd);

	if (pid == 0)
		fire_exec(daemon, watch);
	child->watch = watch;
	watch->done_usec = watch->due_usec;
	watch->due_usec = 0;
	if (pid < 0) {
		watch->done_usec = 0;
		log_warn("event %s: cannot start its process: %s", watch->event->name,
			 strerror(-pid));
		return;
	}
	event_assign(child->event, daemon->base, child->fd, EV_READ, fire_on_child, child);
	event_add(child->event, NULL);
}

static struct trigger_watch *fire_next_of(const struct triggers *triggers, int rank)
{
	struct trigger_watch *next = NULL;

	for (size_t i = 0; i < triggers->n; i++) {
		struct trigger_watch *watch = &triggers->watches[i];

		if (watch->due_usec && !watch->put_off && plan_rank(watch->cause) == rank &&
		    (!next || watch->due_usec < next->due_usec))
			next = watch;
	}
	return next;
}

void fire_start_next(struct daemon *daemon)
{
	struct triggers *triggers = daemon->triggers;

	for (int rank = ARRAY_SIZE(triggers->children) - 1; rank >= 0; rank--) {
		struct trigger_watch *next;

		if (triggers->children[rank].fd >= 0)
			return;
		next = fire_next_of(triggers, rank);
		if (next) {
			fire_start_child(&triggers->children[rank], next);
			return;
		}
	}
}

/* events.json has the result. */
static void fire_settle(struct daemon *daemon, const struct fire_child *child)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct trigger_watch *watch = child->watch;
	const struct plan_event *event;

	if (plan_json_read(daemon->instance, &plan, NULL) < 0)
		return;
	event = plan_find(plan, watch->event->name, NULL);
	if (!event)
		return;
	if (event->last.put_off && event->last.way == watch->way && !watch->due_usec) {
		watch->due_usec = watch->done_usec;
		watch->put_off = true;
	}
}

static void fire_on_child(evutil_socket_t fd, short what, void *ctx)
{
	struct fire_child *child = ctx;
	struct daemon *daemon = child->daemon;

	close(child->fd);
	child->fd = -1;
	if (trigger_hold(daemon)) {
		trigger_take_retries(daemon);
		fire_settle(daemon, child);
	}
	child->watch->done_usec = 0;
	if (daemon->triggers->epoch)
		fire_start_next(daemon);
}

int fire_start(struct daemon *daemon, struct vc_err *err)
{
	struct triggers *triggers = daemon->triggers;

	for (size_t i = 0; i < ARRAY_SIZE(triggers->children); i++) {
		struct fire_child *child = &triggers->children[i];

		*child = (struct fire_child){ .daemon = daemon, .fd = -1 };
		child->event = event_new(daemon->base, -1, 0, fire_on_child, child);
		if (!child->event)
			return err_sys(err, ENOMEM, "events");
	}
	return 0;
}

void fire_stop(struct daemon *daemon)
{
	struct triggers *triggers = daemon->triggers;

	for (size_t i = 0; i < ARRAY_SIZE(triggers->children); i++) {
		struct fire_child *child = &triggers->children[i];

		if (!child->event)
			continue;
		event_free(child->event);
		closep(&child->fd);
	}
}

/* Called with the lock of changes: if two daemons order the same, the second one waits. */
static int fire_check_epoch(const struct instance *in, uint32_t epoch, struct vc_err *err)
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
				 "not carried out: the daemon that ordered it has lost the watch "
				 "for events");
}

/* The lock was not free in time. A note takes no time, so its holder gives way for it. */
static void fire_note_busy(struct instance *in, struct cg *cg, const struct plan_order *order,
			   const struct vc_err *why)
{
	const struct reshape_claim claim = { .rank = RESHAPE_RANK_BRIEF,
					     .deadline_usec = clock_mono_usec() + FIRE_NOTE_USEC };
	_cleanup_close_ int lock = -1;

	if (reshape_lock(in, cg, &claim, &lock, NULL) < 0)
		return;
	plan_note_failure(in, order, why);
	plan_note_again(in, order->event);
}

/* Makes the change once, with the lock. */
static int fire_do(struct instance *in, struct cg *cg, const struct plan_order *order,
		   const struct reshape_claim *claim, uint32_t epoch, struct reshape_report *report,
		   struct vc_err *err)
{
	_cleanup_close_ int lock = -1;
	struct reshape_how how = { .rank = claim->rank, .deadline_usec = claim->deadline_usec };
	int r = reshape_lock(in, cg, claim, &lock, err);

	if (r < 0)
		err_add(err, "event %s", order->event);
	if (r == -EBUSY)
		fire_note_busy(in, cg, order, err);
	if (r < 0)
		return r;
	how.lock = lock;
	r = fire_check_epoch(in, epoch, err);
	if (r < 0)
		return err_add(err, "event %s", order->event);
	r = plan_go(in, cg, order, &how, report, err);
	if (r < 0 && r != -EALREADY && r != -EAGAIN && r != -ECANCELED)
		plan_note_again(in, order->event);
	return r;
}

int fire_main(const char *state_dir, const struct plan_order *order, uint32_t epoch)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	_cleanup_(cg_freep) struct cg *cg = NULL;
	struct reshape_report report;
	struct reshape_claim claim;
	struct vc_err err;
	int r = instance_open(state_dir, &in, &err);

	if (r == 0)
		r = cg_open(NULL, in->cgroup_base, &cg, &err);
	if (r == 0)
		r = plan_rank_claim(in, order, 0, &claim, &err);
	/* After giving way it waits for the lock again, within the same deadline. */
	do {
		if (r == -ECANCELED)
			log_info("%s", err.text);
		if (r == 0 || r == -ECANCELED)
			r = fire_do(in, cg, order, &claim, epoch, &report, &err);
	} while (r == -ECANCELED);
	if (r == -EALREADY)
		return 0;
	if (r < 0) {
		log_error("%s", err.text);
		return 1;
	}
	log_info("event %s: %s: %zu partitions changed in %llu us", order->event,
		 order->way == PLAN_REVERT ? "reverted" : "fired", report.n_changed,
		 (unsigned long long)report.total_usec);
	if (report.behind_bytes > 0)
		log_warn("event %s: %llu KiB are on other nodes still, in use by some I/O",
			 order->event, (unsigned long long)report.behind_bytes >> 10);
	return 0;
}
