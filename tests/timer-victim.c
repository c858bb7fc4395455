// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * timer-victim.c - timers of every kind, and when they expire
 *
 * Sets timers that expire before, in and after a standstill. It says "ready", and prints a line a
 * timer some seconds later: its name, the expirations that were counted (overruns too), those that
 * there should be, and by how many milliseconds the first and the last one seen were late.
 * A timer that is due while the process stands still can be late by no more than until it runs
 * again; so that is printed too: the longest time in which nothing ran.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define RUN_MSEC 5000
#define N_TIMERS 10

static struct {
	const char *name;
	clockid_t clock;
	int absolute;
	int first_msec, interval_msec;
} const kinds[N_TIMERS] = {
	{ "monotonic span in the stop", CLOCK_MONOTONIC, 0, 1000, 0 },
	{ "monotonic span after it", CLOCK_MONOTONIC, 0, 4000, 0 },
	{ "monotonic point in the stop", CLOCK_MONOTONIC, 1, 1000, 0 },
	{ "monotonic point after it", CLOCK_MONOTONIC, 1, 4000, 0 },
	{ "realtime span after it", CLOCK_REALTIME, 0, 4000, 0 },
	{ "realtime point after it", CLOCK_REALTIME, 1, 4000, 0 },
	{ "boottime point after it", CLOCK_BOOTTIME, 1, 4000, 0 },
	{ "monotonic periodic", CLOCK_MONOTONIC, 0, 300, 300 },
	{ "realtime periodic point", CLOCK_REALTIME, 1, 500, 250 },
	{ "tai periodic", CLOCK_TAI, 0, 100, 700 },
};

static struct {
	volatile int count;
	volatile long first, last; /* milliseconds after the start */
	timer_t id;
} timers[N_TIMERS], alarms;

static struct timespec began;

static long since(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - began.tv_sec) * 1000 + (now.tv_nsec - began.tv_nsec) / 1000000;
}

static void on_timer(int signal, siginfo_t *info, void *context)
{
	int i = info->si_value.sival_int;
	long now = since();

	(void)signal, (void)context;
	if (!timers[i].count)
		timers[i].first = now;
	timers[i].last = now;
	timers[i].count += 1 + info->si_overrun;
}

static void on_alarm(int signal)
{
	long now = since();

	(void)signal;
	if (!alarms.count)
		alarms.first = now;
	alarms.last = now;
	alarms.count++;
}

static void set(int i)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGRTMIN + i,
				  .sigev_value.sival_int = i };
	struct itimerspec value = { 0 };
	long msec = kinds[i].first_msec;

	if (kinds[i].absolute) {
		clock_gettime(kinds[i].clock, &value.it_value);
		msec += value.it_value.tv_nsec / 1000000;
	}
	value.it_value.tv_sec += msec / 1000;
	value.it_value.tv_nsec = msec % 1000 * 1000000;
	value.it_interval.tv_sec = kinds[i].interval_msec / 1000;
	value.it_interval.tv_nsec = kinds[i].interval_msec % 1000 * 1000000;
	if (timer_create(kinds[i].clock, &event, &timers[i].id) < 0 ||
	    timer_settime(timers[i].id, kinds[i].absolute ? TIMER_ABSTIME : 0, &value, NULL) < 0)
		abort();
}

static int expected(int first, int interval, long end)
{
	return interval ? (int)((end - first) / interval) + 1 : 1;
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_timer, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct itimerval value = { .it_value.tv_usec = 400000, .it_interval.tv_usec = 200000 };
	long end, last = 0, gap = 0;

	sigfillset(&action.sa_mask);
	for (int i = 0; i < N_TIMERS; i++)
		sigaction(SIGRTMIN + i, &action, NULL);
	action.sa_handler = on_alarm;
	action.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &action, NULL);
	clock_gettime(CLOCK_MONOTONIC, &began);
	for (int i = 0; i < N_TIMERS; i++)
		set(i);
	setitimer(ITIMER_REAL, &value, NULL);
	puts("ready");
	fflush(stdout);
	while ((end = since()) < RUN_MSEC) {
		if (end - last > gap)
			gap = end - last;
		last = end;
		poll(NULL, 0, 5);
	}
	printf("gap %ld\n", gap);
	for (int i = 0; i < N_TIMERS; i++) {
		int due = kinds[i].first_msec, every = kinds[i].interval_msec;

		printf("%s: %d of %d, late by %ld and %ld\n", kinds[i].name, timers[i].count,
		       expected(due, every, end), timers[i].first - due,
		       every ? (timers[i].last - due + 1) % every - 1 : timers[i].last - due);
	}
	/* Its signals are not counted while one is pending. */
	printf("setitimer: %d of 0, late by %ld and %ld\n", alarms.count, alarms.first - 400,
	       (alarms.last - 400 + 1) % 200 - 1);
	return 0;
}
