// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * guard.c - a lock in shared memory that survives its holder's death and move
 *
 * The kernel's Documentation/locking/robust-futex-ABI.rst defines the protocol. Deviation: the word
 * is never in the list; list_op_pending alone names it.
 */
#include "ipcmap/object/guard.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.h"
#include "ipcmap/futex.h"
#include "ipcmap/spin.h"

#define GUARD_SPINS 200
#define GUARD_SLICE_USEC 1000000

/* This thread; tid 0: not known yet. */
static __thread struct {
	uint32_t tid;
	struct robust_list_head *head;
	struct robust_list_head own; /* for a thread without a list of the C library */
} guard_self;

void guard_forked(void)
{
	guard_self.tid = 0;
}

static void guard_know_self(void)
{
	size_t len;

	if (guard_self.tid)
		return;
	if (syscall(SYS_get_robust_list, 0, &guard_self.head, &len) < 0 || !guard_self.head) {
		guard_self.own.list.next = &guard_self.own.list;
		guard_self.head = &guard_self.own;
		syscall(SYS_set_robust_list, &guard_self.own, sizeof(guard_self.own));
	}
	guard_self.tid = (uint32_t)syscall(SYS_gettid);
}

/* The kernel adds futex_offset to the entry and finds the word. */
static void guard_announce(uint32_t *word)
{
	void *entry = word ? (char *)word - guard_self.head->futex_offset : NULL;

	__atomic_store_n((void **)&guard_self.head->list_op_pending, entry, __ATOMIC_SEQ_CST);
}

/* One attempt. 0 or -EOWNERDEAD: taken; otherwise -EBUSY or -EDEADLK, and the word as it was. */
static int guard_attempt(uint32_t *word, uint32_t keep, uint32_t *ret_seen)
{
	uint32_t seen = __atomic_load_n(word, __ATOMIC_RELAXED);

	while (!(seen & FUTEX_TID_MASK)) {
		uint32_t mine = guard_self.tid | keep | (seen & FUTEX_WAITERS);

		if (__atomic_compare_exchange_n(word, &seen, mine, false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return seen & FUTEX_OWNER_DIED ? -EOWNERDEAD : 0;
	}
	*ret_seen = seen;
	return (seen & FUTEX_TID_MASK) == guard_self.tid ? -EDEADLK : -EBUSY;
}

int guard_trylock(uint32_t *word)
{
	uint32_t seen;
	int r;

	guard_know_self();
	guard_announce(word);
	r = guard_attempt(word, 0, &seen);
	if (r < 0 && r != -EOWNERDEAD)
		guard_announce(NULL);
	return r;
}

static int guard_spin(uint32_t *word)
{
	uint32_t seen;
	int r = -EBUSY;

	for (int i = 0; i < GUARD_SPINS && r == -EBUSY; i++) {
		r = guard_attempt(word, 0, &seen);
		if (r == -EBUSY)
			spin_pause();
	}
	return r;
}

int guard_lock(uint32_t *word)
{
	uint64_t deadline = 0;
	uint32_t seen;
	int r;

	guard_know_self();
	guard_announce(word);
	r = guard_spin(word);
	while (r == -EBUSY) {
		uint64_t now = clock_mono_usec();

		deadline = deadline ? deadline : now + GUARD_PATIENCE_USEC;
		r = now < deadline ? guard_attempt(word, FUTEX_WAITERS, &seen) : -ETIMEDOUT;
		if (r != -EBUSY)
			break;
		if (!(seen & FUTEX_WAITERS) &&
		    !__atomic_compare_exchange_n(word, &seen, seen | FUTEX_WAITERS, false,
						 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			continue;
		futex_wait(word, seen | FUTEX_WAITERS, now + GUARD_SLICE_USEC);
	}
	if (r < 0 && r != -EOWNERDEAD)
		guard_announce(NULL);
	return r;
}

static void guard_give_back(uint32_t *word, uint32_t value)
{
	uint32_t was = __atomic_exchange_n(word, value, __ATOMIC_RELEASE);

	if (was & FUTEX_WAITERS)
		futex_wake(word, 1);
	guard_announce(NULL);
}

void guard_unlock(uint32_t *word)
{
	guard_give_back(word, 0);
}

void guard_unlock_unrepaired(uint32_t *word)
{
	guard_give_back(word, FUTEX_OWNER_DIED);
}
