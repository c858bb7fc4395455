// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * stop.c - restored processes that are to be stopped are stopped
 *
 * CRIU sends the signal and lets the process go. Other signals that wait for it have smaller
 * numbers, and would come first: one that ends a process would end it. So while it is traced all
 * others are blocked, it takes its signal, and each of its threads goes from one stop into the
 * other.
 */
#include "libmig/module/stop.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"

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

/* Lets a thread run into the stop. */
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

static void stop_add(const char *line, const char *name, uint64_t *signals)
{
	size_t len = strlen(name);

	if (!strncmp(line, name, len))
		*signals |= strtoull(line + len, NULL, 16);
}

/* The signal that CRIU has sent, if it will stop the process; 0: it will not. It may have been
 * continued since it was looked at. */
static int stop_find_signal(pid_t pid)
{
	static const int signals[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
	_cleanup_fclose_ FILE *file = NULL;
	uint64_t pending = 0, kept = 0;
	char path[32], line[256];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		stop_add(line, "SigPnd:", &pending);
		stop_add(line, "ShdPnd:", &pending);
		stop_add(line, "SigBlk:", &kept);
		stop_add(line, "SigIgn:", &kept);
		stop_add(line, "SigCgt:", &kept);
	}
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (pending & ~kept & STOP_BIT(signals[i]))
			return signals[i];
	return 0;
}

int stop_process(pid_t pid)
{
	int signal = stop_find_signal(pid);
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;
	char path[32];
	int r;

	if (!signal)
		return 0;
	/* The others stop because it does. */
	r = stop_thread(pid, signal);
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (r == 0 && dir && (entry = readdir(dir))) {
		pid_t tid = atoi(entry->d_name);

		if (tid > 0 && tid != pid)
			r = stop_thread(tid, signal);
	}
	return r < 0 ? r : signal;
}
