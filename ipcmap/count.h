/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * count.h - a count in shared memory with waiters; events and semaphores consist of it
 *
 * The state is one word of 64 bits, so a process that is killed leaves a complete state:
 *
 * 	 63                      27   26   25                    0
 * 	+--------------------------+-----+------------------------+
 * 	| broadcasts               |  W  | count                  |
 * 	+--------------------------+-----+------------------------+
 *
 * W: threads may sleep. They sleep on the lower half while the count is 0 and W is set. The lower
 * half includes the last 5 bits of the broadcasts, so each broadcast changes it; a sleeper compares
 * all bits after it was woken.
 *
 * W is set before a sleep and stays set while there are sleepers. A post that sees W wakes one. A
 * post that wakes nobody clears W, so the mark of a killed waiter disappears. If this clears the
 * mark of a thread that is just going to sleep, an awake sleeper repairs it: a thread that has
 * slept and finds W cleared when it takes from the count sets W again, and wakes another thread if
 * the count is not 0.
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

/* Adds 1 and releases one waiter. -EOVERFLOW: the count is COUNT_MAX. Async-signal-safe. */
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

/* Takes 1. -EAGAIN: the count is 0. */
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

/* Waits for 1 to take, or for a broadcast. -ETIMEDOUT: the deadline (NULL: none) has passed;
 * -EINVAL: it is not a time. */
static inline int count_wait(struct count *count, const struct timespec *deadline,
			     struct spin_hint *hint)
{
	if (__builtin_expect(count_try(count) == 0, 1))
		return 0;
	return count_wait_slow(count, deadline, hint);
}

/* Releases all waiters. */
void count_broadcast(struct count *count);

static inline uint32_t count_value(const struct count *count)
{
	return __atomic_load_n(&count->state, __ATOMIC_RELAXED) & COUNT_MAX;
}

#endif
