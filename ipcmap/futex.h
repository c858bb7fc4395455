/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * futex.h - sleeping on a word of shared memory, by two rules
 *
 * Moves. A thread that sleeps with a timeout sees EINTR when its job is moved, and a wake that
 * comes between dump and restore wakes nobody. So the word is always changed before a wake
 * (the kernel then refuses to sleep again), and futex_sleep() returning means no more than:
 * look again.
 *
 * Deaths. A wake may go to a thread that is killed before it has done anything about it, or
 * the waker itself may be killed between change and wake. So nobody sleeps for longer than
 * FUTEX_SLICE_SEC without a look; that is all that such a death can cost.
 */
#ifndef VC_IPCMAP_FUTEX_H
#define VC_IPCMAP_FUTEX_H

#include <errno.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FUTEX_SLICE_SEC 1

/* What is left until a deadline (CLOCK_MONOTONIC), a slice at most. -ETIMEDOUT: nothing;
 * -EINVAL: it is no time. */
static inline int futex_slice(const struct timespec *deadline, struct timespec *ret)
{
	struct timespec now;

	*ret = (struct timespec){ .tv_sec = FUTEX_SLICE_SEC };
	if (!deadline)
		return 0;
	if (deadline->tv_nsec < 0 || deadline->tv_nsec >= 1000000000)
		return -EINVAL;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (deadline->tv_sec < now.tv_sec ||
	    (deadline->tv_sec == now.tv_sec && deadline->tv_nsec <= now.tv_nsec))
		return -ETIMEDOUT;
	if (deadline->tv_sec - now.tv_sec > FUTEX_SLICE_SEC)
		return 0;
	now.tv_sec = deadline->tv_sec - now.tv_sec;
	now.tv_nsec = deadline->tv_nsec - now.tv_nsec;
	if (now.tv_nsec < 0) {
		now.tv_sec--;
		now.tv_nsec += 1000000000;
	}
	if (now.tv_sec < FUTEX_SLICE_SEC)
		*ret = now;
	return 0;
}

/* Sleeps while *word is expected, until woken. 0: look again, for whatever reason;
 * -ETIMEDOUT: the deadline (NULL: none) has passed; -EINVAL. */
static inline int futex_sleep(const uint32_t *word, uint32_t expected,
			      const struct timespec *deadline)
{
	struct timespec slice;
	int r = futex_slice(deadline, &slice);

	if (r == 0)
		syscall(SYS_futex, word, FUTEX_WAIT, expected, &slice, NULL, 0);
	return r;
}

/* Wakes up to n sleepers and says how many. The word must have been changed. */
static inline long futex_wake(const uint32_t *word, int n)
{
	return syscall(SYS_futex, word, FUTEX_WAKE, n, NULL, NULL, 0);
}

#endif
