/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipc.h - the parts of "vcbench ipc"
 *
 *	ipc.c              between two processes: round trips, messages
 *	ipc-calls.c        calls of an unmodified program, mapped and the kernel's
 *	ipc-one.c          in one: a semaphore that nobody waits for, opening by name
 */
#ifndef VC_BENCH_BENCH_IPC_H
#define VC_BENCH_BENCH_IPC_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "bench/bench.h"

/* One of the ways that are compared. */
struct ipc_way {
	const char *name;
	int (*open)(void); /* before each round; 0 or -errno. May be NULL */
	void (*close)(void);
	void (*put)(int direction); /* 0: there, 1: back */
	void (*get)(int direction);
	char reason[64]; /* why it cannot be measured here; "": it can */
	struct samples cost;
};

static inline uint64_t ipc_nsec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Measures each way in each round, in random order. counts is false during the warm-up. */
void ipc_rounds(struct bench *bench, const char *what, struct ipc_way *ways, size_t n,
		void (*measure)(struct ipc_way *way, bool counts));
/* Prints the table and adds the JSON, with the ratios of the medians to the first one. Empties the
 * samples. */
void ipc_report(struct bench *bench, const char *key, const char *title, const char *unit,
		struct ipc_way *ways, size_t n);

void ipc_bench_semaphore(struct bench *bench);
int ipc_bench_calls(struct bench *bench, struct vc_err *err);
int ipc_bench_open(struct bench *bench, struct vc_err *err);

#endif
