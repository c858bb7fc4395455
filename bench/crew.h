/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * crew.h - starting a crew, measuring it, and what came of it
 *
 * A crew is started, brought through its phases (crew.h), and ended; then its figures
 * are there. Several crews may be at work at a time: one is disturbed, one disturbs.
 */
#ifndef VC_BENCH_BENCH_CREW_H
#define VC_BENCH_BENCH_CREW_H

#include "bench/bench.h"
#include "bench/work/crew.h"

/* Who says where a process may run. */
enum crew_way {
	WAY_FREE,    /* nobody */
	WAY_PINNED,  /* each thread has a CPU of its own; one domain or several */
	WAY_TASKSET, /* places: lists of CPUs */
	WAY_SYSTEMD, /* places: lists of CPUs, for AllowedCPUs= */
	WAY_VCRUN,   /* places: partitions of the instance that is up */
};

struct crew_plan {
	const char *work;
	const char *dir; /* where they meet: the caller's; NULL: one is made for them */
	unsigned int threads, domains; /* threads >= domains; spread evenly */
	enum crew_way way;
	char *const *places; /* of the domains in turn, or NULL where the way needs none */
};

/* Of all threads together. Percentages are of the time that the threads were measured. */
struct crew_figures {
	double rate; /* operations a second */
	double p50_usec, p99_usec, p999_usec;
	double wait_pct;                  /* in the application's own lock; 0 where it has none */
	double blocked_pct;               /* neither on a CPU nor wanting one */
	double queue_pct;                 /* wanting a CPU that others have */
	double switches, forced_switches; /* per 1000 operations */
	double jain;                      /* 1: all threads did as much; 1/n: one did all */
	/* Time of all CPUs during the run: of this crew, of other processes, of other machines. */
	double cpu_pct, others_pct, steal_pct;
	double counters[N_COUNTERS]; /* per 1000 operations; NAN: not counted */
};

struct crew {
	char dir[128];
	bool keep_dir;
	struct crew_map *map;
	size_t map_size;
	unsigned int n_pids;
	pid_t pids[CREW_THREADS];
	uint64_t busy, steal, nsec; /* the machine's, in MEASURE */
};

/* What the partitions of an instance with so many of them are called, and their CPUs. */
struct bench_places {
	char (*names)[16], (*cpus)[96];
	char **by_name, **by_cpus;
};

/* Brings such an instance up, asks it, and takes it down. The caller calls
 * bench_places_done(), also after a failure with ret zeroed before. */
int bench_places_find(struct bench *bench, unsigned int partitions, struct bench_places *ret,
		      struct vc_err *err);
void bench_places_done(struct bench_places *places);

extern const char *const crew_counter_names[N_COUNTERS];

/* Starts all processes and waits until their threads have come. On failure nothing
 * is left of it. */
int crew_start(const struct crew_plan *plan, struct crew *ret, struct vc_err *err);
/* How long its phases are. */
struct crew_times {
	uint64_t warm_usec, measure_usec, count_usec; /* count_usec 0: no COUNT */
};
/* WARM, MEASURE and COUNT. A crew that disturbs it goes through the same phases beside it, so
 * that both are measured over the same time; NULL: none. -EINTR: bench_stop was set. */
int crew_measure(struct crew *crew, struct crew *beside, const struct crew_times *times,
		 struct vc_err *err);
/* Into WARM: at work, not yet measured. */
void crew_let_work(struct crew *crew);
/* Ends it, and removes all that is its. ret may be NULL. */
int crew_end(struct crew *crew, struct crew_figures *ret, struct vc_err *err);

/* Fills the first words of argv with the command that brings a program to its place; word is
 * memory for the last of them. Returns the number of words. */
#define CREW_PREFIX_WORDS 4
#define CREW_PLACE 128
size_t crew_prefix(enum crew_way way, const char *place, char word[CREW_PLACE], const char **argv);

#endif
