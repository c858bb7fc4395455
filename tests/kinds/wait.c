// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * wait.c - rows of tests/move-kinds: system calls that wait
 */
#include "tests/kinds/kind.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The error that the child's call returned with; 0: it waits. */
static _Atomic int *returned;

static const struct timespec an_hour = { .tv_sec = 3600 };

/* Each ends with an error in *returned when it should still wait. */
#define WAIT(name, call)                                                                           \
	static void wait_in_##name(void *arg)                                                      \
	{                                                                                          \
		(void)arg;                                                                         \
		kind_is_ready();                                                                   \
		*returned = (call) < 0 ? errno : -1;                                               \
	}                                                                                          \
                                                                                                   \
	static void make_##name(void)                                                              \
	{                                                                                          \
		make_wait(wait_in_##name);                                                         \
	}

static pid_t waiter;

static bool is_waiting(void *arg)
{
	char path[48], text[32] = "";
	FILE *file;

	(void)arg;
	snprintf(path, sizeof(path), "/proc/%d/syscall", waiter);
	MUST((file = fopen(path, "re")) && fgets(text, sizeof(text), file));
	fclose(file);
	return strncmp(text, "running", 7) != 0 && atol(text) != SYS_close;
}

static void make_wait(void (*wait)(void *))
{
	returned = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(returned != MAP_FAILED);
	waiter = kind_child(wait, NULL);
	kind_until(is_waiting, NULL);
}

static long call_read(void)
{
	char byte;
	int ends[2];

	return pipe(ends) < 0 ? -1 : read(ends[0], &byte, 1);
}

static struct timespec point(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	at.tv_sec += an_hour.tv_sec;
	return at;
}

static long call_sleep_until(void)
{
	struct timespec at = point(CLOCK_REALTIME);

	return syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL);
}

static long call_futex_until(void)
{
	struct timespec at = point(CLOCK_MONOTONIC);

	return syscall(SYS_futex, returned, FUTEX_WAIT_BITSET, 0, &at, NULL, ~0u);
}

WAIT(poll, poll(NULL, 0, 3600 * 1000))
WAIT(poll_forever, poll(NULL, 0, -1))
WAIT(ppoll, ppoll(NULL, 0, &an_hour, NULL))
WAIT(select, select(0, NULL, NULL, NULL, &(struct timeval){ .tv_sec = 3600 }))
WAIT(nanosleep, syscall(SYS_nanosleep, &an_hour, NULL))
WAIT(clock_nanosleep, syscall(SYS_clock_nanosleep, CLOCK_BOOTTIME, 0, &an_hour, NULL))
WAIT(sleep_until, call_sleep_until())
WAIT(futex, syscall(SYS_futex, returned, FUTEX_WAIT, 0, &an_hour, NULL, 0))
WAIT(futex_until, call_futex_until())
WAIT(pause, pause())
WAIT(read, call_read())

/* It waits, or has returned. After a move it may not have had a CPU yet. */
static bool has_settled(void *arg)
{
	return *returned || is_waiting(arg);
}

static void show_wait(FILE *out)
{
	kind_until(has_settled, NULL);
	fprintf(out, "returned with %d\n", *returned);
}

const struct kind kinds_wait[] = {
	KIND("wait-poll", make_poll, show_wait),
	KIND("wait-poll-forever", make_poll_forever, show_wait),
	KIND("wait-ppoll", make_ppoll, show_wait),
	KIND("wait-select", make_select, show_wait),
	KIND("wait-nanosleep", make_nanosleep, show_wait),
	KIND("wait-clock-nanosleep", make_clock_nanosleep, show_wait),
	KIND("wait-sleep-until", make_sleep_until, show_wait),
	KIND("wait-futex", make_futex, show_wait),
	KIND("wait-futex-until", make_futex_until, show_wait),
	KIND("wait-pause", make_pause, show_wait),
	KIND("wait-read", make_read, show_wait),
	{ .name = NULL },
};
