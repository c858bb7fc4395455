/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guard.h - the lock in the memory of a System V or POSIX object
 *
 * The lock is one 32-bit word with the kernel's format of robust futexes: 0 if free, otherwise the
 * holder's TID with FUTEX_WAITERS and FUTEX_OWNER_DIED. While a thread takes, holds or releases a
 * guard, list_op_pending of its robust list names the word. If the thread is killed, the kernel
 * marks the word and wakes a waiter. No pointer is ever read from shared memory, which a robust
 * pthread_mutex_t would do with its list. A move clears that field in the original before it kills
 * the original (libmig/robust.c), so a guard that is held during a move stays held.
 *
 * A thread holds at most one guard at a time, with all signals blocked. It must not take or release
 * a robust lock of the C library, or a lock of ipcmap/lock.h, at the same time.
 */
#ifndef VC_IPCMAP_GUARD_H
#define VC_IPCMAP_GUARD_H

#include <stdint.h>

/* An object counts as broken if its guard is held for longer. A move of the holder takes up to
 * seconds, the work under a guard microseconds. */
#define GUARD_PATIENCE_USEC (30 * UINT64_C(1000000))

/*
 * Takes the guard. 0; -EOWNERDEAD: taken, but its last holder died, and the caller must repair the
 * object; -ETIMEDOUT: not taken within GUARD_PATIENCE_USEC; -EDEADLK: the word names this thread,
 * so the word is damaged.
 */
int guard_lock(uint32_t *word);

/* The same without waiting. -EBUSY: another thread has it. */
int guard_trylock(uint32_t *word);

void guard_unlock(uint32_t *word);

/* Releases a guard that was taken with -EOWNERDEAD; the next holder repairs. */
void guard_unlock_unrepaired(uint32_t *word);

/* Called in the child of a fork before any other function here: the TID is different. */
void guard_forked(void);

#endif
