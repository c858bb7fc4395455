/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * flight.h - descriptors that wait in a socket to be received (libmig's own)
 *
 * A socket is kept with its queue (keep.h). A descriptor in the queue that is bound to the
 * processes of the old tree would be useless when it is received: a pidfd of the tree, one of its
 * files in /proc, a userfaultfd. No call can replace it in the queue.
 */
#ifndef VC_LIBMIG_FLIGHT_H
#define VC_LIBMIG_FLIGHT_H

#include <stddef.h>
#include <sys/types.h>

/* Returns the number of descriptors that wait in a socket with this text in fdinfo. */
unsigned int flight_count(const char *fdinfo);

/*
 * Checks the descriptors that wait in a Unix socket, fd of pid, which belongs to the tree (pids).
 * Returns 0 if none is bound to the tree. -EOPNOTSUPP: one is, or it cannot be known, for example
 * because another user's process may have sent it; ret names it.
 */
int flight_check(pid_t pid, int fd, const pid_t *pids, size_t n, char *ret, size_t size);

#endif
