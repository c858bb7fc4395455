// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * bench-interfere.c - what noisy neighbours do to a program, and what keeps them off
 *
 * A victim (work-victim.c) is measured alone; together with neighbours
 * (work-noise.c) that have as many threads as there are CPUs; and with it in one half of
 * the CPUs and them in the other, by taskset, by systemd's AllowedCPUs and by two
 * partitions. A numad that runs on the machine moves "together" between memory nodes, so
 * to have it as a peer, start it; it is not started here.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench-crew.h"
#include "bench/bench.h"
#include "bench/estimate.h"
#include "cli/table.h"
#include "common/cleanup.h"
#include "common/log.h"

#define INTERFERE_ROUNDS 10
#define INTERFERE_QUICK_ROUNDS 3
#define INTERFERE_MAX_ROUNDS 1000

enum { SAID_P50, SAID_P99, SAID_P999, SAID_RATE, N_SAID };

static const char *const said_names[] = { "p50_usec", "p99_usec", "p999_usec", "rate" };

static const struct {
	const char *name, *what;
} victims[] = {
	{ "ping", "a timer each millisecond, then a request to another process and its answer" },
	{ "compute", "a fixed computation on 256 KiB, again and again" },
}, noises[] = {
	{ "hog", "memory: each thread writes through 64 MiB" },
	{ "storm", "forks: each thread starts /bin/true, again and again" },
	{ "io", "files: each thread writes 256 KiB to disk and waits for it" },
	{ "irq", "interrupts: packets to itself and timers of 20 us" },
};

enum { N_VICTIMS = ARRAY_SIZE(victims), N_NOISES = ARRAY_SIZE(noises) };

/* "alone" is first, and has no noise. */
static const struct {
	const char *name;
	enum crew_way way;
} ways[] = {
	{ "alone", WAY_FREE },      { "together", WAY_FREE },    { "taskset", WAY_TASKSET },
	{ "systemd", WAY_SYSTEMD }, { "partitions", WAY_VCRUN },
};

enum { W_ALONE, W_TOGETHER, W_TASKSET, W_SYSTEMD, W_PARTITIONS, N_WAYS };

struct interfere {
	struct bench *bench;
	size_t rounds, done;
	unsigned int n_cpus;
	uint64_t warm_usec, measure_usec;
	char cpus[2][96];
	char missing[N_WAYS][256];                         /* why a way is not there; "": it is */
	char failed[N_NOISES][256];                        /* why a noise cannot be made here */
	double *said[N_VICTIMS][N_NOISES][N_WAYS][N_SAID]; /* by round */
};

/* One cell, named by its victim, noise and way. */
struct cell {
	size_t victim, noise, way;
};

static void interfere_places(const struct interfere *interfere, size_t way, int who, char **place)
{
	static char names[2][8] = { "vc0", "vc1" };

	*place = way == W_PARTITIONS ? names[who] : (char *)interfere->cpus[who];
}

static int interfere_crews(struct interfere *interfere, const struct cell *cell,
			   struct crew_figures *ret, struct vc_err *err)
{
	char *victim_place, *noise_place;
	struct crew_plan victim = { .work = victims[cell->victim].name,
				    .threads = 1,
				    .domains = 1,
				    .way = ways[cell->way].way,
				    .places = &victim_place };
	struct crew_plan noise = { .work = noises[cell->noise].name,
				   .threads = interfere->n_cpus,
				   .domains = 1,
				   .way = ways[cell->way].way,
				   .places = &noise_place };
	struct crew victim_crew, noise_crew;
	bool alone = cell->way == W_ALONE;
	int r = 0;

	interfere_places(interfere, cell->way, 0, &victim_place);
	interfere_places(interfere, cell->way, 1, &noise_place);
	if (!alone)
		r = crew_start(&noise, &noise_crew, err);
	if (r < 0)
		return r;
	if (!alone)
		crew_let_work(&noise_crew);
	r = crew_start(&victim, &victim_crew, err);
	if (r == 0) {
		int r_end;

		r = crew_measure(&victim_crew, interfere->warm_usec, interfere->measure_usec, 0,
				 err);
		r_end = crew_end(&victim_crew, ret, r < 0 ? NULL : err);
		r = r < 0 ? r : r_end;
	}
	if (!alone) {
		int r_end = crew_end(&noise_crew, NULL, r < 0 ? NULL : err);

		r = r < 0 ? r : r_end;
	}
	return r;
}

static int interfere_measure(struct interfere *interfere, const struct cell *cell, size_t round,
			     struct vc_err *err)
{
	double **said = interfere->said[cell->victim][cell->noise][cell->way];
	struct crew_figures figures;
	int r = 0;

	bench_await_quiet(interfere->bench);
	if (cell->way == W_PARTITIONS)
		r = bench_up(interfere->bench, 2, err);
	if (r == 0)
		r = interfere_crews(interfere, cell, &figures, err);
	if (cell->way == W_PARTITIONS)
		bench_down(interfere->bench);
	if (r < 0)
		return r;
	said[SAID_P50][round] = figures.p50_usec;
	said[SAID_P99][round] = figures.p99_usec;
	said[SAID_P999][round] = figures.p999_usec;
	said[SAID_RATE][round] = figures.rate;
	return 0;
}

/* "alone" is measured once a round and victim, and stands in the first noise's place. */
static void interfere_round(struct interfere *interfere, size_t round)
{
	size_t order[N_VICTIMS * N_NOISES * N_WAYS];

	bench_shuffle(order, ARRAY_SIZE(order));
	for (size_t i = 0; i < ARRAY_SIZE(order) && !bench_stop; i++) {
		struct cell cell = { .victim = order[i] % N_VICTIMS,
				     .noise = order[i] / N_VICTIMS % N_NOISES,
				     .way = order[i] / N_VICTIMS / N_NOISES };
		struct vc_err err = { 0 };

		if (interfere->missing[cell.way][0] || (cell.way == W_ALONE && cell.noise > 0) ||
		    (cell.way != W_ALONE && interfere->failed[cell.noise][0]))
			continue;
		bench_progress("interfere: round %zu of %zu: %s, %s %s", round + 1,
			       interfere->rounds, victims[cell.victim].name, ways[cell.way].name,
			       cell.way == W_ALONE ? "" : noises[cell.noise].name);
		if (interfere_measure(interfere, &cell, round, &err) < 0 && !bench_stop)
			snprintf(interfere->failed[cell.noise],
				 sizeof(interfere->failed[cell.noise]), "%.250s", err.text);
	}
}

static struct estimate interfere_estimate(const struct interfere *interfere, size_t victim,
					  size_t noise, size_t way, int said)
{
	return estimate_of(interfere->said[victim][way == W_ALONE ? 0 : noise][way][said],
			   interfere->rounds);
}

static json_t *interfere_over(const struct interfere *interfere, size_t victim, size_t noise,
			      size_t way, size_t other, int said)
{
	struct estimate ratio =
		estimate_ratio(interfere->said[victim][noise][way][said],
			       interfere->said[victim][other == W_ALONE ? 0 : noise][other][said],
			       interfere->rounds);

	return estimate_json(&ratio);
}

static json_t *interfere_way_json(const struct interfere *interfere, size_t victim, size_t noise,
				  size_t way)
{
	json_t *json = json_pack("{s:s}", "way", ways[way].name);

	if (interfere->missing[way][0]) {
		json_object_set_new(json, "unavailable", json_string(interfere->missing[way]));
		return json;
	}
	for (int said = 0; said < N_SAID; said++) {
		struct estimate estimate = interfere_estimate(interfere, victim, noise, way, said);

		json_object_set_new(json, said_names[said], estimate_json(&estimate));
	}
	if (way != W_ALONE)
		json_object_set_new(
			json, "p99_over_alone",
			interfere_over(interfere, victim, noise, way, W_ALONE, SAID_P99));
	if (way > W_TOGETHER)
		json_object_set_new(
			json, "p99_over_together",
			interfere_over(interfere, victim, noise, way, W_TOGETHER, SAID_P99));
	if (way == W_PARTITIONS)
		json_object_set_new(
			json, "p99_over_taskset",
			interfere_over(interfere, victim, noise, way, W_TASKSET, SAID_P99));
	return json;
}

static json_t *interfere_victim_json(const struct interfere *interfere, size_t victim)
{
	json_t *list = json_array();

	for (size_t noise = 0; noise < N_NOISES; noise++) {
		json_t *json =
			json_pack("{s:s, s:s, s:s*}", "noise", noises[noise].name, "what",
				  noises[noise].what, "unavailable",
				  interfere->failed[noise][0] ? interfere->failed[noise] : NULL);
		json_t *by_way = json_array();

		for (size_t way = W_TOGETHER; way < N_WAYS; way++)
			json_array_append_new(by_way,
					      interfere_way_json(interfere, victim, noise, way));
		json_object_set_new(json, "ways", by_way);
		json_array_append_new(list, json);
	}
	return json_pack("{s:s, s:s, s:o, s:o}", "victim", victims[victim].name, "what",
			 victims[victim].what, "alone",
			 interfere_way_json(interfere, victim, 0, W_ALONE), "noises", list);
}

static json_t *interfere_json(const struct interfere *interfere)
{
	json_t *list = json_array();

	for (size_t victim = 0; victim < N_VICTIMS; victim++)
		json_array_append_new(list, interfere_victim_json(interfere, victim));
	return json_pack("{s:i, s:i, s:f, s:s, s:s, s:o}", "rounds", (int)interfere->done,
			 "noise_threads", (int)interfere->n_cpus, "measured_msec",
			 (double)interfere->measure_usec / 1e3, "victim_cpus", interfere->cpus[0],
			 "noise_cpus", interfere->cpus[1], "victims", list);
}

static void interfere_print_row(struct table *table, const struct interfere *interfere,
				size_t victim, size_t noise, size_t way)
{
	struct estimate p[3];

	for (int said = SAID_P50; said <= SAID_P999; said++)
		p[said] = interfere_estimate(interfere, victim, noise, way, said);
	if (p[SAID_P99].n == 0)
		return;
	table_add(table, "%s", victims[victim].name);
	table_add(table, "%s", way == W_ALONE ? "-" : noises[noise].name);
	table_add(table, "%s", ways[way].name);
	table_add(table, "%.1f", p[SAID_P50].center);
	table_add(table, "%.1f", p[SAID_P99].center);
	table_add(table, "%.1f", p[SAID_P99].low);
	table_add(table, "%.1f", p[SAID_P99].high);
	table_add(table, "%.1f", p[SAID_P999].center);
}

static void interfere_print(const struct interfere *interfere)
{
	struct table *table = table_new("VICTIM|NEIGHBOUR|WAY|>P50 US|>P99 US|>FROM|>TO|>P99.9 US");

	for (size_t victim = 0; victim < N_VICTIMS; victim++) {
		interfere_print_row(table, interfere, victim, 0, W_ALONE);
		for (size_t noise = 0; noise < N_NOISES; noise++)
			for (size_t way = W_TOGETHER; way < N_WAYS; way++)
				interfere_print_row(table, interfere, victim, noise, way);
	}
	printf("\nA victim's latency, alone and with neighbours; %zu rounds of %.0f ms:\n",
	       interfere->done, (double)interfere->measure_usec / 1e3);
	table_print(table, stdout);
	table_free(table);
	for (size_t way = 0; way < N_WAYS; way++)
		if (interfere->missing[way][0])
			printf("%s: not available here: %s\n", ways[way].name,
			       interfere->missing[way]);
	for (size_t noise = 0; noise < N_NOISES; noise++)
		if (interfere->failed[noise][0])
			printf("%s: not measured: %s\n", noises[noise].name,
			       interfere->failed[noise]);
}

static void interfere_alloc(struct interfere *interfere)
{
	double **said = &interfere->said[0][0][0][0];

	for (size_t i = 0; i < N_VICTIMS * N_NOISES * N_WAYS * N_SAID; i++) {
		said[i] = calloc(interfere->rounds, sizeof(double));
		if (!said[i])
			fatal("out of memory");
		for (size_t k = 0; k < interfere->rounds; k++)
			said[i][k] = NAN;
	}
}

static void interfere_free(struct interfere *interfere)
{
	double **said = &interfere->said[0][0][0][0];

	for (size_t i = 0; i < N_VICTIMS * N_NOISES * N_WAYS * N_SAID; i++)
		free(said[i]);
}

static void interfere_try_systemd(struct interfere *interfere)
{
	char *argv[] = { (char *)"systemd-run", (char *)"--scope",
			 (char *)"--quiet",     (char *)"--property=AllowedCPUs=0",
			 (char *)"/bin/true",   NULL };
	char *missing = interfere->missing[W_SYSTEMD], out[250];
	int status = bench_run(argv, out, sizeof(out));

	if (status < 0)
		snprintf(missing, 256, "systemd-run: %s", strerror(-status));
	else if (status > 0)
		snprintf(missing, 256, "%.*s", (int)strcspn(out, "\n"), out);
}

int bench_interfere(struct bench *bench, struct vc_err *err)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct interfere interfere = {
		.bench = bench,
		.rounds = bench->rounds  ? bench->rounds
			  : bench->quick ? INTERFERE_QUICK_ROUNDS
					 : INTERFERE_ROUNDS,
		.n_cpus = (unsigned int)(cpus < CREW_THREADS ? cpus : CREW_THREADS),
		.warm_usec = bench->quick ? 20000 : 100000,
		.measure_usec = bench->quick ? 200000 : 1000000,
	};
	struct bench_places places;
	int r;

	if (interfere.rounds > INTERFERE_MAX_ROUNDS)
		return err_set(err, EINVAL, "--rounds: at most %d", INTERFERE_MAX_ROUNDS);
	r = bench_places_find(bench, 2, &places, err);
	if (r < 0)
		return r;
	for (int i = 0; i < 2; i++)
		snprintf(interfere.cpus[i], sizeof(interfere.cpus[i]), "%s", places.by_cpus[i]);
	bench_places_done(&places);
	interfere_try_systemd(&interfere);
	interfere_alloc(&interfere);
	for (size_t round = 0; round < interfere.rounds && !bench_stop; round++) {
		interfere_round(&interfere, round);
		interfere.done = round + 1;
	}
	bench_progress("%s", "");
	json_object_set_new(bench->report, "interfere", interfere_json(&interfere));
	interfere_print(&interfere);
	interfere_free(&interfere);
	return 0;
}
