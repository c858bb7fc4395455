/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * turn.h - the order in which connections are served
 */
#ifndef VC_DAEMON_TURN_H
#define VC_DAEMON_TURN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

struct turns;
struct turn_user;

/* A connection's place in the order; embedded in struct conn. */
struct turn {
	TAILQ_ENTRY(turn) link;  /* turn_user::commands or ::shims */
	struct turn_user *user;  /* of the connection */
	struct turn_user *payer; /* whose debt grows while the connection is served */
	bool ready, as_shim;
	/* Does one piece of work, and calls turn_add() if there is more. May free the turn. */
	void (*serve)(struct turn *turn);
};

/* A connection of a user begins and ends. -ENOMEM. */
int turn_join(struct turns *turns, struct turn *turn, uid_t uid);
void turn_leave(struct turns *turns, struct turn *turn);
/* How many connections the turn's user has. */
unsigned int turn_count_conns(const struct turn *turn);
/* The connection has work to do, at the expense of the user payer. */
void turn_add(struct turns *turns, struct turn *turn, uid_t payer, bool as_shim);
/* Returns true if no other connection waits and the debt of the turn's user is small. The daemon
 * may then poll for its next request; the time counts as debt. */
bool turn_has_time(const struct turns *turns, const struct turn *turn);
/* A user also pays for work that other processes do because of a request. */
void turn_owe(struct turns *turns, uid_t payer, uint64_t cost_usec);

#endif
