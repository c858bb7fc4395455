/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - the plan that all who fill work off
 *
 * It lies in a memfd that the mover and its helper map. Segments are taken by
 * number, each by one thread; nobody owns a part of them in advance.
 */
#ifndef VC_LIBMIG_FILL_PRIV_H
#define VC_LIBMIG_FILL_PRIV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FILL_TASKS_MAX 100 /* processes; two descriptors each go in one message (253) */
#define FILL_SEGMENT_BYTES (1u << 20)

/* Pages that follow one another in the memory and in the image of one process. */
struct fill_segment {
	uint64_t addr, offset;
	uint32_t bytes;
	uint32_t task; /* index */
};

struct fill_plan {
	_Atomic uint32_t next; /* segment to be taken */
	_Atomic uint32_t done;
	_Atomic int32_t error; /* the first -errno; 0: none */
	uint32_t n_tasks, n_segments;
	struct fill_segment segments[];
};

/* One process to be filled, as one of those who fill sees it. */
struct fill_task {
	pid_t pid;
	int pages;     /* its image of pages */
	int uffd;      /* -1: not there yet */
	uint8_t *data; /* pages, mapped; NULL: not mapped yet */
	size_t size;
};

/* plan.c: finds the processes whose pages need not be CRIU's, and their segments.
 * The memfd of the plan or -errno; pages is open in each of the tasks. */
int fill_plan_make(int dirfd, const pid_t *pids, size_t n, struct fill_task tasks[FILL_TASKS_MAX]);

/* copy.c: works until no segment is left, with a thread for each CPU that this process may
 * use. What fails is in plan->error. */
void fill_copy_all(struct fill_plan *plan, struct fill_task *tasks);
/* One page that somebody waits for; zero where the images have none. */
int fill_copy_page(struct fill_plan *plan, struct fill_task *tasks, uint32_t task, uint64_t addr);

#endif
