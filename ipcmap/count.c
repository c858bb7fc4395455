// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * count.c - the slow paths of a count: to sleep and to wake
 */
#include "ipcmap/count.h"

#include <limits.h>
#include <stdbool.h>

#include "ipcmap/futex.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the lower half is the first");

static const uint32_t *count_word(const struct count *count)
{
	return (const uint32_t *)(const void *)&count->state;
}

static bool count_exchange(struct count *count, uint64_t *old, uint64_t new)
{
	return __atomic_compare_exchange_n(&count->state, old, new, 0, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

/* posted: the state after the post. */
void count_wake_one(struct count *count, uint64_t posted)
{
	if (futex_wake(count_word(count), 1) == 0)
		count_exchange(count, &posted, posted & ~COUNT_WAITERS);
}

void count_broadcast(struct count *count)
{
	uint64_t old = __atomic_load_n(&count->state, __ATOMIC_RELAXED);

	while (!count_exchange(count, &old, (old + COUNT_BROADCAST) & ~COUNT_WAITERS))
		;
	if (old & COUNT_WAITERS)
		futex_wake(count_word(count), INT_MAX);
}

static bool count_has_broadcast(uint64_t then, uint64_t now)
{
	return then / COUNT_BROADCAST != now / COUNT_BROADCAST;
}

/* Returns true if the wait is over; otherwise *now is the present state. */
static bool count_look(struct count *count, uint64_t begun, bool slept, uint64_t *now)
{
	*now = __atomic_load_n(&count->state, __ATOMIC_ACQUIRE);
	for (;;) {
		uint64_t left = *now - 1;

		if (count_has_broadcast(begun, *now))
			return true;
		if ((*now & COUNT_MAX) == 0)
			return false;
		if (!count_exchange(count, now, slept ? left | COUNT_WAITERS : left))
			continue;
		if (slept && !(*now & COUNT_WAITERS) && (left & COUNT_MAX))
			futex_wake(count_word(count), 1);
		return true;
	}
}

int count_wait_slow(struct count *count, const struct timespec *deadline, struct spin_hint *hint)
{
	uint64_t begun = __atomic_load_n(&count->state, __ATOMIC_ACQUIRE), now;
	struct spin spin = spin_begin(hint);
	bool slept = false;
	int r;

	do {
		now = __atomic_load_n(&count->state, __ATOMIC_RELAXED);
		if (((now & COUNT_MAX) || count_has_broadcast(begun, now)) &&
		    count_look(count, begun, false, &now)) {
			spin_paid(&spin);
			return 0;
		}
	} while (spin_again(&spin));
	while (!count_look(count, begun, slept, &now)) {
		if (!(now & COUNT_WAITERS) && !count_exchange(count, &now, now | COUNT_WAITERS))
			continue;
		r = futex_sleep(count_word(count), (uint32_t)(now | COUNT_WAITERS), deadline);
		if (r < 0)
			return r;
		slept = true;
	}
	return 0;
}
