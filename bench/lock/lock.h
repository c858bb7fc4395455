/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lock.h - vcbench lock, seen by its own files
 *
 *	lock.c               which work in which configuration, round by round
 *	table.c              the tables, the JSON, the law
 *	server.h             the mixed servers
 *
 * A work is measured in each configuration once a round, one after the other in an
 * order drawn anew, so that what is compared was measured within seconds. All
 * configurations of a work have as many threads and as much data in all.
 */
#ifndef VC_BENCH_BENCH_LOCK_H
#define VC_BENCH_BENCH_LOCK_H

#include "bench/bench.h"
#include "bench/crew.h"
#include "bench/pace.h"
#include "bench/quiet.h"

/* name, JSON key, whether it is an estimate (positive, compared by ratio) or a plain figure */
#define LOCK_METRICS(X)                                                                            \
	X(RATE, "rate", true, rate)                                                                \
	X(P50, "p50_usec", true, p50_usec)                                                         \
	X(P99, "p99_usec", true, p99_usec)                                                         \
	X(P999, "p999_usec", true, p999_usec)                                                      \
	X(WAIT, "wait_pct", false, wait_pct)                                                       \
	X(BLOCKED, "blocked_pct", false, blocked_pct)                                              \
	X(QUEUE, "queue_pct", false, queue_pct)                                                    \
	X(SWITCHES, "switches_per_kop", false, switches)                                           \
	X(FORCED, "forced_switches_per_kop", false, forced_switches)                               \
	X(JAIN, "jain", false, jain)                                                               \
	X(OTHERS, "others_pct", false, others_pct)                                                 \
	X(STEAL, "steal_pct", false, steal_pct)

enum lock_metric {
#define X(name, json, estimate, field) METRIC_##name,
	LOCK_METRICS(X)
#undef X
		N_METRICS,
};

struct lock_config {
	const char *name; /* one, pinned, split, taskset, vcrun */
	enum crew_way way;
	unsigned int domains, threads;
};

#define LOCK_CONFIGS 64

/* One work in one configuration. */
struct lock_cell {
	double *values[N_METRICS]; /* by round; NAN: not measured */
	double counters[N_COUNTERS];
};

struct lock_bench;

struct lock_work {
	const char *name, *group, *what;
	/* NULL: a crew with that name does it. */
	int (*measure)(struct lock_bench *lock, const struct lock_config *config,
		       char *const *places, struct crew_figures *ret, struct vc_err *err);
	/* Of a server: why it cannot be measured here; NULL: it can. */
	const char *(*missing)(void);
};

struct lock_run {
	const struct lock_work *work;
	char failed[256]; /* why it could not be measured; "": it could */
	size_t rounds;    /* measured so far */
	struct lock_cell cells[LOCK_CONFIGS];
};

struct lock_bench {
	struct bench *bench;
	unsigned int n_cpus;
	struct bench_pace pace;
	size_t rounds, done; /* that there is room for; ended */
	struct crew_times times;
	struct bench_noise noise;
	struct lock_config configs[LOCK_CONFIGS];
	size_t n_configs;
	struct lock_run *runs;
	size_t n_runs;
};

/* A crew that is measured as long as all are here; counted: also what counters say. */
int lock_by_crew(struct lock_bench *lock, const struct crew_plan *plan, bool counted,
		 struct crew_figures *ret, struct vc_err *err);

/* redis.c, memcached.c, postgres.c */
int redis_measure(struct lock_bench *lock, const struct lock_config *config, char *const *places,
		  struct crew_figures *ret, struct vc_err *err);
const char *redis_missing(void);
int memcached_measure(struct lock_bench *lock, const struct lock_config *config,
		      char *const *places, struct crew_figures *ret, struct vc_err *err);
const char *memcached_missing(void);
int postgres_measure(struct lock_bench *lock, const struct lock_config *config, char *const *places,
		     struct crew_figures *ret, struct vc_err *err);
const char *postgres_missing(void);
/* Removes what its measurements had in common. */
void postgres_end(void);

/* table.c */
/* Whether all that is said of a work is known well enough. */
bool lock_is_enough(const struct lock_bench *lock, const struct lock_run *run);
json_t *lock_json(struct lock_bench *lock);
void lock_print(struct lock_bench *lock);

#endif
