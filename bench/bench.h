/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bench.h - vcbench, for its own files
 *
 * 	vcbench.c      options, the private instance, the list of benchmarks
 * 	spawn.c        the cost of starting a program
 * 	move.c         the cost of a move
 * 	reshape.c      the cost of changing a partition
 * 	watch.c        the program that is moved, or runs in a partition that changes
 * 	ipc.c          the cost of communication across partitions
 * 	lock/          the effects of splitting a lock, and of partitions
 * 	interfere/     the effects of neighbours
 * 	quiet.c        the noise; pace.c: the number of rounds
 * 	crew.c         threads that work while they are measured
 * 	stat.c         samples and their medians, commands, tables
 * 	estimate.c, usl.c  intervals; the universal scalability law
 * 	report/        the page
 * 	victim.c       another program: it notices when it is stopped
 * 	work/          another program: the processes of a crew
 *
 * Variants that are compared run in turns within a round, in a random order. The first rounds do
 * not count. Machines are noisy: results are ratios of medians, with the number of samples.
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
	size_t rounds; /* 0: the subcommand's own number */
	bool quick;
	const char *sizes;           /* MiB, separated by commas; NULL: the subcommand's own */
	const char *works;           /* lock: names, separated by commas; NULL: all */
	uint64_t patience_each_usec; /* the time that each subcommand may wait (quiet.h) */
	uint64_t patience_usec;      /* the rest of it */
	char state_dir[64];          /* of the running instance; "": none */
	json_t *report;
	json_t *ipc; /* in report: ipc.c's results */
};

/* Set by SIGINT and SIGTERM: end the round, print the results so far, take the instance down. */
extern volatile sig_atomic_t bench_stop;

int bench_spawn(struct bench *bench, struct vc_err *err);
int bench_move(struct bench *bench, struct vc_err *err);
int bench_reshape(struct bench *bench, struct vc_err *err);
int bench_ipc(struct bench *bench, struct vc_err *err);
int bench_lock(struct bench *bench, struct vc_err *err);
int bench_interfere(struct bench *bench, struct vc_err *err);

/* bench_up() brings up an instance with that number of partitions (vc0, ...) in bench->state_dir.
 * bench_down() takes it down with its jobs; without an instance it does nothing. */
int bench_up(struct bench *bench, unsigned int partitions, struct vc_err *err);
int bench_down(struct bench *bench);

/* machine.c: describes the machine and prints a line about it. The caller owns the result. */
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

/* The numbers 0 to n-1 in a random order. */
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
