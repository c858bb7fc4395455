/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * flight.h - descriptors that were sent over a socket and not received yet (libmig's own)
 *
 * A socket is kept as it is (keep.h), so what is in its queue is what the old tree has sent. A
 * descriptor there that is bound to the processes that die would be received dead: a pidfd of
 * the tree, one of its files in /proc, a userfaultfd. Nothing can take it out of the queue or
 * put another one in its place.
 */
#ifndef VC_LIBMIG_FLIGHT_H
#define VC_LIBMIG_FLIGHT_H

#include <stddef.h>
#include <sys/types.h>

/* Whether what fdinfo says of a socket is that descriptors wait in it. */
unsigned int flight_count(const char *fdinfo);

/*
 * Looks at what waits in a Unix socket, fd of pid, which belongs to the tree (pids). 0: nothing
 * that is bound to the tree. -EOPNOTSUPP: ret has what it is, or that it cannot be told, as when
 * another user's process may have sent it.
 */
int flight_check(pid_t pid, int fd, const pid_t *pids, size_t n, char *ret, size_t size);

#endif
