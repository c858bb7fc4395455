// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * turn.c - which connection is served next
 *
 * The daemon has one thread, so a request waits for those before it. The order is fair between
 * users, however many connections each of them has: the CPU time that a user's requests took is
 * the user's debt, the user with the least debt comes first, and a debt is forgotten at a
 * constant rate. That is least attained service (Kleinrock, "Queueing Systems", volume 2,
 * section 4.7), with users for jobs and with decay. A piece of work is one message, or one piece
 * of a long answer (conn_answer()), so nobody waits for longer than the largest piece.
 *
 * A daemon runs at a high priority. A user whose debt is large is made to wait even if nobody else
 * asks, or the requests would take the CPU from the jobs. Root is not.
 *
 * A shim's message is at the expense of its job's user. It comes before that user's commands, and
 * while they wait for the debt to shrink: it says what has happened already. Only a job that makes
 * its shim report without end gets beyond the debt at which shims wait too.
 *
 * After TURN_USEC the event loop goes round once, so that timers are late by no more than that,
 * and what is new is seen.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/subuid.h"

#define TURN_USEC 2000
#define TURN_FORGET 0.5              /* of a second of debt, forgotten in a second */
#define TURN_DEBT_MAX 250000.0       /* above this, a user waits */
#define TURN_SHIM_DEBT_MAX 2000000.0 /* above this, the user's shims wait */
#define TURN_LEAST_USEC 5            /* what a piece of work costs at least */
#define TURN_BUCKETS 64
#define TURN_SUBUID_USEC 60000000u

LIST_HEAD(turn_bucket, turn_user);

struct turns {
	struct event *event;
	struct turn_bucket buckets[TURN_BUCKETS]; /* users by uid */
	TAILQ_HEAD(, turn_user) ready;            /* that have a connection to be served */
	struct subuid *subuid;                    /* whose uids are whose; NULL: not known */
	uint64_t subuid_usec;                     /* CLOCK_MONOTONIC of when it was read */
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

/* If a user was given further uids, they have no shares of their own. */
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

/* The event comes when somebody may be served: at once, or when the first has little enough debt.
 */
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

static void turn_put(struct conn *conn)
{
	struct turn_user *user = conn->payer;

	if (user->n_ready++ == 0)
		TAILQ_INSERT_TAIL(&conn->daemon->turns->ready, user, ready_link);
	conn->ready = true;
	conn->ready_as_shim = conn_is_shim(conn);
	if (conn->ready_as_shim)
		TAILQ_INSERT_TAIL(&user->shims, conn, ready_link);
	else
		TAILQ_INSERT_TAIL(&user->commands, conn, ready_link);
}

/* Who pays for what a connection asks. */
static struct turn_user *turn_payer(struct conn *conn)
{
	uid_t uid = conn->job ? conn->job->state->uid : conn->starting ? conn->owner : conn->uid;
	struct turn_user *user = turn_user(conn->daemon->turns, uid);

	return user ? user : conn->user;
}

void turn_owe(struct conn *conn, uint64_t cost_usec)
{
	turn_charge(turn_payer(conn), cost_usec);
}

void turn_add(struct conn *conn)
{
	struct turns *turns = conn->daemon->turns;

	if (conn->ready)
		return;
	conn->payer = turn_payer(conn);
	turn_put(conn);
	/* Behind all that is known to be ready now, but before the kernel is asked for more. */
	if (turn_may(conn->payer, clock_mono_usec()))
		event_active(turns->event, EV_TIMEOUT, 0);
	else
		turn_arm(turns);
}

void turn_remove(struct conn *conn)
{
	struct turn_user *user = conn->payer;

	if (!conn->ready)
		return;
	conn->ready = false;
	if (conn->ready_as_shim)
		TAILQ_REMOVE(&user->shims, conn, ready_link);
	else
		TAILQ_REMOVE(&user->commands, conn, ready_link);
	if (--user->n_ready == 0)
		TAILQ_REMOVE(&conn->daemon->turns->ready, user, ready_link);
}

static void turn_serve(struct turn_user *user)
{
	uint64_t begun = clock_read_usec(CLOCK_THREAD_CPUTIME_ID);
	struct conn *conn = TAILQ_EMPTY(&user->shims) ? TAILQ_FIRST(&user->commands)
						      : TAILQ_FIRST(&user->shims);
	bool again;

	turn_remove(conn);
	/* It may free the connection, and the user must outlive that. */
	user->n_conns++;
	again = conn_serve(conn);
	user->n_conns--;
	turn_charge(user, clock_read_usec(CLOCK_THREAD_CPUTIME_ID) - begun);
	if (again) {
		conn->payer = turn_payer(conn);
		turn_put(conn);
	}
}

static void turn_on_event(evutil_socket_t fd, short what, void *ctx)
{
	struct turns *turns = ctx;
	uint64_t begun = clock_mono_usec(), now = begun;
	struct turn_user *user;

	while (now - begun < TURN_USEC && (user = turn_next(turns, now))) {
		turn_serve(user);
		now = clock_mono_usec();
	}
	turn_arm(turns);
}

int turn_join(struct conn *conn)
{
	conn->user = turn_user(conn->daemon->turns, conn->uid);
	if (!conn->user)
		return -ENOMEM;
	conn->user->n_conns++;
	return 0;
}

void turn_leave(struct conn *conn)
{
	turn_remove(conn);
	if (conn->user)
		conn->user->n_conns--;
}

int turn_start(struct daemon *daemon, struct vc_err *err)
{
	struct turns *turns = calloc(1, sizeof(*turns));

	if (!turns)
		return err_sys(err, ENOMEM, "connections");
	daemon->turns = turns;
	TAILQ_INIT(&turns->ready);
	turns->event = evtimer_new(daemon->base, turn_on_event, turns);
	return turns->event ? 0 : err_sys(err, ENOMEM, "connections");
}

void turn_stop(struct daemon *daemon)
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
