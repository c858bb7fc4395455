// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * timer.c - rows of tests/move-kinds: timers of every kind
 */
#include "tests/kinds/kind.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int fd = -1;
static timer_t timer;

static void make_itimer(void)
{
	struct itimerval value = { .it_value.tv_sec = 3600, .it_interval.tv_sec = 7 };

	MUST(setitimer(ITIMER_REAL, &value, NULL) == 0);
}

static void show_itimer(FILE *out)
{
	struct itimerval value;

	MUST(getitimer(ITIMER_REAL, &value) == 0);
	fprintf(out, "interval %ld, armed %d\n", (long)value.it_interval.tv_sec,
		value.it_value.tv_sec > 3000);
}

static void make_posix_on(clockid_t clock, int flags)
{
	struct itimerspec value = { .it_interval.tv_sec = 7 };

	if (flags & TIMER_ABSTIME)
		MUST(clock_gettime(clock, &value.it_value) == 0);
	value.it_value.tv_sec += 3600;
	NEED(timer_create(clock, NULL, &timer) == 0);
	MUST(timer_settime(timer, flags, &value, NULL) == 0);
}

static void make_posix(void)
{
	make_posix_on(CLOCK_MONOTONIC, 0);
}

static void make_posix_point(void)
{
	make_posix_on(CLOCK_REALTIME, TIMER_ABSTIME);
}

static void make_posix_boottime(void)
{
	make_posix_on(CLOCK_BOOTTIME, 0);
}

static void make_posix_cpu(void)
{
	make_posix_on(CLOCK_PROCESS_CPUTIME_ID, 0);
}

/* Expired, and its signal pending: a periodic one goes on all the same. */
static void make_alarm_pending(void)
{
	struct itimerval value = { .it_value.tv_usec = 1000, .it_interval.tv_usec = 20000 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	MUST(setitimer(ITIMER_REAL, &value, NULL) == 0);
	usleep(10000);
}

static void show_alarm_pending(FILE *out)
{
	const struct timespec second = { .tv_sec = 1 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	for (int i = 0; i < 3; i++)
		kind_say(out, "signal", sigtimedwait(&set, NULL, &second) < 0 ? -errno : SIGALRM);
	usleep(30000);
}

static void show_posix(FILE *out)
{
	struct itimerspec value;

	MUST(timer_gettime(timer, &value) == 0);
	fprintf(out, "interval %ld, armed %d\n", (long)value.it_interval.tv_sec,
		value.it_value.tv_sec > 3000);
}

static void make_timerfd(void)
{
	struct itimerspec value = { .it_value.tv_sec = 3600, .it_interval.tv_sec = 7 };

	MUST((fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)) >= 0);
	MUST(timerfd_settime(fd, 0, &value, NULL) == 0);
}

static void show_timerfd(FILE *out)
{
	struct itimerspec value;

	MUST(timerfd_gettime(fd, &value) == 0);
	fprintf(out, "interval %ld, armed %d\n", (long)value.it_interval.tv_sec,
		value.it_value.tv_sec > 3000);
}

static void nothing(void *arg)
{
	(void)arg;
}

/* Of the CPU time of somebody else. */
static pid_t make_posix_other(void)
{
	struct itimerspec value = { .it_value.tv_sec = 3600, .it_interval.tv_sec = 7 };
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	pid_t pid = kind_child(nothing, NULL);
	clockid_t clock;

	MUST(clock_getcpuclockid(pid, &clock) == 0);
	MUST(timer_create(clock, &event, &timer) == 0);
	MUST(timer_settime(timer, 0, &value, NULL) == 0);
	return pid;
}

static void make_posix_child(void)
{
	make_posix_other();
}

static void make_posix_dead(void)
{
	pid_t pid = make_posix_other();

	MUST(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

static void make_posix_outside(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	clockid_t clock;

	MUST(clock_getcpuclockid(1, &clock) == 0);
	NEED(timer_create(clock, &event, &timer) == 0);
}

const struct kind kinds_timer[] = {
	KIND("timer-itimer", make_itimer, show_itimer),
	KIND("timer-posix", make_posix, show_posix),
	KIND("timer-posix-point", make_posix_point, show_posix),
	KIND("timer-posix-boottime", make_posix_boottime, show_posix),
	KIND("timer-posix-cpu", make_posix_cpu, show_posix),
	KIND("timer-posix-child", make_posix_child, show_posix, .as = KIND_BOTH),
	KIND("timer-posix-dead", make_posix_dead, NULL, .refused = "which has ended",
	     .as = KIND_BOTH),
	KIND("timer-posix-outside", make_posix_outside, NULL, .refused = "which is not in the job"),
	KIND("timer-alarm-pending", make_alarm_pending, show_alarm_pending),
	KIND("timer-timerfd", make_timerfd, show_timerfd),
	{ .name = NULL },
};
