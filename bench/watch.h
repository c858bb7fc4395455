/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * watch.h - the program that vcbench watches, and its log
 */
#ifndef VC_BENCH_BENCH_VICTIM_H
#define VC_BENCH_BENCH_VICTIM_H

#include <stddef.h>
#include <stdint.h>

#include "bench/bench.h"
#include "bench/victim.h"

struct victim {
	char path[128]; /* of the log */
	struct victim_log *log;
};

/* Creates log number n, for a program that is started with it. */
int victim_open(struct victim *victim, const struct bench *bench, int n, struct vc_err *err);
/* Waits until the program has filled its memory. */
int victim_await(const struct victim *victim, struct vc_err *err);
/* Ends the program and removes the log. */
void victim_end(struct victim *victim);
/* The longest gap that ended after this time (CLOCK_REALTIME). */
double victim_gap_msec(const struct victim *victim, uint64_t since_usec);

#endif
