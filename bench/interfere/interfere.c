// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * interfere.c - what noisy neighbours do to a program, and what keeps them off
 *
 * A victim (work/victim.c) is measured alone; together with neighbours
 * (work/noise.c) that have as many threads as there are CPUs; the same with numad; and with
 * it in one half of the CPUs and them in the other, by taskset, by systemd's AllowedCPUs
 * and by two partitions.
 */
#include "bench/interfere/interfere.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

static const struct bench_pace_limit interfere_full = { PACE_LEAST, 40, 300000000 },
				     interfere_quick = { 1, 3, 25000000 };

const struct interfere_name interfere_victims[N_VICTIMS] = {
	{ "ping", "a timer each millisecond, then a request to another process and its answer" },
	{ "compute", "a fixed computation on 256 KiB, again and again" },
};

const struct interfere_name interfere_noises[N_NOISES] = {
	{ "hog", "memory: each thread writes through 64 MiB" },
	{ "storm", "forks: each thread starts /bin/true, again and again" },
	{ "io", "files: each thread writes 256 KiB to disk and waits for it" },
	{ "irq", "interrupts: packets to itself and timers of 20 us" },
};

static const enum crew_way crew_ways[N_WAYS] = {
	[W_ALONE] = WAY_FREE,      [W_TOGETHER] = WAY_FREE,   [W_NUMAD] = WAY_FREE,
	[W_TASKSET] = WAY_TASKSET, [W_SYSTEMD] = WAY_SYSTEMD, [W_PARTITIONS] = WAY_VCRUN,
};

static struct crew_plan interfere_plan(const char *work, unsigned int threads,
				       enum interfere_way way, char **place)
{
	return (struct crew_plan){ .work = work,
				   .threads = threads,
				   .domains = 1,
				   .way = crew_ways[way],
				   .places = place };
}

/* The victim's figures; what others had of the machine is without the neighbour's share. */
static int interfere_crews(const struct interfere *interfere, const struct interfere_pair *pair,
			   enum interfere_way way, struct crew_figures *ret, struct vc_err *err)
{
	bool by_name = way == W_PARTITIONS, alone = way == W_ALONE;
	char *places[2];
	struct crew_plan victim_plan =
		interfere_plan(interfere_victims[pair->victim].name, 1, way, &places[0]);
	struct crew_plan noise_plan = interfere_plan(interfere_noises[pair->noise].name,
						     interfere->n_cpus, way, &places[1]);
	struct crew_figures disturbing = { 0 };
	struct crew victim, noise;
	int r = 0, r_end;

	for (int i = 0; i < 2; i++)
		places[i] = (char *)(by_name ? interfere->partitions[i] : interfere->cpus[i]);
	if (!alone)
		r = crew_start(&noise_plan, &noise, err);
	if (r < 0)
		return r;
	if (!alone)
		crew_let_work(&noise);
	r = crew_start(&victim_plan, &victim, err);
	if (r == 0) {
		r = crew_measure(&victim, alone ? NULL : &noise, &interfere->times, err);
		r_end = crew_end(&victim, ret, r < 0 ? NULL : err);
		r = r < 0 ? r : r_end;
	}
	if (!alone) {
		r_end = crew_end(&noise, &disturbing, r < 0 ? NULL : err);
		r = r < 0 ? r : r_end;
	}
	if (r == 0)
		ret->others_pct = fmax(ret->others_pct - disturbing.cpu_pct, 0);
	return r;
}

static int interfere_measure_once(const struct interfere *interfere,
				  const struct interfere_pair *pair, enum interfere_way way,
				  struct crew_figures *ret, struct vc_err *err)
{
	int r = 0;

	if (way == W_PARTITIONS)
		r = bench_up(interfere->bench, 2, err);
	else if (way == W_NUMAD)
		r = interfere_start_numad(err);
	if (r < 0)
		return r;
	r = interfere_crews(interfere, pair, way, ret, err);
	if (way == W_PARTITIONS)
		bench_down(interfere->bench);
	else if (way == W_NUMAD)
		interfere_end_numad();
	return r;
}

static int interfere_measure(struct interfere *interfere, struct interfere_pair *pair,
			     enum interfere_way way, struct vc_err *err)
{
	double **said = pair->said[way];
	struct crew_figures figures;
	uint64_t began;
	int r;

	do {
		bench_await_quiet(interfere->bench);
		began = clock_mono_usec();
		r = interfere_measure_once(interfere, pair, way, &figures, err);
		if (r < 0)
			return r;
	} while (bench_too_noisy(interfere->bench, &interfere->noise, figures.others_pct,
				 figures.steal_pct, clock_mono_usec() - began));
	said[SAID_P50][pair->rounds] = figures.p50_usec;
	said[SAID_P99][pair->rounds] = figures.p99_usec;
	said[SAID_P999][pair->rounds] = figures.p999_usec;
	said[SAID_RATE][pair->rounds] = figures.rate;
	said[SAID_NOISE][pair->rounds] = figures.others_pct + figures.steal_pct;
	return 0;
}

/* A noise that cannot be made is left out from there on; the others go on. */
static void interfere_pair_round(struct interfere *interfere, struct interfere_pair *pair)
{
	char *failed = interfere->failed[pair->noise];
	size_t order[N_WAYS];

	bench_shuffle(order, N_WAYS);
	for (size_t i = 0; i < N_WAYS && !bench_stop && !failed[0]; i++) {
		struct vc_err err = { 0 };

		if (interfere->missing[order[i]][0])
			continue;
		bench_progress("interfere: round %zu: %s %s %s", pair->rounds + 1,
			       interfere_victims[pair->victim].name, interfere_ways[order[i]],
			       interfere_noises[pair->noise].name);
		if (interfere_measure(interfere, pair, order[i], &err) < 0 && !bench_stop)
			snprintf(failed, sizeof(interfere->failed[0]), "%.250s", err.text);
	}
	pair->rounds++;
}

/* Whether all that is said of a pair is known well enough. */
static bool interfere_is_enough(const struct interfere_pair *pair)
{
	static const enum interfere_way over[][2] = { { W_TOGETHER, W_ALONE },
						      { W_TASKSET, W_TOGETHER },
						      { W_SYSTEMD, W_TOGETHER },
						      { W_PARTITIONS, W_TOGETHER },
						      { W_PARTITIONS, W_TASKSET } };

	for (size_t i = 0; i < ARRAY_SIZE(over); i++) {
		struct estimate ratio = interfere_ratio(pair, over[i][0], over[i][1], SAID_P99);

		if (ratio.n > 0 && !estimate_is_narrow(ratio))
			return false;
	}
	return true;
}

/* All pairs take their turns until each has enough. */
static void interfere_rounds(struct interfere *interfere)
{
	size_t order[ARRAY_SIZE(interfere->pairs)];
	bool more = true;

	while (more) {
		more = false;
		bench_shuffle(order, ARRAY_SIZE(order));
		for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
			struct interfere_pair *pair = &interfere->pairs[order[i]];

			if (interfere->failed[pair->noise][0] ||
			    !bench_pace_goes_on(&interfere->pace, pair->rounds,
						interfere_is_enough(pair)))
				continue;
			interfere_pair_round(interfere, pair);
			more = true;
		}
	}
}

static void interfere_alloc(struct interfere *interfere)
{
	for (size_t i = 0; i < ARRAY_SIZE(interfere->pairs); i++) {
		struct interfere_pair *pair = &interfere->pairs[i];

		pair->victim = i / N_NOISES;
		pair->noise = i % N_NOISES;
		for (int k = 0; k < N_WAYS * N_SAID; k++) {
			double *values = calloc(interfere->pace.limit.most, sizeof(double));

			if (!values)
				fatal("out of memory");
			for (size_t round = 0; round < interfere->pace.limit.most; round++)
				values[round] = NAN;
			pair->said[k / N_SAID][k % N_SAID] = values;
		}
	}
}

static void interfere_free(struct interfere *interfere)
{
	for (size_t i = 0; i < ARRAY_SIZE(interfere->pairs); i++)
		for (int k = 0; k < N_WAYS * N_SAID; k++)
			free(interfere->pairs[i].said[k / N_SAID][k % N_SAID]);
	bench_noise_done(&interfere->noise);
}

int bench_interfere(struct bench *bench, struct vc_err *err)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct interfere interfere = {
		.bench = bench,
		.n_cpus = (unsigned int)(cpus < CREW_THREADS ? cpus : CREW_THREADS),
		.times = { .warm_usec = bench->quick ? 20000 : 100000,
			   .measure_usec = bench->quick ? 200000 : 700000 },
	};
	struct bench_places places;
	int r;

	r = bench_pace_begin(&interfere.pace, bench, &interfere_full, &interfere_quick, err);
	if (r < 0)
		return r;
	r = bench_places_find(bench, 2, &places, err);
	if (r < 0) {
		bench_places_done(&places);
		return r;
	}
	for (int i = 0; i < 2; i++) {
		snprintf(interfere.cpus[i], sizeof(interfere.cpus[i]), "%s", places.by_cpus[i]);
		interfere.partitions[i] = places.by_name[i];
	}
	interfere_find_ways(&interfere);
	interfere_alloc(&interfere);
	interfere_rounds(&interfere);
	bench_progress("%s", "");
	json_object_set_new(bench->report, "interfere", interfere_json(&interfere));
	interfere_print(&interfere);
	interfere_free(&interfere);
	bench_places_done(&places);
	return 0;
}
