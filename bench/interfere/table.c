// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * table.c - vcbench interfere: the table, the JSON
 */
#include "bench/interfere/interfere.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/columns.h"
#include "common/cleanup.h"
#include "common/log.h"

static const char *const said_names[] = { "p50_usec", "p99_usec", "p999_usec", "rate" };

static struct estimate interfere_pair_estimate(const struct interfere_pair *pair,
					       enum interfere_way way, int said)
{
	return estimate_of(pair->said[way][said], pair->rounds);
}

struct estimate interfere_ratio(const struct interfere_pair *pair, enum interfere_way way,
				enum interfere_way other, int said)
{
	struct estimate ratio =
		estimate_ratio(pair->said[way][said], pair->said[other][said], pair->rounds);

	bench_note_noise(&ratio,
			 (const double *const[]){ pair->said[way][SAID_NOISE],
						  pair->said[other][SAID_NOISE] },
			 pair->rounds);
	return ratio;
}

static void interfere_add_ratio(json_t *json, const char *key, const struct interfere_pair *pair,
				enum interfere_way way, enum interfere_way other)
{
	json_object_set_new(json, key, estimate_json(interfere_ratio(pair, way, other, SAID_P99)));
}

static json_t *interfere_way_json(const struct interfere *interfere,
				  const struct interfere_pair *pair, enum interfere_way way)
{
	json_t *json = json_pack("{s:s}", "way", interfere_ways[way]);

	if (interfere->missing[way][0]) {
		json_object_set_new(json, "unavailable", json_string(interfere->missing[way]));
		return json;
	}
	for (int said = 0; said < SAID_NOISE; said++) {
		json_object_set_new(json, said_names[said],
				    estimate_json(interfere_pair_estimate(pair, way, said)));
	}
	json_object_set_new(json_object_get(json, said_names[SAID_P99]), "values",
			    estimate_values_json(pair->said[way][SAID_P99], pair->rounds));
	if (way != W_ALONE)
		interfere_add_ratio(json, "p99_over_alone", pair, way, W_ALONE);
	if (way > W_TOGETHER)
		interfere_add_ratio(json, "p99_over_together", pair, way, W_TOGETHER);
	if (way == W_PARTITIONS)
		interfere_add_ratio(json, "p99_over_taskset", pair, way, W_TASKSET);
	return json;
}

/* A round has a measurement alone for each noise: their geometric mean is the round's. */
static struct estimate interfere_alone_estimate(const struct interfere *interfere, size_t victim,
						int said)
{
	_cleanup_free_ double *means = calloc(interfere->pace.limit.most, sizeof(double));
	size_t rounds = 0;

	if (!means)
		fatal("out of memory");
	for (; rounds < interfere->pace.limit.most; rounds++) {
		double logs = 0;
		size_t n = 0;

		for (size_t i = 0; i < ARRAY_SIZE(interfere->pairs); i++) {
			const struct interfere_pair *pair = &interfere->pairs[i];
			double value = pair->said[W_ALONE][said][rounds];

			if (pair->victim != victim || !isfinite(value))
				continue;
			logs += log(value);
			n++;
		}
		if (n == 0)
			break;
		means[rounds] = exp(logs / (double)n);
	}
	return estimate_of(means, rounds);
}

static json_t *interfere_alone_json(const struct interfere *interfere, size_t victim)
{
	json_t *json = json_pack("{s:s}", "way", interfere_ways[W_ALONE]);

	for (int said = 0; said < SAID_NOISE; said++) {
		json_object_set_new(
			json, said_names[said],
			estimate_json(interfere_alone_estimate(interfere, victim, said)));
	}
	return json;
}

static json_t *interfere_pair_json(const struct interfere *interfere,
				   const struct interfere_pair *pair)
{
	const char *failed = interfere->failed[pair->noise];
	json_t *ways = json_array();

	for (int way = W_ALONE; way < N_WAYS; way++)
		json_array_append_new(ways, interfere_way_json(interfere, pair, way));
	return json_pack("{s:s, s:s, s:s*, s:i, s:o}", "noise", interfere_noises[pair->noise].name,
			 "what", interfere_noises[pair->noise].what, "unavailable",
			 failed[0] ? failed : NULL, "rounds", (int)pair->rounds, "ways", ways);
}

json_t *interfere_json(struct interfere *interfere)
{
	json_t *list = json_array();

	for (size_t victim = 0; victim < N_VICTIMS; victim++) {
		json_t *noises = json_array();

		for (size_t noise = 0; noise < N_NOISES; noise++)
			json_array_append_new(
				noises,
				interfere_pair_json(interfere,
						    &interfere->pairs[victim * N_NOISES + noise]));
		json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o}", "victim",
						      interfere_victims[victim].name, "what",
						      interfere_victims[victim].what, "alone",
						      interfere_alone_json(interfere, victim),
						      "noises", noises));
	}
	return json_pack("{s:i, s:f, s:s, s:s, s:o, s:o}", "noise_threads", (int)interfere->n_cpus,
			 "measured_msec", (double)interfere->times.measure_usec / 1e3,
			 "victim_cpus", interfere->cpus[0], "noise_cpus", interfere->cpus[1],
			 "noise", bench_noise_json(&interfere->noise), "victims", list);
}

/* over: the same latency over that in another way, NULL: none is to be told. */
static void interfere_print_row(struct columns *table, const char *victim, const char *noise,
				const char *way, const struct estimate p[3],
				const struct estimate *over)
{
	char noisy[16];

	if (p[SAID_P99].n == 0)
		return;
	snprintf(noisy, sizeof(noisy), over && isfinite(over->noise_pct) ? "%.1f" : "-",
		 over ? over->noise_pct : 0);
	bench_row(table, "%s|%s|%s|%zu|%.1f|%.1f|%.1f|%.1f|%.1f|%s|%.0f|%s", victim, noise, way,
		  p[SAID_P99].n, p[SAID_P50].center, p[SAID_P99].center, p[SAID_P99].low,
		  p[SAID_P99].high, p[SAID_P999].center,
		  over ? bench_verdict(*over, "worse", "better") : "-", 100 * p[SAID_P99].level,
		  noisy);
}

static void interfere_print_victim(struct columns *table, const struct interfere *interfere,
				   size_t victim)
{
	const char *name = interfere_victims[victim].name;
	struct estimate p[3];

	for (int said = SAID_P50; said <= SAID_P999; said++)
		p[said] = interfere_alone_estimate(interfere, victim, said);
	interfere_print_row(table, name, "-", interfere_ways[W_ALONE], p, NULL);
	for (size_t noise = 0; noise < N_NOISES; noise++)
		for (int way = W_TOGETHER; way < N_WAYS; way++) {
			const struct interfere_pair *pair =
				&interfere->pairs[victim * N_NOISES + noise];
			struct estimate over = interfere_ratio(
				pair, way, way == W_TOGETHER ? W_ALONE : W_TOGETHER, SAID_P99);

			for (int said = SAID_P50; said <= SAID_P999; said++)
				p[said] = interfere_pair_estimate(pair, way, said);
			interfere_print_row(table, name, interfere_noises[noise].name,
					    interfere_ways[way], p, &over);
		}
}

void interfere_print(struct interfere *interfere)
{
	struct columns *table = columns_new("VICTIM|NEIGHBOUR|WAY|>ROUNDS|>P50 US|>P99 "
					    "US|>FROM|>TO|>P99.9 US|IS|>LEVEL %|>NOISE %");

	for (size_t victim = 0; victim < N_VICTIMS; victim++)
		interfere_print_victim(table, interfere, victim);
	printf("\nA victim's latency, alone and with neighbours; rounds of %.0f ms. Together is "
	       "better or "
	       "worse than alone, the others than together, at the 99th percentile:\n",
	       (double)interfere->times.measure_usec / 1e3);
	bench_print(table);
	bench_print_noise(&interfere->noise);
	for (int way = 0; way < N_WAYS; way++)
		if (interfere->missing[way][0])
			printf("%s: not measured: %s\n", interfere_ways[way],
			       interfere->missing[way]);
	for (size_t noise = 0; noise < N_NOISES; noise++)
		if (interfere->failed[noise][0])
			printf("%s: not measured: %s\n", interfere_noises[noise].name,
			       interfere->failed[noise]);
}
