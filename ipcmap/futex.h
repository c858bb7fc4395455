/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * futex.h - sleeping on a word of shared memory
 *
 * The futexes are not private: a sleeper and its waker may be in different jobs. Two rules:
 *
 * Moves. If a job is moved, a thread that sleeps with a timeout gets EINTR, and a wake between dump
 * and restore has no effect. Therefore a word is always changed before a wake, so that the kernel
 * refuses the next sleep, and a return from a sleep only means: look again. Deadlines are absolute.
 *
 * Deaths. A thread may be killed after it was woken and before it acts, or a waker between the
 * change and the wake. Therefore futex_sleep() returns after FUTEX_SLICE_SEC at the latest. Users
 * of futex_wait() either wake all sleepers or choose such a deadline themselves.
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
#define FUTEX_FOREVER UINT64_MAX

/* The time until a deadline of CLOCK_MONOTONIC, at most a slice. -ETIMEDOUT: it has passed;
 * -EINVAL: it is not a time. */
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

/* Sleeps while *word is expected, for a slice at most. 0: look again; -ETIMEDOUT: the deadline
 * (NULL: none) has passed; -EINVAL. */
static inline int futex_sleep(const uint32_t *word, uint32_t expected,
			      const struct timespec *deadline)
{
	struct timespec slice;
	int r = futex_slice(deadline, &slice);

	if (r == 0)
		syscall(SYS_futex, word, FUTEX_WAIT, expected, &slice, NULL, 0);
	return r;
}

/* Converts a deadline. NULL: it is FUTEX_FOREVER. */
static inline const struct timespec *futex_deadline(uint64_t deadline_usec, struct timespec *ret)
{
	ret->tv_sec = (time_t)(deadline_usec / 1000000);
	ret->tv_nsec = (long)(deadline_usec % 1000000) * 1000;
	return deadline_usec == FUTEX_FOREVER ? NULL : ret;
}

/* Sleeps while *word is expected. deadline_usec: CLOCK_MONOTONIC or FUTEX_FOREVER. 0: woken, or the
 * word is different; -EINTR: possibly so; -ETIMEDOUT; -EFAULT: the memory does not exist any more.
 */
static inline int futex_wait(uint32_t *word, uint32_t expected, uint64_t deadline_usec)
{
	struct timespec until;
	long r = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected,
			 futex_deadline(deadline_usec, &until), NULL, FUTEX_BITSET_MATCH_ANY);

	return r < 0 && errno != EAGAIN ? -errno : 0;
}

/* Wakes at most n sleepers and returns their number. The word was changed before. Keeps errno. */
static inline long futex_wake(const uint32_t *word, int n)
{
	int saved = errno;
	long woken = syscall(SYS_futex, word, FUTEX_WAKE, n, NULL, NULL, 0);

	errno = saved;
	return woken;
}

#endif
