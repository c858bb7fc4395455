// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-one.c - measurements of one process: a semaphore without a waiter, and opening by name in a
 * small and in a large table
 *
 * The table is filled with objects of size 0, by the door. Only the number of names matters, and a
 * million pages would measure the machine's memory.
 */
#include "bench/ipc.h"

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "ipcmap/door/door.h"
#include "ipcmap/vcipc.h"

#define PAIRS 2000       /* post and wait, a sample */
#define PAIR_SAMPLES 20  /* a round */
#define OPEN_NAMES 500   /* events that are opened in turn */
#define OPEN_SAMPLES 200 /* a round */
#define OPEN_FEW 1000
#define OPEN_MANY 1000000
#define OPEN_QUICK_MANY 20000

static vcipc_sem *one_sem;
static sem_t *one_sem_t;

static int one_open_sem(void)
{
	one_sem = vcipc_sem_open("vcbench semaphore", VCIPC_CREATE, 0600, 0);
	return one_sem ? 0 : -errno;
}

static void one_close_sem(void)
{
	vcipc_sem_close(one_sem);
}

static int one_open_sem_t(void)
{
	one_sem_t = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return one_sem_t == MAP_FAILED || sem_init(one_sem_t, 1, 0) < 0 ? -errno : 0;
}

static void one_close_sem_t(void)
{
	munmap(one_sem_t, 4096);
}

static void one_post_and_wait(int direction)
{
	vcipc_sem_post(one_sem);
	vcipc_sem_wait(one_sem);
}

static void one_post_and_wait_sem_t(int direction)
{
	sem_post(one_sem_t);
	sem_wait(one_sem_t);
}

static void one_measure_pairs(struct ipc_way *way, bool counts)
{
	for (int i = 0; i < PAIR_SAMPLES; i++) {
		uint64_t begun = ipc_nsec();

		for (int k = 0; k < PAIRS; k++)
			way->put(0);
		if (counts)
			samples_add(&way->cost, (double)(ipc_nsec() - begun) / PAIRS);
	}
}

void ipc_bench_semaphore(struct bench *bench)
{
	struct ipc_way ways[] = {
		{ .name = "vcipc sem",
		  .open = one_open_sem,
		  .close = one_close_sem,
		  .put = one_post_and_wait },
		{ .name = "sem_post, sem_wait",
		  .open = one_open_sem_t,
		  .close = one_close_sem_t,
		  .put = one_post_and_wait_sem_t },
	};

	ipc_rounds(bench, "semaphore", ways, ARRAY_SIZE(ways), one_measure_pairs);
	ipc_report(bench, "semaphore", "Post and wait of a semaphore that nobody waits for",
		   "nanoseconds", ways, ARRAY_SIZE(ways));
}

/* --- opening --------------------------------------------------------------------------------- */

static const char *one_name(char *name, size_t size, unsigned int i)
{
	snprintf(name, size, "vcbench name %u", i);
	return name;
}

/* Makes the names from..to-1. The first OPEN_NAMES are events, the others have no memory. */
static int one_fill(unsigned int from, unsigned int to, struct vc_err *err)
{
	struct door_open ask = { .kind = VCIPC_SHM,
				 .flags = DOOR_CREATE | DOOR_PERSISTENT,
				 .mode = 0600 };
	struct door_object object;
	char name[64];

	for (unsigned int i = from; i < to && !bench_stop; i++) {
		int r;

		if (i % 1000 == 0)
			bench_progress("ipc: making names: %u of %u", i, to);
		ask.name = one_name(name, sizeof(name), i);
		if (i < OPEN_NAMES) {
			vcipc_event *event =
				vcipc_event_open(name, VCIPC_CREATE | VCIPC_PERSISTENT, 0600);

			r = !event || vcipc_event_close(event) < 0 ? -errno : 0;
		} else {
			r = door_open(&ask, &object);
			if (r == 0) {
				close(object.fd);
				r = door_close(object.handle);
			}
		}
		if (r < 0)
			return err_sys(err, -r, "making name %u of %u", i, to);
	}
	bench_progress("%s", "");
	return 0;
}

static void one_measure_open(struct ipc_way *way, bool counts)
{
	char name[64];

	for (int i = 0; i < OPEN_SAMPLES; i++) {
		vcipc_event *event;
		uint64_t begun;

		one_name(name, sizeof(name), (unsigned int)rand() % OPEN_NAMES);
		begun = ipc_nsec();
		event = vcipc_event_open(name, 0, 0);
		if (counts && event)
			samples_add(&way->cost, (double)(ipc_nsec() - begun) / 1e3);
		if (event)
			vcipc_event_close(event);
		else
			snprintf(way->reason, sizeof(way->reason), "%s", strerror(errno));
	}
}

int ipc_bench_open(struct bench *bench, struct vc_err *err)
{
	unsigned int many = bench->quick ? OPEN_QUICK_MANY : OPEN_MANY;
	char few_name[32], many_name[32];
	struct ipc_way ways[] = { { .name = few_name }, { .name = many_name } };
	int r;

	snprintf(few_name, sizeof(few_name), "of %u names", OPEN_FEW);
	snprintf(many_name, sizeof(many_name), "of %u names", many);
	r = one_fill(0, OPEN_FEW, err);
	if (r == 0)
		ipc_rounds(bench, "opening", &ways[0], 1, one_measure_open);
	if (r == 0)
		r = one_fill(OPEN_FEW, many, err);
	if (r == 0)
		ipc_rounds(bench, "opening", &ways[1], 1, one_measure_open);
	if (r == 0)
		ipc_report(bench, "open", "Opening an event by its name", "microseconds", ways,
			   ARRAY_SIZE(ways));
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		samples_done(&ways[i].cost);
	return r;
}
