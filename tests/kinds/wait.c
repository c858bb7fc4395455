// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * wait.c - rows of tests/move-kinds: system calls that wait
 */
#include "tests/kinds/kind.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The error that the child's call returned with; 0: it waits. */
static _Atomic int *returned;

static void wait_in_poll(void *arg)
{
	(void)arg;
	kind_is_ready();
	poll(NULL, 0, 3600 * 1000);
	*returned = errno;
}

static void wait_in_nanosleep(void *arg)
{
	struct timespec long_time = { .tv_sec = 3600 };

	(void)arg;
	kind_is_ready();
	nanosleep(&long_time, NULL);
	*returned = errno;
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

static void make_poll(void)
{
	make_wait(wait_in_poll);
}

static void make_nanosleep(void)
{
	make_wait(wait_in_nanosleep);
}

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
	KIND("wait-nanosleep", make_nanosleep, show_wait),
	{ .name = NULL },
};
