// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-turns - who gets a post for which two wait, for tests/ipc-fair.sh
 *
 *	ipc-turns KIND wait NAME SLOT    takes posts until it is killed
 *	ipc-turns KIND post NAME TURNS   posts once both sleep, that often; prints how often each
 *got it, and how often the one that had slept longer did
 *
 * KIND: event, sem, mq. What each has got stands in shared memory of the same name.
 */
#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ipcmap/vcipc.h"

#define WAITERS 2
#define PATIENCE_MSEC 30000

struct turns {
	volatile int32_t pid[WAITERS];
	volatile uint32_t got[WAITERS];
};

static const char *kind, *name;
static void *object;
static struct turns *turns;

static void open_all(void)
{
	size_t size;
	vcipc_shm *shm = vcipc_shm_open(name, VCIPC_CREATE, 0600, sizeof(*turns));
	char of_kind[64];

	snprintf(of_kind, sizeof(of_kind), "%s of it", name);
	if (!strcmp(kind, "event"))
		object = vcipc_event_open(of_kind, VCIPC_CREATE, 0600);
	else if (!strcmp(kind, "sem"))
		object = vcipc_sem_open(of_kind, VCIPC_CREATE, 0600, 0);
	else if (!strcmp(kind, "mq"))
		object = vcipc_mq_open(of_kind, VCIPC_CREATE, 0600, NULL);
	else
		errx(2, "%s: no such kind", kind);
	if (!shm || !object || vcipc_shm_map(shm, (void **)&turns, &size) < 0)
		err(1, "%s", name);
}

static int wait_once(void)
{
	char message[1024];

	if (!strcmp(kind, "event"))
		return vcipc_event_wait(object);
	if (!strcmp(kind, "sem"))
		return vcipc_sem_wait(object);
	return vcipc_mq_receive(object, message, sizeof(message), NULL) < 0 ? -1 : 0;
}

static int post_once(void)
{
	if (!strcmp(kind, "event"))
		return vcipc_event_post(object);
	if (!strcmp(kind, "sem"))
		return vcipc_sem_post(object);
	return vcipc_mq_send(object, "x", 1, 0);
}

static void take_turns(int slot)
{
	turns->pid[slot] = getpid();
	while (wait_once() == 0)
		__atomic_add_fetch(&turns->got[slot], 1, __ATOMIC_RELEASE);
	err(1, "wait");
}

/* In the kernel's words: asleep in futex(2). */
static int sleeps(int pid)
{
	char path[64], text[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	return !strncmp(text, "202 ", 4) || !strncmp(text, "98 ", 3); /* x86_64, aarch64 */
}

static uint32_t sum(void)
{
	uint32_t all = 0;

	for (int i = 0; i < WAITERS; i++)
		all += __atomic_load_n(&turns->got[i], __ATOMIC_ACQUIRE);
	return all;
}

/* All have taken what there was, and sleep again. */
static void until_asleep(uint32_t taken)
{
	const struct timespec step = { .tv_nsec = 100000 };

	for (int i = 0; i < PATIENCE_MSEC * 10; i++) {
		if (sum() == taken && turns->pid[0] && turns->pid[1] && sleeps(turns->pid[0]) &&
		    sleeps(turns->pid[1]))
			return;
		nanosleep(&step, NULL);
	}
	errx(1, "turn %u: they do not sleep: %u and %u taken", taken, turns->got[0], turns->got[1]);
}

static void give_turns(uint32_t n)
{
	uint32_t begun[WAITERS], longer = 0;
	int last = -1;

	until_asleep(sum());
	for (int i = 0; i < WAITERS; i++)
		begun[i] = turns->got[i];
	for (uint32_t turn = 0; turn < n; turn++) {
		uint32_t before = turns->got[0];

		if (post_once() < 0)
			err(1, "post");
		until_asleep(begun[0] + begun[1] + turn + 1);
		longer += last >= 0 && (turns->got[0] == before) != last;
		last = turns->got[0] == before;
	}
	printf("%u %u %u\n", turns->got[0] - begun[0], turns->got[1] - begun[1], longer);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		errx(2, "usage: ipc-turns KIND wait NAME SLOT | KIND post NAME TURNS");
	kind = argv[1];
	name = argv[3];
	open_all();
	if (!strcmp(argv[2], "wait"))
		take_turns(atoi(argv[4]) % WAITERS);
	else
		give_turns((uint32_t)atoi(argv[4]));
	return 0;
}
