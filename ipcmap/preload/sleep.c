// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sleep.c - sleeping on an object's memory, and what interrupts it
 *
 * A handler of the program's ends a sleep, as signal(7) has it for each call; a move, or a
 * freeze for a move that was then given up, must not. CRIU leaves a system call that the kernel
 * would restart as it was, and makes one that has a relative part left, as a futex's wait with a
 * timeout has, end with EINTR, in the old process as in the new one (the signal return that takes
 * CRIU's code out of a thread forgets what was to be restarted). So:
 *
 * POSIX message queues wait by futex_waitv(2), which the kernel simply restarts.
 *
 * System V's calls end at any handler, SA_RESTART or not, and only the wait with a timeout does
 * that. Here the stack tells the two apart: for a handler the kernel pushes a frame just
 * below the stack pointer (and the red zone), CRIU does not. If what was written there before the
 * sleep is still there, no handler has run on this stack. On another one, sigaltstack(2)'s, it
 * may have; then, and for the C library's own semaphores, there is a mark of one system call that
 * CRIU does not carry: the thread's machine check policy, from "the system's" to the one that is
 * the system's. Where it is gone there was a move. That does not see a move that was given up,
 * and misses a handler that ran in the moment of a move.
 */
#include "ipcmap/preload/preload.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.h"
#include "ipcmap/wait.h"

/* --- the mark ---------------------------------------------------------------------------- */

int preload_mark(void)
{
	int policy = prctl(PR_MCE_KILL_GET, 0, 0, 0, 0);

	prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_LATE, 0, 0);
	return policy;
}

bool preload_unmark(int policy)
{
	bool gone = prctl(PR_MCE_KILL_GET, 0, 0, 0, 0) == PR_MCE_KILL_DEFAULT;

	if (policy >= 0)
		prctl(PR_MCE_KILL, PR_MCE_KILL_SET, policy, 0, 0);
	return gone;
}

/* --- the trap on the stack --------------------------------------------------------------- */

#define TRAP_WORDS 16
#define TRAP_VALUE UINT64_C(0x766372756e736c70)

/* Where a signal frame made now would end. x86-64's is below a red zone of 128 bytes, and its
 * last 64 and some hold the end of the floating-point state; aarch64's ends with the frame record
 * at the stack pointer. */
static inline volatile uint64_t *trap_place(void)
{
#if defined(__x86_64__)
	char *sp;

	__asm__ volatile("mov %%rsp, %0" : "=r"(sp));
	return (volatile uint64_t *)(void *)(sp - 128) - TRAP_WORDS;
#elif defined(__aarch64__)
	char *sp;

	__asm__ volatile("mov %0, sp" : "=r"(sp));
	return (volatile uint64_t *)(void *)sp - TRAP_WORDS;
#else
	return NULL;
#endif
}

/* Whether handlers may run on a stack that is not this one. */
static bool trap_may_be_passed(void)
{
	stack_t other;

	return sigaltstack(NULL, &other) < 0 || !(other.ss_flags & (SS_DISABLE | SS_ONSTACK));
}

/* wait_on(), and whether no handler has run on this stack. Not to be inlined: what the trap lies in
 * is to be nobody's. */
__attribute__((noinline, no_sanitize("address"))) static int
sleep_trapped(uint32_t *word, uint32_t value, uint64_t deadline_usec, bool *ret_untouched)
{
	volatile uint64_t *trap = trap_place();
	bool untouched = trap;
	struct timespec until;
	long r;

	wait_until(deadline_usec, &until);
	for (int i = 0; trap && i < TRAP_WORDS; i++)
		trap[i] = TRAP_VALUE;
	r = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, &until, NULL,
		    FUTEX_BITSET_MATCH_ANY);
	for (int i = 0; trap && i < TRAP_WORDS; i++)
		untouched = untouched && trap[i] == TRAP_VALUE;
	*ret_untouched = untouched;
	return r < 0 && errno != EAGAIN ? -errno : 0;
}

/* --- sleeps ------------------------------------------------------------------------------ */

/* Any handler ends it. */
static int sleep_until_handler(uint32_t *word, uint32_t value, uint64_t deadline_usec)
{
	bool passable = trap_may_be_passed(), untouched, moved = true;
	int mark = passable ? preload_mark() : 0, r;

	if (deadline_usec == WAIT_FOREVER)
		deadline_usec = UINT64_C(1000000) * INT32_MAX;
	r = sleep_trapped(word, value, deadline_usec, &untouched);
	if (passable)
		moved = preload_unmark(mark);
	return r == -EINTR && untouched && moved ? 0 : r;
}

/* A handler with SA_RESTART does not end it. Kernels before 5.16 know no futex_waitv(): there a
 * wait with a deadline ends at any handler, and at a move. */
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

int section_sleep(struct section *section, uint32_t *word, uint32_t value, uint64_t deadline_usec)
{
	int r;

	section_end(section);
	r = sleep_until_handler(word, value, deadline_usec);
	section_begin(section);
	return r;
}

/* The futex calls are no cancellation points of the C library's. Nothing is held here. */
static int section_sleep_by(int (*sleep)(uint32_t *, uint32_t, uint64_t), struct section *section,
			    uint32_t *word, uint32_t value, uint64_t deadline_usec)
{
	int r, old;

	section_end(section);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
	r = sleep(word, value, deadline_usec);
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
