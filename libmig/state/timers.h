/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * timers.h - the timers of a tree run on while it is moved (libmig's own)
 *
 * setitimer(2)'s of real time, alarm(2), and those of timer_create(2). CRIU lets them go on from
 * what was left at the dump, so that each move makes them late. Timers of CPU time stand still with
 * their process and are CRIU's. Timers that are descriptors are files.
 */
#ifndef VC_LIBMIG_TIMERS_H
#define VC_LIBMIG_TIMERS_H

#include <stddef.h>
#include <sys/types.h>

struct hold;
struct timers;

/* At the beginning of a dump: when each timer expires. NULL: that is not known, and CRIU's
 * way remains. Free with timers_free(). */
struct timers *timers_take(struct hold *hold, const pid_t *pids, size_t n);
void timers_free(struct timers *timers); /* NULL is accepted */

/* In the restored tree before it runs: each timer expires when it would have. Signals of those
 * that have expired in between are pending then, as they would be. NULL is accepted. */
void timers_put_back(const struct timers *timers, struct hold *hold);

#endif
