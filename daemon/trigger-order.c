// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * trigger-order.c - has done what is due, by processes of their own
 *
 * Changing partitions takes seconds, so a process of its own does it: this program again, with
 * --fire or --revert. One at a time does it, for the same reason as anywhere
 * (partition/change/reshape.h); but what comes first is begun at once, and the other gives way
 * while it waits for memory.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "daemon/trigger-priv.h"

#define NOTE_USEC 2000000u

DEFINE_CLEANUP(struct instance *, instance_freep, instance_free);
DEFINE_CLEANUP(struct cg *, cg_freep, cg_free);
DEFINE_CLEANUP(struct plan *, plan_freep, plan_free);

static _Noreturn void plan_exec(const struct daemon *daemon, const struct plan_watch *watch)
{
	char state_dir[PATH_MAX], order[PARTITION_NAME_MAX + 16], epoch[32], cause[32];
	char *argv[] = { (char *)"vcd", state_dir, order, cause, epoch, NULL };

	signal(SIGCHLD, SIG_DFL);
	snprintf(state_dir, sizeof(state_dir), "--state-dir=%s", daemon->instance->dir);
	snprintf(order, sizeof(order), "--%s=%s", plan_way_name(watch->way), watch->event->name);
	snprintf(cause, sizeof(cause), "--cause=%s", plan_cause_name(watch->cause));
	snprintf(epoch, sizeof(epoch), "--epoch=%u", daemon->plan->epoch);
	execv("/proc/self/exe", argv);
	_exit(127);
}

static void plan_on_child(evutil_socket_t fd, short what, void *ctx);

static void plan_start_child(struct plan_child *child, struct plan_watch *watch)
{
	struct daemon *daemon = child->daemon;
	pid_t pid = fork();

	if (pid == 0)
		plan_exec(daemon, watch);
	child->fd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	child->watch = watch;
	watch->done_usec = watch->due_usec;
	watch->due_usec = 0;
	if (child->fd < 0) {
		watch->done_usec = 0;
		log_warn("event %s: cannot start its process: %s", watch->event->name,
			 strerror(errno));
		return;
	}
	event_assign(child->event, daemon->base, child->fd, EV_READ, plan_on_child, child);
	event_add(child->event, NULL);
}

static struct plan_watch *plan_next_of(const struct plan_clock *clock, int rank)
{
	struct plan_watch *next = NULL;

	for (size_t i = 0; i < clock->n; i++) {
		struct plan_watch *watch = &clock->watches[i];

		if (watch->due_usec && !watch->put_off && plan_rank(watch->cause) == rank &&
		    (!next || watch->due_usec < next->due_usec))
			next = watch;
	}
	return next;
}

void plan_start_next(struct daemon *daemon)
{
	struct plan_clock *clock = daemon->plan;

	for (int rank = ARRAY_SIZE(clock->children) - 1; rank >= 0; rank--) {
		struct plan_watch *next;

		if (clock->children[rank].fd >= 0)
			return;
		next = plan_next_of(clock, rank);
		if (next) {
			plan_start_child(&clock->children[rank], next);
			return;
		}
	}
}

/* What became of it stands in events.json. */
static void plan_settle(struct daemon *daemon, const struct plan_child *child)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct plan_watch *watch = child->watch;
	const struct plan_event *event;

	if (plan_read(daemon->instance, &plan, NULL) < 0)
		return;
	event = plan_find(plan, watch->event->name, NULL);
	if (!event)
		return;
	if (event->last.put_off && event->last.way == watch->way && !watch->due_usec) {
		watch->due_usec = watch->done_usec;
		watch->put_off = true;
	}
}

static void plan_on_child(evutil_socket_t fd, short what, void *ctx)
{
	struct plan_child *child = ctx;
	struct daemon *daemon = child->daemon;

	close(child->fd);
	child->fd = -1;
	if (plan_hold(daemon)) {
		plan_take_retries(daemon);
		plan_settle(daemon, child);
	}
	child->watch->done_usec = 0;
	if (daemon->plan->epoch)
		plan_start_next(daemon);
}

int plan_children_start(struct daemon *daemon, struct vc_err *err)
{
	struct plan_clock *clock = daemon->plan;

	for (size_t i = 0; i < ARRAY_SIZE(clock->children); i++) {
		struct plan_child *child = &clock->children[i];

		*child = (struct plan_child){ .daemon = daemon, .fd = -1 };
		child->event = event_new(daemon->base, -1, 0, plan_on_child, child);
		if (!child->event)
			return err_sys(err, ENOMEM, "events");
	}
	return 0;
}

void plan_children_stop(struct daemon *daemon)
{
	struct plan_clock *clock = daemon->plan;

	for (size_t i = 0; i < ARRAY_SIZE(clock->children); i++) {
		struct plan_child *child = &clock->children[i];

		if (!child->event)
			continue;
		event_free(child->event);
		closep(&child->fd);
	}
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
				 "not carried out: the daemon that ordered it does not watch the "
				 "clock "
				 "any more");
}

/* It has not had the lock in time. What is only to be written down takes no time, so that who has
 * it gives way for that. */
static void plan_note_busy(struct instance *in, struct cg *cg, const struct plan_order *order,
			   const struct vc_err *why)
{
	const struct reshape_claim claim = { .rank = RESHAPE_RANK_BRIEF,
					     .deadline_usec = clock_mono_usec() + NOTE_USEC };
	_cleanup_close_ int lock = -1;

	if (reshape_lock(in, cg, &claim, &lock, NULL) < 0)
		return;
	plan_note_failure(in, order, why);
	plan_note_again(in, order->event);
}

/* Once, with the lock. */
static int plan_do(struct instance *in, struct cg *cg, const struct plan_order *order,
		   const struct reshape_claim *claim, uint32_t epoch, struct reshape_report *report,
		   struct vc_err *err)
{
	_cleanup_close_ int lock = -1;
	struct reshape_how how = { .rank = claim->rank, .deadline_usec = claim->deadline_usec };
	int r = reshape_lock(in, cg, claim, &lock, err);

	if (r < 0)
		err_add(err, "event %s", order->event);
	if (r == -EBUSY)
		plan_note_busy(in, cg, order, err);
	if (r < 0)
		return r;
	how.lock = lock;
	r = plan_check_epoch(in, epoch, err);
	if (r < 0)
		return err_add(err, "event %s", order->event);
	r = plan_go(in, cg, order, &how, report, err);
	if (r < 0 && r != -EALREADY && r != -EAGAIN && r != -ECANCELED)
		plan_note_again(in, order->event);
	return r;
}

int plan_main(const char *state_dir, const struct plan_order *order, uint32_t epoch)
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
		r = plan_claim(in, order, 0, &claim, &err);
	/* When it has given way it waits for the lock anew, within the same deadline. */
	do {
		if (r == -ECANCELED)
			log_info("%s", err.text);
		if (r == 0 || r == -ECANCELED)
			r = plan_do(in, cg, order, &claim, epoch, &report, &err);
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
