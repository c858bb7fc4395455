/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * spin.h - polling for a few microseconds before a sleep
 *
 * A sleep and its wake cost two system calls and an interrupt to an idle CPU: 5 microseconds on
 * hardware, 15 with a hypervisor. To poll for that time costs at most twice as much as the best
 * choice (Karlin, Manasse, McGeoch, Owicki: "Competitive randomized algorithms for non-uniform
 * problems", SODA 1990). A shorter time is not enough: if two threads answer each other, one of
 * them would always sleep while the other is woken. If polling does not help, as with a peer on the
 * same CPU, its time is halved, and it is tried again after some waits.
 */
#ifndef VC_IPCMAP_SPIN_H
#define VC_IPCMAP_SPIN_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#define SPIN_MAX_NSEC 20000
#define SPIN_MIN_NSEC 500   /* shorter times do not help */
#define SPIN_RETRY_WAITS 32 /* one of so many waits tries again */

/* What a handle has learned; initially zero. Threads share it without a lock. */
struct spin_hint {
	uint32_t doubts; /* how often the time was halved */
	uint32_t waits;  /* waits without polling since the last attempt */
};

struct spin {
	struct spin_hint *hint;
	uint64_t end_nsec; /* 0: do not poll */
	uint32_t turns;
};

static inline void spin_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory");
#endif
}

static inline uint64_t spin_clock_nsec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* With one CPU, polling delays the event that is awaited. */
static inline bool spin_is_sensible(void)
{
	static int cpus;
	int n = __atomic_load_n(&cpus, __ATOMIC_RELAXED);

	if (n == 0) {
		n = (int)sysconf(_SC_NPROCESSORS_ONLN);
		__atomic_store_n(&cpus, n, __ATOMIC_RELAXED);
	}
	return n > 1;
}

static inline struct spin spin_begin(struct spin_hint *hint)
{
	uint32_t doubts = __atomic_load_n(&hint->doubts, __ATOMIC_RELAXED);
	uint32_t nsec = doubts < 32 ? SPIN_MAX_NSEC >> doubts : 0;
	struct spin spin = { .hint = hint };

	if (!spin_is_sensible())
		return spin;
	if (nsec < SPIN_MIN_NSEC) {
		uint32_t waits = __atomic_load_n(&hint->waits, __ATOMIC_RELAXED) + 1;

		__atomic_store_n(&hint->waits, waits, __ATOMIC_RELAXED);
		if (waits % SPIN_RETRY_WAITS)
			return spin;
		nsec = SPIN_MAX_NSEC;
	}
	spin.end_nsec = spin_clock_nsec() + nsec;
	return spin;
}

/* Pauses for a moment. Returns false if it is time to sleep. */
static inline bool spin_again(struct spin *spin)
{
	uint32_t doubts;

	if (spin->end_nsec == 0)
		return false;
	spin_pause();
	if (++spin->turns % 16 || spin_clock_nsec() < spin->end_nsec)
		return true;
	doubts = __atomic_load_n(&spin->hint->doubts, __ATOMIC_RELAXED);
	if (SPIN_MAX_NSEC >> doubts >= SPIN_MIN_NSEC)
		__atomic_store_n(&spin->hint->doubts, doubts + 1, __ATOMIC_RELAXED);
	spin->end_nsec = 0;
	return false;
}

/* Called if the event came during the polling. */
static inline void spin_paid(const struct spin *spin)
{
	if (spin->end_nsec && __atomic_load_n(&spin->hint->doubts, __ATOMIC_RELAXED))
		__atomic_store_n(&spin->hint->doubts, 0, __ATOMIC_RELAXED);
}

#endif
