// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * turn.c - which connection is served next
 *
 * The daemon has one thread, so a request waits for those before it. The order is fair between
 * users, not between connections: a user's debt is the CPU time that the user's requests took. The
 * user with the least debt is served first, and debts decrease at a constant rate. That is least
 * attained service (Kleinrock, "Queueing Systems", volume 2, section 4.7), with users for jobs and
 * with decay. A piece of work is one message, or one piece of a long answer (conn_answer()), so
 * nobody waits for longer than the largest piece.
 *
 * A daemon runs at a high priority. A user with a large debt waits even if no other user asks,
 * because the requests would take the CPU from the jobs. Root does not wait.
 *
 * A shim's message is at the expense of its job's user. It reports an event that has happened, so
 * it is served before the user's commands, and also while those wait for the debt to decrease. A
 * job that makes its shim report without end reaches a second limit, at which shims wait too.
 *
 * After TURN_USEC the event loop handles its other events once: timers are late by no more than
 * that, and new connections are seen.
 */
#include "daemon/conn/turn.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/subuid.h"
#include "daemon/daemon.h"
#include "daemon/part.h"

#define TURN_USEC 2000
#define TURN_FORGET 0.5              /* seconds of debt that are forgotten in a second */
#define TURN_DEBT_MAX 250000.0       /* above this, a user waits */
#define TURN_SHIM_DEBT_MAX 2000000.0 /* above this, the user's shims wait */
#define TURN_DEBT_SMALL 100000.0     /* below this, the daemon may poll for the next request */
#define TURN_LEAST_USEC 5            /* what a piece of work costs at least */
#define TURN_BUCKETS 64
#define TURN_SUBUID_USEC 60000000u

LIST_HEAD(turn_bucket, turn_user);

/* A user with connections or debt. */
struct turn_user {
	LIST_ENTRY(turn_user) link;        /* turns::buckets */
	TAILQ_ENTRY(turn_user) ready_link; /* turns::ready */
	uid_t uid;
	unsigned int n_conns;
	unsigned int n_ready; /* connections in the two lists below */
	double debt_usec;     /* of CPU time, at_usec */
	uint64_t at_usec;     /* CLOCK_MONOTONIC */
	TAILQ_HEAD(, turn) commands, shims;
};

struct turns {
	struct event *event;
	struct turn_bucket buckets[TURN_BUCKETS]; /* users by uid */
	TAILQ_HEAD(, turn_user) ready;            /* users with connections to serve */
	bool serving;                             /* turn_on_event() runs; it calls turn_arm() */
	struct subuid *subuid;                    /* owners of uids; NULL: not known */
	uint64_t subuid_usec;                     /* CLOCK_MONOTONIC of reading it */
};

static double turn_debt(const struct turn_user *user, uint64_t now)
{
	double debt = user->debt_usec - TURN_FORGET * (double)(now - user->at_usec);

	return debt > 0 ? debt : 0;
}

static void turn_charge(struct turn_user *user, uint64_t cost_usec)
{
	uint64_t now = clock_mono_usec();

	user->debt_usec = turn_debt(user, now) +
			  (double)(cost_usec > TURN_LEAST_USEC ? cost_usec : TURN_LEAST_USEC);
	user->at_usec = now;
}

/* Further uids of a user have no share of their own. */
static uid_t turn_person(struct turns *turns, uid_t uid)
{
	uint64_t now = clock_mono_usec();
	uid_t owner;

	if (!turns->subuid || now - turns->subuid_usec > TURN_SUBUID_USEC) {
		subuid_free(turns->subuid);
		turns->subuid = subuid_read("/etc/subuid", "/etc/passwd");
		turns->subuid_usec = now;
	}
	owner = subuid_owner(turns->subuid, uid);
	/* Root's further uids are for containers; they have no right of root's here. */
	return owner == 0 ? uid : owner;
}

/* Users are remembered for as long as they have connections or debts. */
static struct turn_user *turn_user(struct turns *turns, uid_t uid)
{
	struct turn_bucket *bucket;
	uint64_t now = clock_mono_usec();
	struct turn_user *user, *next, *found = NULL;

	uid = turn_person(turns, uid);
	bucket = &turns->buckets[uid % TURN_BUCKETS];
	for (user = LIST_FIRST(bucket); user; user = next) {
		next = LIST_NEXT(user, link);
		if (user->uid == uid) {
			found = user;
		} else if (user->n_conns == 0 && user->n_ready == 0 && turn_debt(user, now) <= 0) {
			LIST_REMOVE(user, link);
			free(user);
		}
	}
	if (found)
		return found;
	user = calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	user->uid = uid;
	user->at_usec = now;
	TAILQ_INIT(&user->commands);
	TAILQ_INIT(&user->shims);
	LIST_INSERT_HEAD(bucket, user, link);
	return user;
}

static double turn_debt_max(const struct turn_user *user)
{
	return TAILQ_EMPTY(&user->shims) ? TURN_DEBT_MAX : TURN_SHIM_DEBT_MAX;
}

static bool turn_may(const struct turn_user *user, uint64_t now)
{
	return user->uid == 0 || turn_debt(user, now) < turn_debt_max(user);
}

static struct turn_user *turn_next(struct turns *turns, uint64_t now)
{
	struct turn_user *user, *next = NULL;

	TAILQ_FOREACH(user, &turns->ready, ready_link)
		if (turn_may(user, now) && (!next || turn_debt(user, now) < turn_debt(next, now)))
			next = user;
	return next;
}

/* The event comes at once, or when the debt of the first user is small enough. */
static void turn_arm(struct turns *turns)
{
	uint64_t now = clock_mono_usec(), least = UINT64_MAX, usec;
	struct turn_user *user;
	struct timeval delay;

	TAILQ_FOREACH(user, &turns->ready, ready_link) {
		usec = turn_may(user, now)
			       ? 0
			       : (uint64_t)((turn_debt(user, now) - turn_debt_max(user)) /
					    TURN_FORGET) +
					 TURN_USEC;
		least = usec < least ? usec : least;
	}
	if (least == UINT64_MAX)
		return;
	delay = (struct timeval){ .tv_sec = (time_t)(least / 1000000),
				  .tv_usec = (suseconds_t)(least % 1000000) };
	event_add(turns->event, &delay);
}

void turn_owe(struct turns *turns, uid_t payer, uint64_t cost_usec)
{
	struct turn_user *user = turn_user(turns, payer);

	if (user)
		turn_charge(user, cost_usec);
}

void turn_add(struct turns *turns, struct turn *turn, uid_t payer, bool as_shim)
{
	struct turn_user *user;

	if (turn->ready)
		return;
	user = turn_user(turns, payer);
	if (!user)
		user = turn->user;
	turn->payer = user;
	turn->ready = true;
	turn->as_shim = as_shim;
	if (user->n_ready++ == 0)
		TAILQ_INSERT_TAIL(&turns->ready, user, ready_link);
	if (as_shim)
		TAILQ_INSERT_TAIL(&user->shims, turn, link);
	else
		TAILQ_INSERT_TAIL(&user->commands, turn, link);
	if (turns->serving)
		return;
	/* After all connections that are known to be ready, before the kernel is asked for more. */
	if (turn_may(user, clock_mono_usec()))
		event_active(turns->event, EV_TIMEOUT, 0);
	else
		turn_arm(turns);
}

bool turn_has_time(const struct turns *turns, const struct turn *turn)
{
	return TAILQ_EMPTY(&turns->ready) &&
	       turn_debt(turn->user, clock_mono_usec()) < TURN_DEBT_SMALL;
}

static void turn_remove(struct turns *turns, struct turn *turn)
{
	struct turn_user *user = turn->payer;

	if (!turn->ready)
		return;
	turn->ready = false;
	if (turn->as_shim)
		TAILQ_REMOVE(&user->shims, turn, link);
	else
		TAILQ_REMOVE(&user->commands, turn, link);
	if (--user->n_ready == 0)
		TAILQ_REMOVE(&turns->ready, user, ready_link);
}

/* *cpu_usec: the daemon's CPU time at the last look. */
static void turn_serve(struct turns *turns, struct turn_user *user, uint64_t *cpu_usec)
{
	uint64_t begun = *cpu_usec;
	struct turn *turn = TAILQ_EMPTY(&user->shims) ? TAILQ_FIRST(&user->commands)
						      : TAILQ_FIRST(&user->shims);

	turn_remove(turns, turn);
	/* It may free the connection, and the user must outlive that. */
	user->n_conns++;
	turn->serve(turn);
	user->n_conns--;
	*cpu_usec = clock_read_usec(CLOCK_THREAD_CPUTIME_ID);
	turn_charge(user, *cpu_usec - begun);
}

static void turn_on_event(evutil_socket_t fd, short what, void *ctx)
{
	struct turns *turns = ctx;
	uint64_t begun = clock_mono_usec(), now = begun;
	uint64_t cpu_usec = clock_read_usec(CLOCK_THREAD_CPUTIME_ID);
	struct turn_user *user;

	turns->serving = true;
	while (now - begun < TURN_USEC && (user = turn_next(turns, now))) {
		turn_serve(turns, user, &cpu_usec);
		now = clock_mono_usec();
	}
	turns->serving = false;
	turn_arm(turns);
}

int turn_join(struct turns *turns, struct turn *turn, uid_t uid)
{
	turn->user = turn_user(turns, uid);
	if (!turn->user)
		return -ENOMEM;
	turn->user->n_conns++;
	return 0;
}

void turn_leave(struct turns *turns, struct turn *turn)
{
	turn_remove(turns, turn);
	if (turn->user)
		turn->user->n_conns--;
}

unsigned int turn_count_conns(const struct turn *turn)
{
	return turn->user->n_conns;
}

static int turn_start(struct daemon *daemon, struct vc_err *err)
{
	struct turns *turns = calloc(1, sizeof(*turns));

	if (!turns)
		return err_sys(err, ENOMEM, "connections");
	daemon->turns = turns;
	TAILQ_INIT(&turns->ready);
	turns->event = evtimer_new(daemon->base, turn_on_event, turns);
	return turns->event ? 0 : err_sys(err, ENOMEM, "connections");
}

static void turn_stop(struct daemon *daemon)
{
	struct turns *turns = daemon->turns;

	if (!turns)
		return;
	for (size_t i = 0; i < TURN_BUCKETS; i++) {
		struct turn_user *user;

		while ((user = LIST_FIRST(&turns->buckets[i]))) {
			LIST_REMOVE(user, link);
			free(user);
		}
	}
	if (turns->event)
		event_free(turns->event);
	subuid_free(turns->subuid);
	free(turns);
	daemon->turns = NULL;
}

const struct part turn_part = { "turn", turn_start, turn_stop };
