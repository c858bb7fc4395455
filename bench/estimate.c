// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * estimate.c - the Hodges-Lehmann estimate and its signed-rank interval
 */
#include "bench/estimate.h"

#include <math.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/log.h"

#define DRIFT_LEAST 8
#define DRIFT_MOST 0.6

static int estimate_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void estimate_sort(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), estimate_compare);
}

/*
 * The chance that the signed-rank statistic of n values is at most k, summed up over k
 * until it exceeds half of what the interval may miss. The number of subsets of ranks
 * 1..n with a given sum is counted rank by rank. Beyond 50 values the normal
 * approximation is as good (Hollander et al., 3.1).
 */
static size_t signed_rank_cut(size_t n, double *ret_level)
{
	size_t most = n * (n + 1) / 2, cut = 0;
	double tail = (1 - ESTIMATE_LEVEL) / 2, sum = 0;
	double ways[50 * 51 / 2 + 1] = { 1 };

	if (n > 50) {
		*ret_level = ESTIMATE_LEVEL;
		return (size_t)((double)most / 2 -
				1.959964 * sqrt((double)(n * (n + 1) * (2 * n + 1)) / 24));
	}
	for (size_t rank = 1; rank <= n; rank++)
		for (size_t s = rank * (rank + 1) / 2; s >= rank; s--)
			ways[s] += ways[s - rank];
	while (cut < most / 2 && (sum + ways[cut]) / exp2((double)n) <= tail)
		sum += ways[cut++];
	if (cut == 0)
		sum = 1; /* too few values: the range, and what it misses */
	*ret_level = 1 - 2 * sum / exp2((double)n);
	return cut;
}

/* Tied values share the mean of their ranks. */
static double rank_of(const double *logs, size_t n, double value)
{
	size_t below = 0, same = 0;

	for (size_t i = 0; i < n; i++) {
		below += logs[i] < value;
		same += logs[i] == value;
	}
	return (double)below + ((double)same - 1) / 2;
}

/* Of each round's rank with the next one's. Of independent ones it is about -1/n, not 0. Few
 * rounds do not tell, and 0.6 is as much as some ten can. */
static double estimate_drift(const double *logs, size_t n)
{
	double mean = ((double)n - 1) / 2, product = 0, squares = 0, last = 0;

	if (n < DRIFT_LEAST)
		return 0;
	for (size_t i = 0; i < n; i++) {
		double rank = rank_of(logs, n, logs[i]) - mean;

		product += i > 0 ? rank * last : 0;
		squares += rank * rank;
		last = rank;
	}
	if (squares == 0)
		return 0;
	return fmin(fmax(product / squares + 1 / (double)n, 0), DRIFT_MOST);
}

static void estimate_widen(struct estimate *estimate, double drift)
{
	double factor = sqrt((1 + drift) / (1 - drift));

	estimate->drift = drift;
	estimate->low = estimate->center * pow(estimate->low / estimate->center, factor);
	estimate->high = estimate->center * pow(estimate->high / estimate->center, factor);
}

static struct estimate estimate_logs(const double *logs, size_t n)
{
	struct estimate estimate = {
		.n = n, .center = NAN, .low = NAN, .high = NAN, .noise_pct = NAN, .noisy_pct = NAN
	};
	size_t pairs = n * (n + 1) / 2, cut, k = 0;
	_cleanup_free_ double *means = NULL;

	if (n == 0)
		return estimate;
	means = calloc(pairs, sizeof(*means));
	if (!means)
		fatal("out of memory");
	for (size_t i = 0; i < n; i++)
		for (size_t j = i; j < n; j++)
			means[k++] = (logs[i] + logs[j]) / 2;
	estimate_sort(means, pairs);
	estimate.center = exp((means[(pairs - 1) / 2] + means[pairs / 2]) / 2);
	/* The interval goes from the cut-th smallest to the cut-th largest of the means. */
	cut = signed_rank_cut(n, &estimate.level);
	if (cut > 0)
		cut--;
	estimate.low = exp(means[cut]);
	estimate.high = exp(means[pairs - 1 - cut]);
	estimate_widen(&estimate, estimate_drift(logs, n));
	return estimate;
}

struct estimate estimate_ratio(const double *a, const double *b, size_t n)
{
	double logs[ESTIMATE_ROUNDS];
	size_t used = 0;

	for (size_t i = 0; i < n && used < ESTIMATE_ROUNDS; i++) {
		double ratio = b ? a[i] / b[i] : a[i];

		if (isfinite(ratio) && ratio > 0)
			logs[used++] = log(ratio);
	}
	return estimate_logs(logs, used);
}

struct estimate estimate_of(const double *values, size_t n)
{
	return estimate_ratio(values, NULL, n);
}

bool estimate_is_narrow(struct estimate estimate)
{
	return estimate.level >= ESTIMATE_LEVEL && estimate.high <= estimate.low * ESTIMATE_NARROW;
}

enum estimate_says estimate_says(struct estimate estimate)
{
	if (estimate.n == 0)
		return SAYS_NONE;
	if (estimate.level < ESTIMATE_SAYS)
		return SAYS_FEW;
	if (!(estimate.noisy_pct <= ESTIMATE_NOISY))
		return SAYS_NOISY;
	if (estimate.low > 1)
		return SAYS_MORE;
	return estimate.high < 1 ? SAYS_LESS : SAYS_SAME;
}

json_t *estimate_number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

json_t *estimate_json(struct estimate estimate)
{
	json_t *json = json_pack(
		"{s:i, s:o, s:o, s:o, s:f, s:f}", "n", (int)estimate.n, "center",
		estimate_number(estimate.center), "low", estimate_number(estimate.low), "high",
		estimate_number(estimate.high), "level", estimate.level, "drift", estimate.drift);

	if (isfinite(estimate.noisy_pct)) {
		json_object_set_new(json, "noise_pct", json_real(estimate.noise_pct));
		json_object_set_new(json, "noisy_pct", json_real(estimate.noisy_pct));
	}
	return json;
}

json_t *estimate_values_json(const double *values, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, estimate_number(values[i]));
	return list;
}

struct estimate estimate_load(const json_t *json)
{
	struct estimate estimate = {
		.center = NAN, .low = NAN, .high = NAN, .noise_pct = NAN, .noisy_pct = NAN
	};
	const json_t *noise = json_object_get(json, "noise_pct");

	if (!json_is_number(json_object_get(json, "center")))
		return estimate;
	estimate.n = (size_t)json_integer_value(json_object_get(json, "n"));
	estimate.center = json_number_value(json_object_get(json, "center"));
	estimate.low = json_number_value(json_object_get(json, "low"));
	estimate.high = json_number_value(json_object_get(json, "high"));
	estimate.level = json_number_value(json_object_get(json, "level"));
	estimate.drift = json_number_value(json_object_get(json, "drift"));
	if (json_is_number(noise)) {
		estimate.noise_pct = json_number_value(noise);
		estimate.noisy_pct = json_number_value(json_object_get(json, "noisy_pct"));
	}
	return estimate;
}
