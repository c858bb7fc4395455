// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * waits-learn.c - which function of the kernel continues which kind of wait
 *
 * A thread whose call has been restarted before is in restart_syscall(2). Then only the address of
 * this function distinguishes a sleep from a poll(2). The mover finds the addresses by experiment:
 * it interrupts a child in each call and reads the child's address.
 */
#include "libmig/state/waits.h"

#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libmig/kernel/peek.h"
#include "libmig/module/inject.h"

static const struct timespec an_hour = { .tv_sec = 3600 };

/* Makes a call whose argument number at points to data. */
static struct inject_call waits_learn_call(long nr, int at, const void *data, size_t size)
{
	struct inject_call call = { .nr = nr, .pointers = 1u << at, .size = (uint32_t)size };

	memcpy(call.data, data, size);
	return call;
}

static uint64_t waits_learn_one(const struct peek *peek, struct inject *inject,
				struct inject_call *call)
{
	struct peek_task task;
	long value;

	/* A machine without a clock for alarms refuses that call, for example. */
	if (inject_break_off(inject, call, &value) < 0 || value != -INJECT_RESTART_BLOCK ||
	    peek_thread(peek, inject->tid, &task, NULL) < 0)
		return 0;
	return task.restart;
}

static void waits_learn_all(const struct peek *peek, struct inject *inject, struct waits_signs *ret)
{
	struct inject_call call =
		waits_learn_call(SYS_clock_nanosleep, 2, &an_hour, sizeof(an_hour));
	const uint32_t word = 0;

	call.args[0] = CLOCK_MONOTONIC;
	ret->sleep = waits_learn_one(peek, inject, &call);
	call.args[0] = CLOCK_PROCESS_CPUTIME_ID;
	ret->cpu_sleep = waits_learn_one(peek, inject, &call);
	call.args[0] = CLOCK_BOOTTIME_ALARM;
	ret->alarm_sleep = waits_learn_one(peek, inject, &call);
#ifdef SYS_poll
	call = (struct inject_call){ .nr = SYS_poll, .args = { 0, 0, 3600 * 1000 } };
	ret->poll = waits_learn_one(peek, inject, &call);
#endif
	call = waits_learn_call(SYS_futex, 0, &word, sizeof(word));
	memcpy(call.data + 8, &an_hour, sizeof(an_hour));
	call.size = 8 + sizeof(an_hour);
	call.pointers |= 1u << 3;
	call.args[1] = FUTEX_WAIT;
	call.args[3] = 8;
	ret->futex = waits_learn_one(peek, inject, &call);
}

void waits_learn(const struct peek *peek, struct waits_signs *ret)
{
	struct inject inject;
	int status;
	pid_t pid = fork();

	*ret = (struct waits_signs){ 0 };
	if (pid == 0)
		for (;;)
			pause();
	if (pid < 0)
		return;
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)(long)PTRACE_O_EXITKILL) == 0 &&
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 && waitpid(pid, &status, 0) == pid &&
	    WIFSTOPPED(status) && inject_begin(&inject, pid, pid) == 0)
		waits_learn_all(peek, &inject, ret);
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == pid && !WIFSIGNALED(status) && !WIFEXITED(status))
		;
}
