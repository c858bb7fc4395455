/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bench.h - vcbench, seen by its own files
 *
 *	vcbench.c      options, the private instance, the report's frame
 *	spawn.c        what starting a program costs
 *	move.c         what moving one costs
 *	reshape.c        what changing a partition costs
 *	watch.c          the program that is moved, or stands in a partition that changes
 *	ipc.c          what talking across partitions costs
 *	lock/lock.c    what splitting a lock gives, and what partitions do
 *	lock/table.c, lock/server.h
 *	interfere/interfere.c, interfere/table.c         what neighbours cost
 *	quiet.c        how noisy it was; pace.c        how many rounds there are
 *	crew.c         threads that work while they are measured
 *	stat.c         samples, their medians, running commands
 *	estimate.c, usl.c  intervals; the law of the curve
 *	victim.c       the program that is watched (another program)
 *	work.c         the program of a crew's processes (another program); see work.h
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
	const char *sizes;           /* MiB, by commas; NULL: the subcommand's own */
	const char *works;           /* lock: names by commas; NULL: all */
	uint64_t patience_each_usec; /* of a subcommand, for quiet moments (quiet.h) */
	uint64_t patience_usec;      /* what is left of it */
	char state_dir[64];          /* of the instance that is up; "": none is */
	json_t *report;
	json_t *ipc; /* in report: what ipc.c has to say */
};

/* Set by SIGINT and SIGTERM: finish the round, print what is there, take all down. */
extern volatile sig_atomic_t bench_stop;

int bench_spawn(struct bench *bench, struct vc_err *err);
int bench_move(struct bench *bench, struct vc_err *err);
int bench_reshape(struct bench *bench, struct vc_err *err);
int bench_ipc(struct bench *bench, struct vc_err *err);
int bench_lock(struct bench *bench, struct vc_err *err);
int bench_interfere(struct bench *bench, struct vc_err *err);

/* Brings up an instance with so many partitions, vc0 and so on, in bench->state_dir;
 * and takes it down with whatever is in it (nothing to do is success). */
int bench_up(struct bench *bench, unsigned int partitions, struct vc_err *err);
int bench_down(struct bench *bench);

/* machine.c: what the figures are measured on; printed in a line, too. The
 * caller's. */
json_t *bench_machine(void);

/* stat.c */
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

/* The words of a command, with the NULL behind them. */
#define BENCH_ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })
/* Runs a command. Its output goes to out, NUL-terminated, or to /dev/null if out is NULL. Returns
 * its exit status (128+N for a signal), or -errno. */
int bench_run(const char *const argv[], char *out, size_t size);
/* Whether a program is installed: "PROGRAM --version" succeeds. */
bool bench_has(const char *program);
/* Starts a command. Its output goes to out_fd, or to /dev/null if that is -1. 0 or -errno; the
 * caller waits for the process. */
int bench_start(const char *const argv[], int out_fd, pid_t *ret);
/* Makes a directory in memory and stores its path. 0 or -errno; the caller removes it. */
int bench_make_dir(char *path, size_t size);
/* Finds a program of ours beside vcbench or where it was installed. Returns false if there is none;
 * path is then the last place. */
bool bench_find_program(const char *name, char *path, size_t size);
/* Prints a line on stderr, if it is a terminal, in place of the last one. */
void bench_progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The rounds that the user asks for, or the subcommand's own number. */
size_t bench_rounds(const struct bench *bench, size_t full, size_t quick);
/* Calls f for each size in MiB: those of --sizes, or the subcommand's own. */
int bench_each_size(struct bench *bench, const char *full, const char *quick,
		    int (*f)(unsigned int mib, void *arg, struct vc_err *err), void *arg,
		    struct vc_err *err);

/* Adds a row. The formatted text has the cells, separated by '|'. */
struct columns;
void bench_row(struct columns *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints the table and frees it. */
void bench_print(struct columns *table);

#endif
