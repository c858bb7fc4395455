// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * stop.c - stops restored processes that were stopped
 *
 * CRIU sends the stop signal and releases the process. Other pending signals with smaller numbers
 * would come first, and one of them could end the process. So while the process is traced, all
 * other signals are blocked, it takes the stop signal, and each thread goes from the ptrace-stop
 * directly into this stop.
 */
#include "libmig/module/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "common/procdir.h"

#define STOP_TRIES 16
#define STOP_BIT(signal) (UINT64_C(1) << ((signal)-1))

static int stop_trace(int request, pid_t tid, unsigned long addr, unsigned long data)
{
	return ptrace(request, tid, (void *)addr, (void *)data) < 0 ? -errno : 0;
}

static int stop_wait(pid_t tid, int *ret)
{
	while (waitpid(tid, ret, __WALL) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFSTOPPED(*ret) ? 0 : -ESRCH;
}

/* Runs a thread into the stop. */
static int stop_lead_in(pid_t tid, int signal)
{
	unsigned long passed = 0;

	for (int i = 0; i < STOP_TRIES; i++) {
		int status, r = stop_trace(PTRACE_CONT, tid, 0, passed);

		if (r == 0)
			r = stop_wait(tid, &status);
		if (r < 0)
			return r;
		passed = 0;
		if (status >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status) == signal)
			return 0;
		if (status >> 16 == 0 && WSTOPSIG(status) == signal)
			passed = (unsigned long)signal;
	}
	return -EAGAIN;
}

static int stop_thread(pid_t tid, int signal)
{
	uint64_t mask = 0, others = ~STOP_BIT(signal);
	int r = stop_trace(PTRACE_GETSIGMASK, tid, sizeof(mask), (unsigned long)&mask), back;

	if (r < 0)
		return r;
	r = stop_trace(PTRACE_SETSIGMASK, tid, sizeof(others), (unsigned long)&others);
	if (r == 0)
		r = stop_lead_in(tid, signal);
	back = stop_trace(PTRACE_SETSIGMASK, tid, sizeof(mask), (unsigned long)&mask);
	return r < 0 ? r : back;
}

/* Returns the signal that CRIU has sent, if it will stop the process; otherwise 0. The process may
 * have been continued since. */
static int stop_find_signal(pid_t pid)
{
	static const int signals[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
	static const char *const fields[] = { "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt" };
	_cleanup_free_ char *status = NULL;
	uint64_t sets[ARRAY_SIZE(fields)] = { 0 }, stops;

	if (proc_status(pid, &status) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		proc_number(status, fields[i], 16, &sets[i]);
	stops = (sets[0] | sets[1]) & ~(sets[2] | sets[3] | sets[4]);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (stops & STOP_BIT(signals[i]))
			return signals[i];
	return 0;
}

int stop_process(pid_t pid)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	int signal = stop_find_signal(pid), r;
	pid_t tid;

	if (!signal)
		return 0;
	/* The stop of the first thread makes the others stop. */
	r = stop_thread(pid, signal);
	procdir_open(&dir, AT_FDCWD, "/proc/%d/task", (int)pid);
	while (r == 0 && (tid = procdir_next_pid(&dir)) > 0)
		if (tid != pid)
			r = stop_thread(tid, signal);
	return r < 0 ? r : signal;
}
