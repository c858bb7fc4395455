/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bench.h - vcbench, seen by its own files
 *
 *	vcbench.c      options, the private instance, the report's frame
 *	bench-spawn.c  what starting a program costs
 *	bench-move.c   what moving one costs
 *	bench-reshape.c  what changing a partition costs
 *	bench-victim.c   the program that is moved, or stands in a partition that changes
 *	bench-stat.c   samples, their medians, running commands
 *	victim.c       that program itself
 *
 * What is compared runs in turns within one run, in an order drawn anew for each
 * round, after rounds that do not count. Machines are noisy: ratios of medians are
 * quoted, and every figure comes with its number of samples.
 */
#ifndef VC_BENCH_BENCH_H
#define VC_BENCH_BENCH_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct bench {
	size_t rounds; /* 0: the subcommand's own */
	bool quick;
	const char *sizes; /* MiB, by commas; NULL: the subcommand's own */
	char state_dir[64];
	json_t *report;
};

/* Set by SIGINT and SIGTERM: finish the round, print what is there, take all down. */
extern volatile sig_atomic_t bench_stop;

int bench_spawn(struct bench *bench, struct vc_err *err);
int bench_move(struct bench *bench, struct vc_err *err);
int bench_reshape(struct bench *bench, struct vc_err *err);

/* bench-stat.c */
struct samples {
	double *values;
	size_t n, size;
};
void samples_add(struct samples *samples, double value);
/* Linear between neighbours; 0.5 is the median. NAN without samples. */
double samples_quantile(struct samples *samples, double q);
/* {"n", "median", "p90", "min", "max"}; the caller owns it. */
json_t *samples_json(struct samples *samples);
void samples_done(struct samples *samples);

/* Numbers 0 to n-1 in an order drawn anew. */
void bench_shuffle(size_t *order, size_t n);

/* Runs a command with its output thrown away, or kept in out (NUL-ended) when that
 * is not NULL. Returns its exit status (128+N for a signal), or -errno. */
int bench_run(char *const argv[], char *out, size_t size);
/* A line on stderr while it is a terminal, replaced by the next. */
void bench_progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
