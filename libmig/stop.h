/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stop.h - processes that the terminal has stopped (libmig's own)
 *
 * CRIU carries processes that SIGSTOP or SIGTSTP stopped, and fails at those that SIGTTIN or
 * SIGTTOU did: they used their terminal from the background. Such a process is stopped once
 * more, by SIGSTOP, without having run; neither it nor its parent notices. The images get to say
 * which signal it was, and that is the one that it is stopped by when it is restored.
 */
#ifndef VC_LIBMIG_STOP_H
#define VC_LIBMIG_STOP_H

#include <stddef.h>
#include <sys/types.h>

struct stops;

/* For the running tree, before its dump. 0 or -ENOMEM. *ret: NULL if there is none; free with
 * stops_free(). */
int stops_take(const pid_t *pids, size_t n, struct stops **ret);
void stops_free(struct stops *stops); /* NULL is accepted */

/* Changes the images. 0 or -errno. */
int stops_adapt(const struct stops *stops, int dirfd);

#endif
