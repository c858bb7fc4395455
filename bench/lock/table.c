// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * table.c - vcbench lock: the tables, the JSON, the law
 */
#include "bench/lock/lock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/estimate.h"
#include "bench/usl.h"
#include "cli/columns.h"
#include "common/cleanup.h"
#include "common/log.h"

/* What the curve is carried on to. */
static const unsigned int lock_further[] = { 8, 64, 256 };
#define LOCK_TEXT 48
#define LOCK_PARTITION_CPUS 4 /* of the partitions in what is carried on */

static const struct {
	const char *json;
	bool estimate;
} metrics[] = {
#define X(name, json, estimate, field) { json, estimate },
	LOCK_METRICS(X)
#undef X
};

static double lock_median(const double *values, size_t n)
{
	struct samples samples = { 0 };
	double median;

	for (size_t i = 0; i < n; i++)
		if (isfinite(values[i]))
			samples_add(&samples, values[i]);
	median = samples_quantile(&samples, 0.5);
	samples_done(&samples);
	return median;
}

static const struct lock_cell *lock_cell(const struct lock_bench *lock, const struct lock_run *run,
					 const char *config, unsigned int domains,
					 unsigned int threads)
{
	for (size_t c = 0; c < lock->n_configs; c++)
		if (!strcmp(lock->configs[c].name, config) && lock->configs[c].domains == domains &&
		    lock->configs[c].threads == threads)
			return &run->cells[c];
	return NULL;
}

/* What others had of the machine, round by round; the caller's. */
static double *lock_noise(const struct lock_bench *lock, const struct lock_cell *cell)
{
	double *noise = calloc(lock->rounds + 1, sizeof(*noise));

	if (!noise)
		fatal("out of memory");
	for (size_t i = 0; i < lock->rounds; i++)
		noise[i] = cell->values[METRIC_OTHERS][i] + cell->values[METRIC_STEAL][i];
	return noise;
}

/* How much more one configuration does than another, compared within each round. */
static struct estimate lock_gain(const struct lock_bench *lock, const struct lock_cell *a,
				 const struct lock_cell *b)
{
	_cleanup_free_ double *of_a = NULL, *of_b = NULL;
	struct estimate gain;

	if (!a || !b)
		return estimate_of(NULL, 0);
	gain = estimate_ratio(a->values[METRIC_RATE], b->values[METRIC_RATE], lock->rounds);
	of_a = lock_noise(lock, a);
	of_b = lock_noise(lock, b);
	bench_note_noise(&gain, (const double *const[]){ of_a, of_b }, lock->rounds);
	return gain;
}

bool lock_is_enough(const struct lock_bench *lock, const struct lock_run *run)
{
	const struct lock_cell *one = lock_cell(lock, run, "one", 1, lock->n_cpus);

	for (size_t c = 0; c < lock->n_configs; c++) {
		struct estimate gain = lock_gain(lock, &run->cells[c], one);

		if (gain.n > 0 && !estimate_is_narrow(gain))
			return false;
	}
	return true;
}

/* The ratio to a configuration with that name. */
static json_t *lock_over(const struct lock_bench *lock, const struct lock_run *run, size_t c,
			 const char *config, unsigned int domains)
{
	return estimate_json(lock_gain(lock, &run->cells[c],
				       lock_cell(lock, run, config, domains, lock->n_cpus)));
}

static json_t *lock_cell_json(const struct lock_bench *lock, const struct lock_run *run, size_t c)
{
	const struct lock_config *config = &lock->configs[c];
	const struct lock_cell *cell = &run->cells[c];
	json_t *json = json_pack("{s:s, s:i, s:i}", "config", config->name, "domains",
				 (int)config->domains, "threads", (int)config->threads);
	json_t *counters = json_object();

	for (int m = 0; m < N_METRICS; m++) {
		if (!metrics[m].estimate) {
			json_object_set_new(
				json, metrics[m].json,
				estimate_number(lock_median(cell->values[m], lock->rounds)));
			continue;
		}
		json_object_set_new(json, metrics[m].json,
				    estimate_json(estimate_of(cell->values[m], lock->rounds)));
		if (m == METRIC_RATE)
			json_object_set_new(json_object_get(json, metrics[m].json), "values",
					    estimate_values_json(cell->values[m], lock->done));
	}
	for (int i = 0; i < N_COUNTERS; i++)
		json_object_set_new(counters, crew_counter_names[i],
				    estimate_number(cell->counters[i]));
	json_object_set_new(json, "counted_per_kop", counters);
	json_object_set_new(json, "over_one", lock_over(lock, run, c, "one", 1));
	return json;
}

/* What partitions give, and what of it one would have without them. */
static json_t *lock_gains_json(const struct lock_bench *lock, const struct lock_run *run)
{
	json_t *list = json_array();

	for (size_t c = 0; c < lock->n_configs; c++) {
		unsigned int domains = lock->configs[c].domains;

		if (lock->configs[c].way != WAY_VCRUN || domains < 2)
			continue;
		json_array_append_new(
			list,
			json_pack("{s:i, s:o, s:o, s:o, s:o, s:o}", "partitions", (int)domains,
				  "over_one", lock_over(lock, run, c, "one", 1), "over_pinned",
				  lock_over(lock, run, c, "pinned", 1), "over_one_partition",
				  lock_over(lock, run, c, "vcrun", 1), "over_split",
				  lock_over(lock, run, c, "split", domains), "over_taskset",
				  lock_over(lock, run, c, "taskset", domains)));
	}
	return list;
}

static json_t *usl_range_json(struct usl_range range)
{
	return json_pack("{s:o, s:o, s:o}", "center", estimate_number(range.center), "low",
			 estimate_number(range.low), "high", estimate_number(range.high));
}

/* The curve is that of the pinned threads: one more CPU and one more thread a time. */
static json_t *lock_usl_json(const struct lock_bench *lock, const struct lock_run *run)
{
	const struct lock_cell *alone = lock_cell(lock, run, "pinned", 1, 1);
	_cleanup_free_ double *gains = calloc(USL_POINTS * lock->rounds, sizeof(*gains));
	struct usl_curve curve = { .n_rounds = lock->rounds };
	json_t *further = json_array();
	struct usl usl;

	for (size_t c = 0; gains && c < lock->n_configs && curve.n_points < USL_POINTS; c++) {
		const struct lock_config *config = &lock->configs[c];
		double *gain = gains + curve.n_points * lock->rounds;

		if (config->way != WAY_PINNED || config->threads < 2)
			continue;
		for (size_t i = 0; i < lock->rounds; i++)
			gain[i] = run->cells[c].values[METRIC_RATE][i] /
				  alone->values[METRIC_RATE][i];
		curve.cpus[curve.n_points] = config->threads;
		curve.gain[curve.n_points++] = gain;
	}
	if (!usl_fit(&curve, &usl)) {
		json_decref(further);
		return json_null();
	}
	for (size_t i = 0; i < ARRAY_SIZE(lock_further); i++) {
		double n = lock_further[i], parts = n / LOCK_PARTITION_CPUS;
		struct usl_range part = usl_predict(&usl, LOCK_PARTITION_CPUS);

		part = (struct usl_range){ part.center * parts, part.low * parts,
					   part.high * parts };
		json_array_append_new(further,
				      json_pack("{s:i, s:o, s:i, s:o}", "cpus", (int)n, "one",
						usl_range_json(usl_predict(&usl, n)),
						"partition_cpus", LOCK_PARTITION_CPUS, "partitions",
						usl_range_json(part)));
	}
	return json_pack("{s:b, s:o, s:o, s:o, s:i, s:o}", "separable", usl.separable, "alpha",
			 usl_range_json(usl.alpha), "beta", usl_range_json(usl.beta), "loss",
			 usl_range_json(usl.loss), "loss_cpus", (int)usl.loss_cpus, "further",
			 further);
}

static json_t *lock_run_json(const struct lock_bench *lock, const struct lock_run *run)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:s*}", "work", run->work->name, "group",
				 run->work->group, "what", run->work->what, "unavailable",
				 run->failed[0] ? run->failed : NULL);
	json_t *cells = json_array();
	struct estimate pinned = lock_gain(lock, lock_cell(lock, run, "pinned", 1, lock->n_cpus),
					   lock_cell(lock, run, "one", 1, lock->n_cpus));

	for (size_t c = 0; c < lock->n_configs; c++)
		json_array_append_new(cells, lock_cell_json(lock, run, c));
	json_object_set_new(json, "cells", cells);
	json_object_set_new(json, "gains", lock_gains_json(lock, run));
	json_object_set_new(json, "pinned_over_one", estimate_json(pinned));
	json_object_set_new(json, "usl",
			    run->work->measure ? json_null() : lock_usl_json(lock, run));
	return json;
}

json_t *lock_json(struct lock_bench *lock)
{
	json_t *works = json_array();

	for (size_t i = 0; i < lock->n_runs; i++)
		json_array_append_new(works, lock_run_json(lock, &lock->runs[i]));
	return json_pack("{s:i, s:i, s:f, s:s, s:o, s:o}", "cpus", (int)lock->n_cpus, "rounds",
			 (int)lock->done, "measured_msec", (double)lock->times.measure_usec / 1e3,
			 "interval", "Hodges-Lehmann of logarithms, Wilcoxon signed-rank", "noise",
			 bench_noise_json(&lock->noise), "works", works);
}

/* A number as a cell; "-" if there is none. */
static const char *lock_text(char text[LOCK_TEXT], int decimals, double value)
{
	snprintf(text, LOCK_TEXT, isfinite(value) ? "%.*f" : "-", decimals, value);
	return text;
}

static const char *lock_text_median(char text[LOCK_TEXT], const struct lock_bench *lock,
				    const struct lock_cell *cell, enum lock_metric metric)
{
	double median = lock_median(cell->values[metric], lock->rounds);

	return lock_text(text, median < 10 ? 1 : 0, median);
}

static void lock_print_count(struct lock_bench *lock, unsigned int domains)
{
	struct columns *table =
		columns_new("WORK|>ONE OP/S|>PINNED|>SPLIT|>TASKSET|>PARTITIONS|IS A|"
			    ">LEVEL %|>NOISE %|>P99 US ONE|>PARTITIONS|>WAITING % ONE|>PARTITIONS");
	unsigned int cpus = lock->n_cpus;

	for (size_t i = 0; i < lock->n_runs; i++) {
		const struct lock_run *run = &lock->runs[i];
		const struct lock_cell *one = lock_cell(lock, run, "one", 1, cpus);
		const struct lock_cell *parts = lock_cell(lock, run, "vcrun", domains, cpus);
		const struct lock_cell *others[] = { lock_cell(lock, run, "pinned", 1, cpus),
						     lock_cell(lock, run, "split", domains, cpus),
						     lock_cell(lock, run, "taskset", domains,
							       cpus) };
		/* The application times its own lock; for the kernel's there is what they block. */
		enum lock_metric waits =
			strcmp(run->work->group, "application") ? METRIC_BLOCKED : METRIC_WAIT;
		struct estimate rate = estimate_of(one->values[METRIC_RATE], lock->rounds);
		struct estimate gain = lock_gain(lock, parts, one);
		char text[11][LOCK_TEXT];

		for (size_t k = 0; k < ARRAY_SIZE(others); k++)
			lock_text(text[k], 2, lock_gain(lock, others[k], one).center);
		snprintf(text[3], LOCK_TEXT, gain.n ? "%.2f (%.2f-%.2f)" : "-", gain.center,
			 gain.low, gain.high);
		bench_row(table, "%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s", run->work->name,
			  lock_text(text[4], 0, rate.center), text[0], text[1], text[2], text[3],
			  bench_verdict(gain, "gain", "cost"),
			  lock_text(text[5], 0, gain.n ? 100 * gain.level : NAN),
			  lock_text(text[6], 1, gain.noise_pct),
			  lock_text_median(text[7], lock, one, METRIC_P99),
			  lock_text_median(text[8], lock, parts, METRIC_P99),
			  lock_text_median(text[9], lock, one, waits),
			  lock_text_median(text[10], lock, parts, waits));
	}
	printf("\n%u partitions against one, %u threads in all, up to %zu rounds of %.0f ms; times "
	       "of "
	       "\"one\":\n",
	       domains, cpus, lock->done, (double)lock->times.measure_usec / 1e3);
	bench_print(table);
}

void lock_print(struct lock_bench *lock)
{
	for (size_t c = 0; c < lock->n_configs; c++)
		if (lock->configs[c].way == WAY_VCRUN && lock->configs[c].domains > 1)
			lock_print_count(lock, lock->configs[c].domains);
	bench_print_noise(&lock->noise);
	for (size_t i = 0; i < lock->n_runs; i++)
		if (lock->runs[i].failed[0])
			printf("%s: not measured: %s\n", lock->runs[i].work->name,
			       lock->runs[i].failed);
}
