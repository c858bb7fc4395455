/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conn.h - connections to daemons, for door.c
 *
 * The daemon that is the caller's own (known from the last answer in this thread) is tried first,
 * then every other.
 */
#ifndef VC_IPCMAP_DOOR_CONN_H
#define VC_IPCMAP_DOOR_CONN_H

#include <stdbool.h>

struct kept;
struct wire;

struct door_conn {
	struct wire *wire;
	struct kept *kept;  /* it has been used before; NULL: it is new */
	char partition[64]; /* of a new one: whose daemon it is to */
};

/* A connection for one request. fresh: one that has not been used; wary: a daemon has not answered
 * already, so it is looked at whether this one is stopped. -ENOTCONN: no daemon runs; -ENOMEM,
 * -EMFILE, -ENFILE. */
int door_conn_get(struct door_conn *ret, bool fresh, bool wary);

/* Gives it back; well: its last answer was read, and it can be used again. */
void door_conn_put(struct door_conn *conn, bool well);

/* The partition whose daemon should be asked next time; NULL: not known. */
void door_conn_near(const char *partition);

#endif
