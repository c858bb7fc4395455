// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sleep.c - sleeps on a word of an object, until a wake-up or a handler of a signal
 *
 * A handler of the program ends a sleep as signal(7) says for each call. A move does not: the mover
 * continues every wait (libmig/state/waits.h).
 *
 * System V's calls end at any handler, with SA_RESTART or without. POSIX message queues' calls end
 * at a handler without SA_RESTART. The kernel's waits are chosen accordingly (watch.h). On kernels
 * before 5.16, which have no futex_waitv(2), and on machines other than x86-64, a handler that runs
 * between unblocking the signals and the sleep does not end the sleep.
 */
#include "ipcmap/preload/preload.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.h"
#include "ipcmap/futex.h"
#include "ipcmap/preload/watch.h"

/* Any handler ends it. */
static int sleep_until_handler(uint32_t *word, uint32_t value, uint64_t deadline_usec)
{
	struct timespec until;

	if (deadline_usec == FUTEX_FOREVER)
		deadline_usec = UINT64_C(1000000) * INT32_MAX;
	futex_deadline(deadline_usec, &until);
	if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, &until, NULL,
		    FUTEX_BITSET_MATCH_ANY) < 0 &&
	    errno != EAGAIN)
		return -errno;
	return 0;
}

/* A handler with SA_RESTART does not end it. Kernels before 5.16 have no futex_waitv(): a wait with
 * a deadline then ends at any handler. */
static int sleep_restarted(uint32_t *word, uint32_t value, uint64_t deadline_usec)
{
	struct futex_waitv waiter = { .uaddr = (uintptr_t)word, .val = value, .flags = FUTEX_32 };
	struct timespec until;
	long r;

	if (deadline_usec == FUTEX_FOREVER)
		return futex_wait(word, value, FUTEX_FOREVER);
	r = syscall(SYS_futex_waitv, &waiter, 1, 0, futex_deadline(deadline_usec, &until),
		    CLOCK_MONOTONIC);
	if (r < 0 && (errno == ENOSYS || errno == EPERM))
		return sleep_until_handler(word, value, deadline_usec);
	return r < 0 && errno != EAGAIN ? -errno : 0;
}

/*
 * Signals that came since the call began are pending, since a section blocks them. Their handlers
 * will run before the sleep begins. The sleep would not notice and might never end, but these
 * handlers have interrupted the call. restarts: handlers with SA_RESTART have not.
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

/* Whether one of the signals that are not blocked outside has a handler without SA_RESTART. */
static bool section_has_interrupter(const struct section *section)
{
	for (int signal = 1; signal < 65; signal++) {
		struct sigaction action;

		if (!(section->blocked >> (signal - 1) & 1) &&
		    sigaction(signal, NULL, &action) == 0 && action.sa_handler != SIG_DFL &&
		    action.sa_handler != SIG_IGN && !(action.sa_flags & SA_RESTART))
			return true;
	}
	return false;
}

/* Without watch_sleep(). */
static int sleep_on_plain(struct section *section, uint32_t *word, uint32_t value,
			  uint64_t deadline_usec, bool restarts)
{
	bool interrupted = section_is_interrupted(section, restarts);
	int r;

	section_end(section);
	if (interrupted)
		r = -EINTR;
	else if (restarts)
		r = sleep_restarted(word, value, deadline_usec);
	else
		r = sleep_until_handler(word, value, deadline_usec);
	section_begin(section);
	return r;
}

/* restarts: a handler with SA_RESTART does not end it. */
static int sleep_on_by(struct section *section, uint32_t *word, uint32_t value,
		       uint64_t deadline_usec, bool restarts)
{
	bool interrupted = restarts && section_is_interrupted(section, true);
	struct watch watch;
	int r = watch_sleep(&section->blocked, word, value, deadline_usec, &watch);

	section_again();
	if (watch.handled && !restarts)
		return -EINTR;
	/* It is not known which handler ran before the sleep. */
	if (watch.handled && !watch.restarted && r == 0 &&
	    (interrupted || section_has_interrupter(section)))
		return -EINTR;
	if (r == -ENOSYS && !watch.handled)
		return sleep_on_plain(section, word, value, deadline_usec, restarts);
	return r == -ENOSYS ? 0 : r;
}

/* The C library has no cancellation points in futex calls. No lock is held here. */
static int sleep_on_cancel_by(struct section *section, uint32_t *word, uint32_t value,
			      uint64_t deadline_usec, bool restarts)
{
	int r, old;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
	r = sleep_on_by(section, word, value, deadline_usec, restarts);
	pthread_setcanceltype(old, NULL);
	return r;
}

int sleep_on(struct section *section, uint32_t *word, uint32_t value, uint64_t deadline_usec)
{
	return sleep_on_by(section, word, value, deadline_usec, false);
}

int sleep_on_cancel(struct section *section, uint32_t *word, uint32_t value)
{
	return sleep_on_cancel_by(section, word, value, FUTEX_FOREVER, false);
}

int sleep_on_restart(struct section *section, uint32_t *word, uint32_t value,
		     uint64_t deadline_usec)
{
	return sleep_on_cancel_by(section, word, value, deadline_usec, true);
}

int sleep_deadline(clockid_t clock, const struct timespec *until, uint64_t *ret_usec)
{
	uint64_t now = clock_read_usec(clock), then;

	if (until->tv_nsec < 0 || until->tv_nsec >= 1000000000 || until->tv_sec < 0)
		return -EINVAL;
	if (until->tv_sec > INT32_MAX) {
		*ret_usec = FUTEX_FOREVER;
		return 0;
	}
	then = (uint64_t)until->tv_sec * 1000000 + (uint64_t)(until->tv_nsec + 999) / 1000;
	*ret_usec = clock_mono_usec() + (then > now ? then - now : 0);
	return 0;
}
