/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * recharge.h - a job's memory is charged to the group that its processes are in now
 *
 * A page stays charged to the group whose process has touched it first. It is charged anew when it
 * is replaced by a copy. That is done here for private anonymous memory while the job runs.
 */
#ifndef VC_LIBMIG_LIVE_RECHARGE_H
#define VC_LIBMIG_LIVE_RECHARGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct recharge {
	uint64_t moved_bytes;  /* charged anew */
	uint64_t left_bytes;   /* private anonymous memory that is not */
	uint64_t shared_bytes; /* of that: shared by processes since a fork */
	uint64_t stop_usec;    /* for how long a thread was stopped, at most */
};

/* Looks which memory of the processes recharge_run() would charge anew, and changes nothing. */
void recharge_look(const pid_t *pids, size_t n, struct recharge *ret);

/* has() is called in a child process that has none of the caller's descriptors. */
struct recharge_job {
	const pid_t *pids;
	size_t n;
	bool (*has)(pid_t pid, const void *ctx); /* whether the process with this number is its */
	const void *ctx;
};

/*
 * Does it. Processes that have ended are left out. Returns 0, or -errno if it could not begin or
 * took too long, which is 10 seconds and more for much memory; *ret is what was done until then.
 */
int recharge_run(const struct recharge_job *job, struct recharge *ret);

#endif
