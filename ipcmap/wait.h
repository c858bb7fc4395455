/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * wait.h - sleeping on a word of shared memory, and waking who sleeps there
 *
 * Futexes that are not private: the word is known by its file, so waiter and waker may be in
 * different jobs. The wait is an absolute one: a wait that a move has cut short, which
 * looks like EINTR, is begun again by the caller with the same deadline. Who wakes has changed the
 * word before.
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
#define WAIT_RESTART (UINT64_MAX - 1) /* the same, and a handler with SA_RESTART does not end it   \
				       */

static inline void wait_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/*
 * Sleeps while *word is value. deadline_usec: CLOCK_MONOTONIC, or one of the above. WAIT_FOREVER
 * has a timeout too, since only such a wait ends with EINTR whenever a handler has run, SA_RESTART
 * or not, which is what System V's calls promise.
 * 0: woken, or the word is another; -EINTR; -ETIMEDOUT; -EFAULT: the memory has gone.
 */
static inline int wait_on(uint32_t *word, uint32_t value, uint64_t deadline_usec)
{
	struct timespec until = { .tv_sec = INT32_MAX };
	long r;

	if (deadline_usec < WAIT_RESTART) {
		until.tv_sec = (time_t)(deadline_usec / 1000000);
		until.tv_nsec = (long)(deadline_usec % 1000000) * 1000;
	}
	r = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value,
		    deadline_usec == WAIT_RESTART ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
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
