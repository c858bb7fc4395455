/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * daemon.h - vcd, one partition's daemon: the state that its parts share
 *
 * A daemon is a table of parts (part.h). Each part keeps its own state behind a pointer here.
 * docs/JOURNEY.md names the files in the order in which a request passes them.
 */
#ifndef VC_DAEMON_DAEMON_H
#define VC_DAEMON_DAEMON_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/err.h"
#include "partition/cgroup/cgroup.h"
#include "partition/instance.h"
#include "policy/board.h"

#define container_of(member, type, name) ((type *)((char *)(member)-offsetof(type, name)))

struct conn;
struct job;
struct wire_msg;

struct daemon {
	struct event_base *base;
	struct instance *instance;
	const char *name; /* of the partition */
	uint32_t slot;    /* its index */
	struct cg *cg;
	struct board *board;
	TAILQ_HEAD(, conn) conns;
	TAILQ_HEAD(, job) jobs;   /* by number */
	uint64_t last_job_number; /* job::number */
	/* Handles a message of a connection: request_handle(). */
	void (*handle)(struct conn *conn, struct wire_msg *msg);
	/* The state of parts; NULL until a part starts, and after it stops. */
	struct balancer *balancer;
	struct devices *devices;
	struct ipc *ipc;
	struct listener *listener;
	struct moves *moves;
	struct orphans *orphans;
	struct policy_set *policies;
	struct pool *pool;
	struct sampler *sampler;
	struct triggers *triggers; /* also NULL if no event has a trigger */
	struct turns *turns;
	struct witness *witness;
};

#endif
