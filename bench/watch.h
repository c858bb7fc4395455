/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * watch.h - the program that vcbench watches: its log, and what it tells
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

/* Makes the log, number n of them, for a program to be started with it. */
int victim_open(struct victim *victim, const struct bench *bench, int n, struct vc_err *err);
/* Until it has filled its memory. */
int victim_await(const struct victim *victim, struct vc_err *err);
/* Tells it to end. */
void victim_end(struct victim *victim);
/* The longest gap that ended after that moment (CLOCK_REALTIME). */
double victim_gap_msec(const struct victim *victim, uint64_t since_usec);

#endif
