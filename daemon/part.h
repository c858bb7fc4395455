/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * part.h - the parts of a daemon
 *
 * main.c starts them in this order and stops them in reverse. A new part is one file that
 * defines NAME_part, and one row here.
 */
#ifndef VC_DAEMON_PART_H
#define VC_DAEMON_PART_H

#include "common/err.h"

struct daemon;

struct part {
	const char *name;
	/* Returns 0, or -errno with err set. */
	int (*start)(struct daemon *daemon, struct vc_err *err);
	/* Frees the part's state. NULL: nothing to free. Also called if start() failed. */
	void (*stop)(struct daemon *daemon);
};

#define PARTS(X)                                                                                   \
	X(lock)     /* open.c: one daemon for each partition */                                    \
	X(groups)   /* open.c: the cgroups */                                                      \
	X(board)    /* open.c: the samples of all partitions */                                    \
	X(policies) /* open.c */                                                                   \
	X(ipc)      /* ipc/ipc.c: the table of IPC objects, and the processes that use them */     \
	X(turn)     /* conn/turn.c: the order in which connections are served */                   \
	X(moves)    /* job/moves.c: the last moves */                                              \
	X(orphan)   /* job/orphan.c: jobs whose shim was killed during a live move */              \
	X(listen)   /* conn/listen.c: the socket; commands can connect from here on */             \
	X(sample)   /* sample.c: measures this partition */                                        \
	X(pool)     /* job/pool.c: shims that wait for a job */                                    \
	X(balancer) /* balancer.c: moves jobs automatically */                                     \
	X(devices)  /* devices.c: interrupts and denied device nodes */                            \
	X(witness)  /* event/witness.c: notices that the partition's group was killed */           \
	X(trigger)  /* event/trigger.c: fires events */

#define PART_DECLARE(name) extern const struct part name##_part;
PARTS(PART_DECLARE)
#undef PART_DECLARE

#endif
