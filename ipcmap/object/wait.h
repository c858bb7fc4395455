/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * wait.h - sleeping on a word of shared memory, and waking who sleeps there
 *
 * Futexes that are not private: the word is known by its file, so waiter and waker may be in
 * different jobs. The wait is an absolute one: whoever is interrupted, be it by a move, begins
 * again with the same deadline. Who wakes has changed the word before.
 */
#ifndef VC_IPCMAP_WAIT_H
#define VC_IPCMAP_WAIT_H

#include <errno.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WAIT_FOREVER UINT64_MAX

static inline void wait_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* NULL: for ever. */
static inline const struct timespec *wait_until(uint64_t deadline_usec, struct timespec *until)
{
	until->tv_sec = (time_t)(deadline_usec / 1000000);
	until->tv_nsec = (long)(deadline_usec % 1000000) * 1000;
	return deadline_usec == WAIT_FOREVER ? NULL : until;
}

/*
 * Sleeps while *word is value. deadline_usec: CLOCK_MONOTONIC, or WAIT_FOREVER.
 * 0: woken, or the word is another; -EINTR: perhaps; -ETIMEDOUT; -EFAULT: the memory has gone.
 */
static inline int wait_on(uint32_t *word, uint32_t value, uint64_t deadline_usec)
{
	struct timespec until;
	long r = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value,
			 wait_until(deadline_usec, &until), NULL, FUTEX_BITSET_MATCH_ANY);

	return r < 0 && errno != EAGAIN ? -errno : 0;
}

/* Wakes at most n sleepers. */
static inline void wait_wake(uint32_t *word, int n)
{
	int saved = errno;

	syscall(SYS_futex, word, FUTEX_WAKE, n, NULL, NULL, 0);
	errno = saved;
}

#endif
