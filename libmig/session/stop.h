/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stop.h - stopped processes (libmig's own)
 *
 * A stopped process is stopped before anything else happens to it in its new life: signals that
 * wait for it wait on. Its parent is not told once more, and what it has waited for does not come
 * again.
 *
 * CRIU carries processes that SIGSTOP or SIGTSTP stopped, and fails at those that SIGTTIN or
 * SIGTTOU did: they used their terminal from the background. Such a process is stopped once
 * more, by SIGSTOP, without having run; neither it nor its parent notices. The images get to say
 * which signal it was, and that is the one that it is stopped by when it is restored.
 */
#ifndef VC_LIBMIG_STOP_H
#define VC_LIBMIG_STOP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct stops;

/* For the running tree, before its dump. 0 or -ENOMEM. *ret: NULL if there is none; free with
 * stops_free(). */
int stops_take(const pid_t *pids, size_t n, struct stops **ret);
void stops_free(struct stops *stops); /* NULL is accepted */

/* Whether the images are to be changed. */
bool stops_change(const struct stops *stops); /* NULL: false */

/* Changes the images. 0 or -errno. */
int stops_adapt(const struct stops *stops, int dirfd);

/* For the held tree, as the last of all: those that are to be stopped are. */
struct hold;
void stops_put_back(const struct stops *stops, struct hold *hold); /* NULL is accepted */

#endif
