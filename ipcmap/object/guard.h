/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guard.h - the lock inside a System V or POSIX object's memory
 *
 * One 32-bit word as the kernel's robust futexes have it: 0 free, else the holder's TID,
 * with FUTEX_WAITERS and FUTEX_OWNER_DIED. While a thread takes, has or gives back a guard, its
 * robust list's list_op_pending names the word. So when the thread is killed the kernel
 * marks the word and wakes a waiter; and nothing that lies in shared memory is ever followed as a
 * pointer, which a robust pthread_mutex_t would do with its list. A move clears that field in
 * the original before it kills it (libmig/robust.c): a guard held across a move stays held.
 *
 * A thread may hold one guard at a time, with all signals blocked, and no lock of glibc's
 * that is robust may be taken or released meanwhile.
 */
#ifndef VC_IPCMAP_GUARD_H
#define VC_IPCMAP_GUARD_H

#include <stdint.h>

/* For how long a guard may be held by somebody before its object counts as broken: a move of its
 * holder takes up to seconds, what is done under a guard microseconds. */
#define GUARD_PATIENCE_USEC (30 * UINT64_C(1000000))

/*
 * Takes the guard. 0; -EOWNERDEAD: taken too, and its last holder died in the middle of
 * something, which is to be repaired first; -ETIMEDOUT: not taken within GUARD_PATIENCE_USEC;
 * -EDEADLK: the word says that this very thread has it, so it is damaged.
 */
int guard_lock(uint32_t *word);

/* The same without waiting: -EBUSY when somebody has it. */
int guard_trylock(uint32_t *word);

void guard_unlock(uint32_t *word);

/* Gives back a guard that was taken with -EOWNERDEAD: who takes it next repairs. */
void guard_unlock_unrepaired(uint32_t *word);

/* To be called in a fork's child before anything else here: its TID is another. */
void guard_forked(void);

#endif
