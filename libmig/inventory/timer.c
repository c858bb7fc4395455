// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * timer.c - POSIX timers that cannot be created again
 *
 * A timer can count the CPU time of another process or thread. When that one has ended, the timer
 * stays and cannot be created again. A process outside the job may end at any time.
 */
#include "libmig/inventory/priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "libmig/keep/reopen.h"

#define TIMERS_MAX (1 << 22)
/* The number of a CPU clock is the inverted PID, shifted by this. */
#define TIMER_CLOCK_SHIFT 3

/* Returns 0 for a clock of the process itself, and for one that is not a CPU clock. */
static pid_t timer_clock_owner(int clock)
{
	return clock < 0 ? (pid_t) ~(clock >> TIMER_CLOCK_SHIFT) : 0;
}

static int timer_check(struct inventory_scan *scan, const struct inventory_proc *proc, int number,
		       pid_t task)
{
	char path[32];
	pid_t owner;

	snprintf(path, sizeof(path), "/proc/%d", (int)task);
	owner = reopen_proc_owner(path);
	if (owner && inventory_has_pid(scan, owner))
		return 0;
	return inventory_refuse(
		scan, proc,
		"has a timer (%d) that counts the CPU time of task %d, which %s, so the timer "
		"cannot be carried; delete it for the move",
		number, (int)task, owner ? "is not in the job" : "has ended");
}

/* Each timer has several lines. The first is "ID:", the last "ClockID:". */
int inventory_timer_check(struct inventory_scan *scan, const struct inventory_proc *proc)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;
	int number = 0, clock, r = 0;

	if (file_read_all(proc->dirfd, "timers", TIMERS_MAX, &text) <= 0)
		return 0;
	for (char *line = strtok_r(text, "\n", &save); r == 0 && line;
	     line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, "ID: %d", &number) != 1 &&
		    sscanf(line, "ClockID: %d", &clock) == 1 && timer_clock_owner(clock))
			r = timer_check(scan, proc, number, timer_clock_owner(clock));
	return r;
}
