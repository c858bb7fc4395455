/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trigger.h - events: when they are due, and the processes that fire them
 *
 *	trigger.c     watches: which events are due
 *	fire.c        processes that fire and revert events
 */
#ifndef VC_DAEMON_TRIGGER_H
#define VC_DAEMON_TRIGGER_H

#include "daemon/daemon.h"
#include "partition/change/calendar.h"
#include "partition/change/condition.h"
#include "partition/change/failure.h"
#include "partition/change/lease.h"
#include "partition/change/plan.h"
#include "partition/change/reshape.h"

/* One event in one way. */
struct trigger_watch {
	const struct plan_event *event;
	const struct plan_trigger *trigger;
	enum plan_way way;
	bool timed, loaded; /* by calendar; by condition */
	struct calendar calendar;
	struct condition condition;
	struct condition_watch condition_watch;
	struct failure_watch failure_watch; /* of the partition of a failover trigger */
	uint64_t due_usec;                  /* CLOCK_REALTIME since when it is due; 0: it is not */
	enum plan_cause cause;              /* of due_usec */
	bool put_off;                       /* due, but it waits for another event */
	uint64_t done_usec;                 /* due_usec of the order being carried out; 0: none */
	uint64_t retry_usec;                /* when to try again; 0: never */
};

/* A process that fires or reverts an event. Each rank has one, so that none waits for a lower rank.
 */
struct fire_child {
	struct daemon *daemon;
	struct event *event;
	struct trigger_watch *watch;
	int fd; /* a pidfd; -1: there is none */
};

struct triggers {
	struct plan *plan;
	struct trigger_watch *watches; /* two for each event */
	size_t n;
	struct failure_look failures; /* how to look for failures */
	struct lease *lease;
	uint32_t epoch;       /* of the lease while this daemon has it; 0: it has not */
	uint64_t looked_usec; /* CLOCK_REALTIME */
	struct event *timer;
	struct fire_child children[RESHAPE_RANK_BRIEF];
};

/* trigger.c: returns whether this daemon has the lease. */
bool trigger_hold(struct daemon *daemon);
/* Reads from events.json which failed events are tried again. */
void trigger_take_retries(struct daemon *daemon);

/* fire.c */
int fire_start(struct daemon *daemon, struct vc_err *err);
void fire_stop(struct daemon *daemon);
/* Starts the process of the due event with the highest rank; of those, the one that is due longest.
 */
void fire_start_next(struct daemon *daemon);
/* vcd --fire, --revert: fires or reverts an event, and returns the exit status. epoch: of the lease
 * of the daemon that orders it; 0: no daemon does. */
int fire_main(const char *state_dir, const struct plan_order *order, uint32_t epoch);

#endif
