// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lock.c - what splitting a lock gives, what pinning gives, what partitions give
 *
 *	one        one domain, all threads in it, left to the scheduler
 *	pinned     the same with a thread on each CPU; also with fewer threads, for the curve
 *	split      P domains with a P-th of the threads each, left to the scheduler
 *	taskset    the same, each bound to the CPUs of a partition, but by taskset
 *	vcrun      the same, each a job in a partition of its own; P = 1 too
 *
 * So "vcrun" over "one" is what the user gets, "pinned" over "one" what of it pinning
 * alone would have given, "split" over "one" what splitting the lock alone, and
 * "vcrun" over "taskset" what only a partition can give: namespaces of its own.
 * The instance is up only while "vcrun" is measured, because partitions that own
 * their CPUs take them from everybody else.
 */
#include "bench/lock/lock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

static const struct bench_pace_limit lock_full = { PACE_LEAST, 20, 420000000 },
				     lock_quick = { 1, 3, 35000000 };

static const struct lock_work lock_works[] = {
	{ "mutex", "application", "a store (hash table and log) under one pthread mutex", NULL,
	  NULL },
	{ "spin", "application", "the same store under one spinlock", NULL, NULL },
	{ "rwlock", "application", "the same store under one readers-writer lock", NULL, NULL },
	{ "mmap", "kernel", "mmap 64 KiB, touch it, munmap, in one address space", NULL, NULL },
	{ "fault", "kernel", "64 page faults and their pages given back", NULL, NULL },
	{ "futex", "kernel", "futex wait (refused) and wake", NULL, NULL },
	{ "fork", "kernel", "fork, exit and wait, in one process of 16 MiB", NULL, NULL },
	{ "sem", "kernel", "semop down and up on one System V semaphore", NULL, NULL },
	{ "msg", "kernel", "msgsnd and msgrcv on one System V queue", NULL, NULL },
	{ "ipcget", "kernel", "semget and removal in one IPC namespace", NULL, NULL },
	{ "dir", "kernel", "create, write and unlink in one directory (tmpfs)", NULL, NULL },
	{ "tcp", "kernel", "connect, accept and answer on one port (loopback)", NULL, NULL },
	{ "redis", "server", "redis-server, half set and half get, by redis-benchmark",
	  redis_measure, redis_missing },
	{ "memcached", "server", "memcached, half set and half get", memcached_measure,
	  memcached_missing },
	{ "postgres", "server", "PostgreSQL, TPC-B-like transactions, by pgbench", postgres_measure,
	  postgres_missing },
};

static struct bench_places lock_places[LOCK_CONFIGS]; /* by configuration */

static void lock_add(struct lock_bench *lock, const char *name, enum crew_way way,
		     unsigned int domains, unsigned int threads)
{
	if (lock->n_configs < LOCK_CONFIGS)
		lock->configs[lock->n_configs++] = (struct lock_config){
			.name = name, .way = way, .domains = domains, .threads = threads
		};
}

/* 1, 2, 4 and so on, and last the number of CPUs itself. */
static unsigned int lock_next(unsigned int n, unsigned int n_cpus)
{
	if (n >= n_cpus)
		return n_cpus + 1;
	return n * 2 < n_cpus ? n * 2 : n_cpus;
}

static int lock_make_configs(struct lock_bench *lock, struct vc_err *err)
{
	unsigned int cpus = lock->n_cpus;
	int r = 0;

	lock_add(lock, "one", WAY_FREE, 1, cpus);
	for (unsigned int n = 1; n <= cpus; n = lock_next(n, cpus))
		lock_add(lock, "pinned", WAY_PINNED, 1, n);
	lock_add(lock, "vcrun", WAY_VCRUN, 1, cpus);
	for (unsigned int n = 2; n <= cpus; n = lock_next(n, cpus)) {
		lock_add(lock, "split", WAY_FREE, n, cpus);
		lock_add(lock, "taskset", WAY_TASKSET, n, cpus);
		lock_add(lock, "vcrun", WAY_VCRUN, n, cpus);
	}
	for (size_t i = 0; r == 0 && i < lock->n_configs; i++)
		if (lock->configs[i].way == WAY_TASKSET || lock->configs[i].way == WAY_VCRUN)
			r = bench_places_find(lock->bench, lock->configs[i].domains,
					      &lock_places[i], err);
	return r;
}

static bool lock_wanted(const struct bench *bench, const char *name)
{
	const char *word = bench->works;
	size_t len = strlen(name);

	if (!word)
		return true;
	for (;; word++) {
		if (!strncmp(word, name, len) && (word[len] == ',' || word[len] == '\0'))
			return true;
		word = strchr(word, ',');
		if (!word)
			return false;
	}
}

static void lock_make_runs(struct lock_bench *lock)
{
	lock->runs = calloc(ARRAY_SIZE(lock_works), sizeof(*lock->runs));
	if (!lock->runs)
		fatal("out of memory");
	for (size_t i = 0; i < ARRAY_SIZE(lock_works); i++) {
		struct lock_run *run = &lock->runs[lock->n_runs];

		if (!lock_wanted(lock->bench, lock_works[i].name))
			continue;
		lock->n_runs++;
		run->work = &lock_works[i];
		if (run->work->missing && run->work->missing())
			snprintf(run->failed, sizeof(run->failed), "%s", run->work->missing());
		for (size_t c = 0; c < lock->n_configs; c++) {
			struct lock_cell *cell = &run->cells[c];

			for (int m = 0; m < N_METRICS; m++) {
				cell->values[m] = calloc(lock->rounds, sizeof(double));
				if (!cell->values[m])
					fatal("out of memory");
				for (size_t i_round = 0; i_round < lock->rounds; i_round++)
					cell->values[m][i_round] = NAN;
			}
			for (int n = 0; n < N_COUNTERS; n++)
				cell->counters[n] = NAN;
		}
	}
}

static void lock_free(struct lock_bench *lock)
{
	for (size_t i = 0; i < lock->n_runs; i++)
		for (size_t c = 0; c < lock->n_configs; c++)
			for (int m = 0; m < N_METRICS; m++)
				free(lock->runs[i].cells[c].values[m]);
	free(lock->runs);
	bench_noise_done(&lock->noise);
	for (size_t c = 0; c < lock->n_configs; c++)
		bench_places_done(&lock_places[c]);
}

int lock_by_crew(struct lock_bench *lock, const struct crew_plan *plan, bool counted,
		 struct crew_figures *ret, struct vc_err *err)
{
	struct crew_times times = lock->times;
	struct crew crew;
	int r = crew_start(plan, &crew, err), r_end;

	if (r < 0)
		return r;
	if (!counted)
		times.count_usec = 0;
	r = crew_measure(&crew, NULL, &times, err);
	r_end = crew_end(&crew, ret, r < 0 ? NULL : err);
	return r < 0 ? r : r_end;
}

static void cell_note(struct lock_cell *cell, size_t round, const struct crew_figures *figures)
{
#define X(name, json, estimate, field) cell->values[METRIC_##name][round] = figures->field;
	LOCK_METRICS(X)
#undef X
	if (round == 0)
		memcpy(cell->counters, figures->counters, sizeof(cell->counters));
}

static int lock_measure_once(struct lock_bench *lock, struct lock_run *run, size_t c, bool counted,
			     struct crew_figures *ret, struct vc_err *err)
{
	const struct lock_config *config = &lock->configs[c];
	bool vcrun = config->way == WAY_VCRUN;
	char *const *places = vcrun ? lock_places[c].by_name : lock_places[c].by_cpus;
	struct crew_plan plan = { .work = run->work->name,
				  .threads = config->threads,
				  .domains = config->domains,
				  .way = config->way,
				  .places = places };
	int r = 0;

	if (vcrun)
		r = bench_up(lock->bench, config->domains, err);
	if (r < 0)
		return r;
	if (run->work->measure)
		r = run->work->measure(lock, config, places, ret, err);
	else
		r = lock_by_crew(lock, &plan, counted, ret, err);
	if (vcrun)
		bench_down(lock->bench);
	return r;
}

/* A server's CPU time is not told from others': the machine is looked at before and after. What is
 * still being cleared away of the server's own is not others', so the quieter look counts. */
static int lock_measure_server(struct lock_bench *lock, struct lock_run *run, size_t c,
			       struct crew_figures *ret, struct vc_err *err)
{
	double others, steal, others_after, steal_after;
	int r;

	bench_look(&others, &steal);
	r = lock_measure_once(lock, run, c, false, ret, err);
	if (r < 0)
		return r;
	bench_look(&others_after, &steal_after);
	ret->others_pct = fmin(others, others_after);
	ret->steal_pct = fmin(steal, steal_after);
	return 0;
}

static int lock_measure_cell(struct lock_bench *lock, struct lock_run *run, size_t c, size_t round,
			     struct vc_err *err)
{
	struct crew_figures figures;
	uint64_t began;
	int r;

	/* A server has no threads of ours to pin. */
	if (run->work->measure && lock->configs[c].way == WAY_PINNED)
		return 0;
	do {
		bench_await_quiet(lock->bench);
		began = clock_mono_usec();
		r = run->work->measure ? lock_measure_server(lock, run, c, &figures, err)
				       : lock_measure_once(lock, run, c, round == 0, &figures, err);
	} while (r == 0 && bench_too_noisy(lock->bench, &lock->noise, figures.others_pct,
					   figures.steal_pct, clock_mono_usec() - began));
	if (r == 0 && !bench_stop)
		cell_note(&run->cells[c], round, &figures);
	return r;
}

static void lock_run_round(struct lock_bench *lock, struct lock_run *run, size_t round)
{
	size_t order[LOCK_CONFIGS];
	struct vc_err err = { 0 };

	bench_shuffle(order, lock->n_configs);
	for (size_t c = 0; c < lock->n_configs && !run->failed[0] && !bench_stop; c++)
		if (lock_measure_cell(lock, run, order[c], round, &err) < 0 && !bench_stop)
			snprintf(run->failed, sizeof(run->failed), "%.250s", err.text);
	run->rounds++;
}

/* A work that fails is left out from there on, and so is one that is known well enough; the
 * others go on. False: there is none. */
static bool lock_round(struct lock_bench *lock, size_t round)
{
	size_t works[ARRAY_SIZE(lock_works)];
	bool more = false;

	bench_shuffle(works, lock->n_runs);
	for (size_t i = 0; i < lock->n_runs; i++) {
		struct lock_run *run = &lock->runs[works[i]];

		if (run->failed[0] ||
		    !bench_pace_goes_on(&lock->pace, run->rounds, lock_is_enough(lock, run)))
			continue;
		bench_progress("lock: round %zu: %s (%zu of %zu)", round + 1, run->work->name,
			       i + 1, lock->n_runs);
		lock_run_round(lock, run, round);
		more = true;
	}
	return more;
}

int bench_lock(struct bench *bench, struct vc_err *err)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct lock_bench lock = {
		.bench = bench,
		.n_cpus = (unsigned int)(cpus < CREW_THREADS ? cpus : CREW_THREADS),
		.times = { .warm_usec = bench->quick ? 15000 : 50000,
			   .measure_usec = bench->quick ? 50000 : 200000,
			   .count_usec = bench->quick ? 20000 : 100000 },
	};
	int r;

	r = bench_pace_begin(&lock.pace, bench, &lock_full, &lock_quick, err);
	if (r < 0)
		return r;
	lock.rounds = lock.pace.limit.most;
	r = lock_make_configs(&lock, err);
	lock_make_runs(&lock);
	if (r == 0 && lock.n_runs == 0)
		r = err_set(err, EINVAL, "--works=%s: there is no such work", bench->works);
	while (r == 0 && lock_round(&lock, lock.done))
		lock.done++;
	bench_progress("%s", "");
	if (r == 0) {
		json_object_set_new(bench->report, "lock", lock_json(&lock));
		lock_print(&lock);
	}
	postgres_end();
	lock_free(&lock);
	return r;
}
