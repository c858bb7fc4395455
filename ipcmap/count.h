/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * count.h - a count in shared memory that one can wait for; what events and semaphores are
 *
 * One word of 64 bits is all there is, so whoever is killed leaves a whole state:
 *
 *	 63                      27   26   25                    0
 *	+--------------------------+-----+------------------------+
 *	| broadcasts               |  W  | count                  |
 *	+--------------------------+-----+------------------------+
 *
 * W: somebody may sleep. Threads sleep on the lower half, with the count 0 and W set. It has
 * the last 5 bits of the broadcasts, so that it changes with each of them; the
 * sleepers compare all bits once awake.
 *
 * W is set before sleeping, and stays while there are sleepers: a post that sees it wakes
 * one. A post that finds nobody to wake takes W away, which is how the mark of a waiter that
 * was killed disappears. Should it have taken it from somebody who was just going to sleep,
 * those that did wake will tell: who has slept and finds W gone when it takes from the
 * count sets it again, and wakes one if more is left.
 */
#ifndef VC_IPCMAP_COUNT_H
#define VC_IPCMAP_COUNT_H

#include <errno.h>
#include <stdint.h>
#include <time.h>

#include "ipcmap/spin.h"

#define COUNT_MAX ((1u << 26) - 1)
#define COUNT_WAITERS (UINT64_C(1) << 26)
#define COUNT_BROADCAST (UINT64_C(1) << 27)

struct count {
	uint64_t state;
};

void count_wake_one(struct count *count, uint64_t posted);
int count_wait_slow(struct count *count, const struct timespec *deadline, struct spin_hint *hint);

/* Adds 1 and lets one waiter go. -EOVERFLOW: it is at COUNT_MAX. Async-signal-safe. */
static inline int count_post(struct count *count)
{
	uint64_t old = __atomic_load_n(&count->state, __ATOMIC_RELAXED);

	do {
		if ((old & COUNT_MAX) == COUNT_MAX)
			return -EOVERFLOW;
	} while (!__atomic_compare_exchange_n(&count->state, &old, old + 1, 1, __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
	if (__builtin_expect((old & COUNT_WAITERS) != 0, 0))
		count_wake_one(count, old + 1);
	return 0;
}

/* Takes 1. -EAGAIN: it is 0. */
static inline int count_try(struct count *count)
{
	uint64_t old = __atomic_load_n(&count->state, __ATOMIC_RELAXED);

	do {
		if ((old & COUNT_MAX) == 0)
			return -EAGAIN;
	} while (!__atomic_compare_exchange_n(&count->state, &old, old - 1, 1, __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
	return 0;
}

/* Takes 1, or returns for a broadcast. -ETIMEDOUT: not until the deadline (NULL: none);
 * -EINVAL: that is no time. */
static inline int count_wait(struct count *count, const struct timespec *deadline,
			     struct spin_hint *hint)
{
	if (__builtin_expect(count_try(count) == 0, 1))
		return 0;
	return count_wait_slow(count, deadline, hint);
}

/* Lets all go that wait. */
void count_broadcast(struct count *count);

static inline uint32_t count_value(const struct count *count)
{
	return __atomic_load_n(&count->state, __ATOMIC_RELAXED) & COUNT_MAX;
}

#endif
