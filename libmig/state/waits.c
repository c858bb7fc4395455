// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * waits.c - system calls in which threads of a tree wait go on after a move
 *
 * The kernel leaves in the registers of an interrupted thread by which rule it restarts the call.
 * If the restored thread has the same registers, the kernel itself decides when the thread runs: it
 * restarts the call, or runs the handler of a pending signal and returns EINTR.
 *
 * Calls with a relative timeout are different: the kernel keeps the end of the wait in the thread.
 * peek.h reads it. To make the kernel keep it again, the call is made in the restored thread with
 * the time that is left, and is interrupted at once. Then the thread gets its old registers with
 * the result of that call. Its arguments stay unchanged, because the program may use these
 * registers again.
 *
 * If the kernel's data cannot be read, such a call begins again with its full timeout.
 */
#include "libmig/state/waits.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "libmig/criu/hold.h"
#include "libmig/kernel/peek.h"
#include "libmig/kernel/sight.h"

#define NSEC UINT64_C(1000000000)
#define NSEC_PER_MSEC 1000000
/* A wait that is over gets this much time, so that the call is interrupted before it returns. If
 * that is too short on a busy machine, the next try has more. */
#define WAITS_LEAST_NSEC 200000
#define WAITS_MORE 10
#define WAITS_TRIES 3

#ifdef SYS_poll
#define WAITS_POLL SYS_poll
#else
#define WAITS_POLL (-1) /* there is only ppoll(2), which is restarted by rule */
#endif

enum wait_how {
	WAIT_BY_RULE,   /* the result in the registers is all that the kernel needs */
	WAIT_ANEW,      /* from its arguments, which name the end */
	WAIT_SLEEP,     /* until end_nsec on clock */
	WAIT_CPU_SLEEP, /* for left_nsec */
	WAIT_POLL,      /* until end_nsec */
	WAIT_FUTEX,     /* until end_nsec */
};

struct wait {
	pid_t pid, tid;
	struct inject_regs regs;
	long nr;
	uint64_t args[INJECT_ARGS];
	enum wait_how how;
	int sleep_clock, clock; /* the clock of the call, and the one that is read */
	uint64_t end_nsec, left_nsec;
	uint64_t rest; /* argument rem of a sleep */
};

struct waits {
	struct wait *all;
	size_t n;
};

static uint64_t waits_now(clockid_t clock)
{
	struct timespec now;

	return clock_gettime(clock, &now) < 0 ? 0
					      : (uint64_t)now.tv_sec * NSEC + (uint64_t)now.tv_nsec;
}

/* The number of a CPU clock contains its process and its kind, CPUCLOCK_SCHED (2). Process 0 is the
 * caller. The clock stops until the thread runs again. */
static void waits_note_cpu_sleep(struct wait *wait, const struct peek_task *task)
{
	int clock = task->sleep_clock;
	bool own = clock == CLOCK_PROCESS_CPUTIME_ID || ~(clock >> 3) == 0;
	uint64_t now = waits_now(own ? (~wait->pid * 8) | 2 : clock);

	wait->how = WAIT_CPU_SLEEP;
	wait->left_nsec = task->sleep_end_nsec > now ? task->sleep_end_nsec - now : 1;
}

static void waits_note(struct wait *wait, const struct peek_task *task)
{
	const struct waits_signs *signs = &sight_get()->waits;

	wait->sleep_clock = task->sleep_clock;
	wait->clock = CLOCK_MONOTONIC;
	wait->rest = task->sleep_rest;
	wait->end_nsec = task->sleep_end_nsec;
	if (task->restart == 0)
		return;
	if (task->restart == signs->sleep) {
		wait->how = WAIT_SLEEP;
		wait->clock = task->sleep_clock;
	} else if (task->restart == signs->cpu_sleep) {
		waits_note_cpu_sleep(wait, task);
	} else if (task->restart == signs->alarm_sleep) {
		/* The field contains the kind of alarm. */
		wait->how = WAIT_SLEEP;
		wait->sleep_clock = task->sleep_clock ? CLOCK_BOOTTIME_ALARM : CLOCK_REALTIME_ALARM;
		wait->clock = task->sleep_clock ? CLOCK_BOOTTIME : CLOCK_REALTIME;
	} else if (task->restart == signs->poll) {
		wait->nr = WAITS_POLL;
		if (task->poll_ends)
			wait->how = WAIT_POLL;
		wait->end_nsec = task->poll_end_nsec;
	} else if (task->restart == signs->futex) {
		wait->nr = SYS_futex;
		if (wait->args[3] && (wait->args[1] & FUTEX_CMD_MASK) == FUTEX_WAIT)
			wait->how = WAIT_FUTEX;
		wait->end_nsec = task->futex_end_nsec;
	}
}

/* Notes the details of the waits from number first on, which belong to one process. */
static void waits_note_process(struct waits *waits, size_t first)
{
	_cleanup_free_ struct peek_task *tasks = NULL;
	const struct peek *peek = sight_get()->peek;
	size_t n = 0, at = first, task = 0;

	while (at < waits->n && waits->all[at].how == WAIT_BY_RULE)
		at++;
	if (at == waits->n || !peek || peek_process(peek, waits->all[at].pid, &tasks, &n, NULL) < 0)
		return;
	/* Both lists have the kernel's order of threads, so each search ends at its first step. */
	for (; at < waits->n; at++) {
		for (size_t i = 0; i < n && tasks[task % n].tid != waits->all[at].tid; i++)
			task++;
		if (tasks[task % n].tid == waits->all[at].tid && waits->all[at].how != WAIT_BY_RULE)
			waits_note(&waits->all[at], &tasks[task % n]);
	}
}

static int waits_take_process(struct waits *waits, struct hold *hold, pid_t pid)
{
	_cleanup_free_ struct hold_wait *found = NULL;
	size_t n, first = waits->n;
	int r = hold_get_waits(hold, pid, &found, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct wait wait = { .pid = pid, .tid = found[i].tid, .regs = found[i].regs };
		struct wait *added;

		if (!inject_regs_interrupted(&wait.regs, &wait.nr, wait.args))
			continue;
		if (inject_regs_result(&wait.regs) == -INJECT_RESTART_BLOCK)
			wait.how = WAIT_ANEW;
		added = array_add(&waits->all, &waits->n);
		if (!added)
			return -ENOMEM;
		*added = wait;
	}
	waits_note_process(waits, first);
	return 0;
}

struct waits *waits_take(struct hold *hold, const pid_t *pids, size_t n)
{
	_cleanup_(waits_freep) struct waits *waits = calloc(1, sizeof(*waits));
	int r = waits ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = waits_take_process(waits, hold, pids[i]);
	return r < 0 ? NULL : steal_ptr(waits);
}

void waits_free(struct waits *waits)
{
	if (!waits)
		return;
	free(waits->all);
	free(waits);
}

static uint64_t waits_left(const struct wait *wait, uint64_t least)
{
	uint64_t now = waits_now(wait->clock), left = wait->left_nsec;

	if (wait->how != WAIT_CPU_SLEEP)
		left = wait->end_nsec > now ? wait->end_nsec - now : 0;
	return left > least ? left : least;
}

static bool waits_copy_rest(const struct wait *wait, struct timespec *rest, bool write)
{
	struct iovec local = { .iov_base = rest, .iov_len = sizeof(*rest) };
	struct iovec remote = { .iov_base = (void *)wait->rest, .iov_len = sizeof(*rest) };

	return (write ? process_vm_writev(wait->pid, &local, 1, &remote, 1, 0)
		      : process_vm_readv(wait->pid, &local, 1, &remote, 1, 0)) == sizeof(*rest);
}

/* When a sleep is interrupted, the kernel writes the rest into memory. The value that it wrote when
 * the thread was stopped must stay, because a signal handler may read it. */
static int waits_sleep_again(const struct wait *wait, struct hold *hold, struct inject_call *call,
			     long *ret)
{
	struct timespec rest;
	bool has_rest = wait->rest && waits_copy_rest(wait, &rest, false);
	int r;

	call->nr = SYS_clock_nanosleep;
	call->args[0] = (uint64_t)wait->sleep_clock;
	call->args[1] = 0;
	call->args[2] = 0;
	call->args[3] = wait->rest;
	call->pointers = 1u << 2;
	r = hold_break_off(hold, wait->pid, wait->tid, call, ret);
	if (has_rest)
		waits_copy_rest(wait, &rest, true);
	return r;
}

/* Makes the call again with the time that is left, and interrupts it. */
static int waits_make_once(const struct wait *wait, struct hold *hold, uint64_t left, long *ret)
{
	struct timespec time = { .tv_sec = (time_t)(left / NSEC), .tv_nsec = (long)(left % NSEC) };
	struct inject_call call = { .nr = wait->nr };

	memcpy(call.args, wait->args, sizeof(call.args));
	if (wait->how == WAIT_POLL) {
		call.args[2] = (left + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
		return hold_break_off(hold, wait->pid, wait->tid, &call, ret);
	}
	call.size = sizeof(time);
	memcpy(call.data, &time, sizeof(time));
	if (wait->how != WAIT_FUTEX)
		return waits_sleep_again(wait, hold, &call, ret);
	call.args[3] = 0;
	call.pointers = 1u << 3;
	return hold_break_off(hold, wait->pid, wait->tid, &call, ret);
}

static int waits_make_again(const struct wait *wait, struct hold *hold, long *ret)
{
	const long over = wait->how == WAIT_FUTEX ? -ETIMEDOUT : 0;
	uint64_t least = WAITS_LEAST_NSEC;
	int r = -EIO;

	for (int i = 0; i < WAITS_TRIES; i++, least *= WAITS_MORE) {
		r = waits_make_once(wait, hold, waits_left(wait, least), ret);
		if (r < 0 || *ret != over)
			break;
	}
	return r;
}

static void waits_put_back_one(const struct wait *wait, struct hold *hold)
{
	struct inject_regs regs = wait->regs;
	long result = inject_regs_result(&regs);
	bool again = wait->how > WAIT_ANEW && waits_make_again(wait, hold, &result) == 0;

	if (wait->how == WAIT_BY_RULE || again)
		inject_regs_set_result(&regs, result);
	else if (wait->nr == SYS_restart_syscall)
		inject_regs_set_result(&regs, -EINTR); /* the call is not known */
	else
		inject_regs_set_restart(&regs, wait->nr, -INJECT_RESTART_UNHANDLED);
	hold_set_regs(hold, wait->pid, wait->tid, &regs);
}

void waits_put_back(const struct waits *waits, struct hold *hold)
{
	for (size_t i = 0; waits && i < waits->n; i++)
		waits_put_back_one(&waits->all[i], hold);
}
