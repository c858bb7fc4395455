/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * timers.h - the timers of a tree run on during a move (libmig's own)
 *
 * These are the timers of setitimer(2) in real time, of alarm(2) and of timer_create(2). CRIU
 * continues them with the time that was left at the dump, so each move would delay them. CRIU
 * handles timers of CPU time, which stop with their process. Timers that are descriptors are kept
 * as files.
 */
#ifndef VC_LIBMIG_TIMERS_H
#define VC_LIBMIG_TIMERS_H

#include <stddef.h>
#include <sys/types.h>

#include "common/cleanup.h"

struct hold;
struct timers;

/* Notes when each timer expires, at the beginning of a dump. The caller frees the result with
 * timers_free(). Returns NULL on failure; then CRIU delays the timers. */
struct timers *timers_take(struct hold *hold, const pid_t *pids, size_t n);
void timers_free(struct timers *timers); /* NULL is accepted */

/* Sets the timers in the restored tree before it runs. Signals of timers that have expired since
 * then are pending afterwards. NULL is accepted. */
void timers_put_back(const struct timers *timers, struct hold *hold);

DEFINE_CLEANUP(struct timers *, timers_freep, timers_free);

#endif
