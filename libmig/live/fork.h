/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fork.h - a process of a job forks, without its doing
 *
 * The child never runs. It shares the pages of its parent, so that the next process to claim a page
 * for itself gets a copy.
 */
#ifndef VC_LIBMIG_LIVE_FORK_H
#define VC_LIBMIG_LIVE_FORK_H

#include <stdint.h>
#include <sys/types.h>

struct forked {
	pid_t parent;
	int pidfd;          /* of the parent; the caller's */
	pid_t child;        /* as this process sees it; 0: none */
	long number;        /* as the parent sees it */
	uint64_t stop_usec; /* for how long a thread of the parent was stopped, at most */
};

/*
 * Makes the process fork. The caller becomes the tracer of the child, which ends with the caller.
 * The caller traces no other process, and blocks SIGCHLD. Returns 0; -EBUSY: no thread of it stops
 * in time; -EPERM: another process traces it, or its filters cannot be suspended; -ESRCH: it has
 * ended; other -errno: of the call. After -EBUSY the caller may be the tracer of a thread that
 * runs, until the caller ends. fork_end() is called after every result.
 */
int fork_begin(pid_t pid, int pidfd, struct forked *ret);
/* Ends the child, and lets the parent wait for it. Returns 0 or -errno; -EBUSY: as above. */
int fork_end(struct forked *forked);

#endif
