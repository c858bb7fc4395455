// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * timers.c - the timers of a tree run on while it is moved
 *
 * A call in the process shows when a timer of timer_create(2) expires. The restored timer is set to
 * the same time of its clock, so the kernel counts missed periods as overruns. One property is
 * lost: whether the timer was absolute or relative. If CLOCK_REALTIME is changed later, a relative
 * timer of that clock follows the change.
 *
 * For ITIMER_REAL the kernel's own data shows the time (peek.h), which saves a call in every
 * process. It can only be set relative. If it has expired, its signal is sent as the kernel sends
 * it. A periodic one keeps its phase.
 */
#include "libmig/state/timers.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/proc.h"
#include "libmig/criu/hold.h"
#include "libmig/kernel/peek.h"
#include "libmig/kernel/sight.h"

#define NSEC UINT64_C(1000000000)
#define NSEC_PER_USEC 1000
#define TIMERS_ALARM (-1) /* number of ITIMER_REAL */
#define TIMERS_FILE_MAX (1 << 22)

struct timer {
	pid_t pid;
	int number, clock;
	uint64_t end_nsec, interval_nsec;
};

struct timers {
	struct timer *all;
	size_t n;
};

static uint64_t timers_nsec(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * NSEC + (uint64_t)time->tv_nsec;
}

static struct timespec timers_timespec(uint64_t nsec)
{
	return (struct timespec){ .tv_sec = (time_t)(nsec / NSEC), .tv_nsec = (long)(nsec % NSEC) };
}

static int timers_add(struct timers *timers, const struct timer *timer)
{
	struct timer *added = array_add(&timers->all, &timers->n);

	if (!added)
		return -ENOMEM;
	*added = *timer;
	return 0;
}

static int timers_take_alarm(struct timers *timers, pid_t pid)
{
	const struct peek *peek = sight_get()->peek;
	struct timer timer = { .pid = pid, .number = TIMERS_ALARM, .clock = CLOCK_MONOTONIC };
	struct peek_task task;

	if (!peek || peek_thread(peek, pid, &task, NULL) < 0)
		return 0;
	timer.end_nsec = task.alarm_end_nsec;
	timer.interval_nsec = task.alarm_interval_nsec;
	/* A periodic one stops while its signal is pending, and then goes on with the next period.
	 */
	if (!task.alarm_runs && timer.interval_nsec)
		timer.end_nsec += timer.interval_nsec;
	else if (!task.alarm_runs)
		return 0;
	return timers_add(timers, &timer);
}

static int timers_take_one(struct timers *timers, struct hold *hold, struct timer *timer)
{
	struct inject_call call = { .nr = SYS_timer_gettime,
				    .args = { (uint64_t)timer->number },
				    .pointers = 1u << 1,
				    .size = sizeof(struct itimerspec) };
	struct itimerspec left;
	struct timespec now;
	long value;
	int r = hold_call(hold, timer->pid, timer->pid, &call, &value);

	if (r < 0 || value < 0)
		return r;
	memcpy(&left, call.data, sizeof(left));
	if (timers_nsec(&left.it_value) == 0 || clock_gettime(timer->clock, &now) < 0)
		return 0;
	timer->end_nsec = timers_nsec(&now) + timers_nsec(&left.it_value);
	timer->interval_nsec = timers_nsec(&left.it_interval);
	return timers_add(timers, timer);
}

static bool timers_is_cpu_time(int clock)
{
	return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

/* /proc/PID/timers has several lines for each timer. The first is "ID:", the last "ClockID:". */
static int timers_take_process(struct timers *timers, struct hold *hold, pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	struct timer timer = { .pid = pid };
	char *save = NULL;
	int r = timers_take_alarm(timers, pid);

	if (r < 0 || proc_read_all(pid, "timers", TIMERS_FILE_MAX, &text) < 0)
		return r;
	for (char *line = strtok_r(text, "\n", &save); r == 0 && line;
	     line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, "ID: %d", &timer.number) != 1 &&
		    sscanf(line, "ClockID: %d", &timer.clock) == 1 &&
		    !timers_is_cpu_time(timer.clock))
			r = timers_take_one(timers, hold, &timer);
	return r;
}

struct timers *timers_take(struct hold *hold, const pid_t *pids, size_t n)
{
	_cleanup_(timers_freep) struct timers *timers = calloc(1, sizeof(*timers));
	int r = timers ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = timers_take_process(timers, hold, pids[i]);
	return r < 0 ? NULL : steal_ptr(timers);
}

void timers_free(struct timers *timers)
{
	if (!timers)
		return;
	free(timers->all);
	free(timers);
}

/* Sends the signal with SI_KERNEL, which only the process itself may do. */
static void timers_send_alarm(const struct timer *timer, struct hold *hold)
{
	struct inject_call call = { .nr = SYS_rt_sigqueueinfo,
				    .args = { (uint64_t)timer->pid, SIGALRM },
				    .pointers = 1u << 2,
				    .size = sizeof(siginfo_t) };
	siginfo_t info = { .si_signo = SIGALRM, .si_code = SI_KERNEL };
	long value;

	memcpy(call.data, &info, sizeof(info));
	hold_call(hold, timer->pid, timer->pid, &call, &value);
}

static struct timeval timers_timeval(uint64_t nsec)
{
	uint64_t usec = (nsec + NSEC_PER_USEC - 1) / NSEC_PER_USEC;

	return (struct timeval){ .tv_sec = (time_t)(usec / 1000000),
				 .tv_usec = (suseconds_t)(usec % 1000000) };
}

static void timers_put_back_alarm(const struct timer *timer, struct hold *hold)
{
	struct inject_call call = { .nr = SYS_setitimer,
				    .args = { ITIMER_REAL },
				    .pointers = 1u << 1,
				    .size = sizeof(struct itimerval) };
	struct itimerval set = { .it_interval = timers_timeval(timer->interval_nsec) };
	struct timespec clock;
	uint64_t now, end = timer->end_nsec;
	long value;

	clock_gettime(timer->clock, &clock);
	now = timers_nsec(&clock);
	if (end <= now && timer->interval_nsec)
		end += ((now - end) / timer->interval_nsec + 1) * timer->interval_nsec;
	if (end > now)
		set.it_value = timers_timeval(end - now);
	memcpy(call.data, &set, sizeof(set));
	hold_call(hold, timer->pid, timer->pid, &call, &value);
	if (timer->end_nsec <= now)
		timers_send_alarm(timer, hold);
}

static void timers_put_back_one(const struct timer *timer, struct hold *hold)
{
	struct inject_call call = { .nr = SYS_timer_settime,
				    .args = { (uint64_t)timer->number, TIMER_ABSTIME },
				    .pointers = 1u << 2,
				    .size = sizeof(struct itimerspec) };
	struct itimerspec set = { .it_value = timers_timespec(timer->end_nsec),
				  .it_interval = timers_timespec(timer->interval_nsec) };
	long value;

	memcpy(call.data, &set, sizeof(set));
	hold_call(hold, timer->pid, timer->pid, &call, &value);
}

void timers_put_back(const struct timers *timers, struct hold *hold)
{
	for (size_t i = 0; timers && i < timers->n; i++)
		if (timers->all[i].number == TIMERS_ALARM)
			timers_put_back_alarm(&timers->all[i], hold);
		else
			timers_put_back_one(&timers->all[i], hold);
}
