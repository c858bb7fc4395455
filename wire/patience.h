/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * patience.h - for how long to wait for the process at the other end
 *
 * A daemon that is stopped, or frozen, never answers, and a command is not to wait for it. A daemon
 * that is busy answers late, above all a user who asks much. They are told apart by the kernel's
 * word whether the process has run: a daemon wakes up several times a second, also on a busy
 * machine, since its priority is high.
 *
 * The process is the one that listened (SO_PEERCRED). Where nothing can be known of it, as with
 * /proc mounted with hidepid, it is taken for one that does not run.
 */
#ifndef VC_WIRE_PATIENCE_H
#define VC_WIRE_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct wire;

#define PATIENCE_SILENT_USEC 1000000u   /* with a process that does not run */
#define PATIENCE_LONGEST_USEC 30000000u /* with one that runs, and does not answer */

struct patience {
	pid_t pid;          /* 0: not known */
	uint64_t runs;      /* how often it had run at the last look */
	uint64_t runs_usec; /* since when that has not changed, CLOCK_MONOTONIC */
	uint64_t begun_usec;
};

void patience_begin(struct patience *patience, const struct wire *wire);

/* -ETIMEDOUT if the process at the other end is stopped at this moment. */
int patience_check_stopped(const struct wire *wire, struct vc_err *err);

enum patience_for {
	PATIENCE_FOR_ANSWER, /* until there is something to be read */
	PATIENCE_FOR_TAKER,  /* or all that was sent has been read: somebody else may answer, later
			      */
};
/* Waits. 0, or -ETIMEDOUT with the reason. patience NULL: from now on. */
int patience_await(struct patience *patience, const struct wire *wire, enum patience_for what,
		   struct vc_err *err);

#endif
