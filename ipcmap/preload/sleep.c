// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sleep.c - sleeping on an object's memory, and what interrupts it
 *
 * A handler of the program's ends a sleep, as signal(7) has it for each call. A move does not: the
 * mover has every wait go on (libmig/waits.h).
 *
 * System V's calls end at any handler, SA_RESTART or not, and of the kernel's waits only one with a
 * timeout does that, so they get one that is far away. POSIX message queues wait by
 * futex_waitv(2), which the kernel restarts.
 */
#include "ipcmap/preload/preload.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.h"
#include "ipcmap/wait.h"

/* Any handler ends it. */
static int sleep_until_handler(uint32_t *word, uint32_t value, uint64_t deadline_usec)
{
	struct timespec until;

	if (deadline_usec == WAIT_FOREVER)
		deadline_usec = UINT64_C(1000000) * INT32_MAX;
	wait_until(deadline_usec, &until);
	if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, &until, NULL,
		    FUTEX_BITSET_MATCH_ANY) < 0 &&
	    errno != EAGAIN)
		return -errno;
	return 0;
}

/* A handler with SA_RESTART does not end it. Kernels before 5.16 know no futex_waitv(): there a
 * wait with a deadline ends at any handler. */
static int sleep_restarted(uint32_t *word, uint32_t value, uint64_t deadline_usec)
{
	struct futex_waitv waiter = { .uaddr = (uintptr_t)word, .val = value, .flags = FUTEX_32 };
	struct timespec until;
	long r;

	if (deadline_usec == WAIT_FOREVER)
		return wait_on(word, value, WAIT_FOREVER);
	r = syscall(SYS_futex_waitv, &waiter, 1, 0, wait_until(deadline_usec, &until),
		    CLOCK_MONOTONIC);
	if (r < 0 && (errno == ENOSYS || errno == EPERM))
		return sleep_until_handler(word, value, deadline_usec);
	return r < 0 && errno != EAGAIN ? -errno : 0;
}

/*
 * Signals that have come since the call began are pending, as they are blocked in a section. Their
 * handlers will run before the sleep begins, which would not know, and might never end; but they
 * have interrupted the call. restarts: those with SA_RESTART have not.
 */
static bool section_is_interrupted(const struct section *section, bool restarts)
{
	uint64_t pending = 0;

	if (syscall(SYS_rt_sigpending, &pending, sizeof(pending)) < 0)
		return false;
	pending &= ~section->blocked;
	for (int signal = 1; pending; signal++, pending >>= 1) {
		struct sigaction action;

		if (!(pending & 1) || sigaction(signal, NULL, &action) < 0 ||
		    action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)
			continue;
		if (!restarts || !(action.sa_flags & SA_RESTART))
			return true;
	}
	return false;
}

int section_sleep(struct section *section, uint32_t *word, uint32_t value, uint64_t deadline_usec)
{
	bool interrupted = section_is_interrupted(section, false);
	int r;

	section_end(section);
	r = interrupted ? -EINTR : sleep_until_handler(word, value, deadline_usec);
	section_begin(section);
	return r;
}

/* The futex calls are no cancellation points of the C library's. Nothing is held here. */
static int section_sleep_by(int (*sleep)(uint32_t *, uint32_t, uint64_t), struct section *section,
			    uint32_t *word, uint32_t value, uint64_t deadline_usec)
{
	bool interrupted = section_is_interrupted(section, sleep == sleep_restarted);
	int r, old;

	section_end(section);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
	r = interrupted ? -EINTR : sleep(word, value, deadline_usec);
	pthread_setcanceltype(old, NULL);
	section_begin(section);
	return r;
}

int section_sleep_cancel(struct section *section, uint32_t *word, uint32_t value)
{
	return section_sleep_by(sleep_until_handler, section, word, value, WAIT_FOREVER);
}

int section_sleep_restart(struct section *section, uint32_t *word, uint32_t value,
			  uint64_t deadline_usec)
{
	return section_sleep_by(sleep_restarted, section, word, value, deadline_usec);
}

int preload_deadline(clockid_t clock, const struct timespec *until, uint64_t *ret_usec)
{
	uint64_t now = clock_read_usec(clock), then;

	if (until->tv_nsec < 0 || until->tv_nsec >= 1000000000 || until->tv_sec < 0)
		return -EINVAL;
	if (until->tv_sec > INT32_MAX) {
		*ret_usec = WAIT_FOREVER;
		return 0;
	}
	then = (uint64_t)until->tv_sec * 1000000 + (uint64_t)(until->tv_nsec + 999) / 1000;
	*ret_usec = clock_mono_usec() + (then > now ? then - now : 0);
	return 0;
}
