// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * timer.c - rows of tests/move-kinds: timers of every kind
 */
#include "tests/kinds/kind.h"

#include <signal.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/timerfd.h>
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

static void make_posix(void)
{
	struct itimerspec value = { .it_value.tv_sec = 3600, .it_interval.tv_sec = 7 };

	MUST(timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0);
	MUST(timer_settime(timer, 0, &value, NULL) == 0);
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

const struct kind kinds_timer[] = {
	KIND("timer-itimer", make_itimer, show_itimer),
	KIND("timer-posix", make_posix, show_posix),
	KIND("timer-timerfd", make_timerfd, show_timerfd),
	{ .name = NULL },
};
