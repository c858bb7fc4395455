/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * patience.h - for how long to wait for the process at the other end
 *
 * A daemon that is stopped or frozen never answers, and a command must not wait for it. A busy
 * daemon answers late, above all a user with many requests. The kernel's count of how often the
 * process has run tells them apart: a daemon wakes up several times a second, also on a busy
 * machine, because its priority is high.
 *
 * The process is the one that listened (SO_PEERCRED). If the kernel shows nothing of it, as with
 * /proc mounted with hidepid, it counts as a process that does not run.
 */
#ifndef VC_WIRE_PATIENCE_H
#define VC_WIRE_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct wire;

#define PATIENCE_SILENT_USEC 1000000u   /* with a process that does not run */
#define PATIENCE_LONGEST_USEC 30000000u /* with a process that runs, but does not answer */

struct patience {
	pid_t pid;          /* 0: not known */
	uint64_t runs;      /* how often it had run at the last look */
	uint64_t runs_usec; /* CLOCK_MONOTONIC of the last change of runs */
	uint64_t begun_usec;
};

/* Begins to wait for the peer. */
void patience_begin(struct patience *patience, const struct wire *wire);

/* Returns -ETIMEDOUT if the process at the other end is stopped now, else 0. */
int patience_check_stopped(const struct wire *wire, struct vc_err *err);

enum patience_for {
	PATIENCE_FOR_ANSWER, /* until there are bytes to read */
	PATIENCE_FOR_TAKER,  /* or all sent bytes were read: another process can answer later */
};
/* Waits. Returns 0, or -ETIMEDOUT with the reason. patience NULL: begins now. */
int patience_await(struct patience *patience, const struct wire *wire, enum patience_for what,
		   struct vc_err *err);

#endif
