// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-estimate.c - estimates and intervals against published values, and their coverage
 */
#include "bench/estimate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bench/work/crew.h"

static void assert_near(const char *what, double got, double expected, double within)
{
	if (fabs(got - expected) <= within)
		return;
	print_error("%s: got %.6f, expected %.6f\n", what, got, expected);
	fail();
}

/* Of the values e^0 to e^(n-1) the Walsh averages of the logarithms are 0, 0.5, 1, 1, 1.5,
 * 1.5, 2, 2, 2 and so on, and the interval ends at the cut-th from each end. Levels and cuts:
 * Hollander, Wolfe and Chicken, table A.4. */
static void test_levels(void **state)
{
	static const double averages[] = { 0, 0.5, 1, 1, 1.5, 1.5, 2, 2, 2, 2.5, 2.5, 2.5, 3, 3 };
	static const struct {
		size_t n, cut;
		double level;
	} row[] = { { 1, 1, 0 },          { 3, 1, 0.75 },      { 5, 1, 0.9375 },
		    { 6, 1, 0.96875 },    { 8, 4, 0.9609375 }, { 10, 9, 0.951171875 },
		    { 12, 14, 0.9575195 } };

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct estimate estimate;
		double values[12];

		/* The least, the most, the next least and so on: no drift. */
		for (size_t v = 0; v < row[i].n; v++)
			values[v] = exp(v % 2 ? (double)(row[i].n - 1 - v / 2) : (double)(v / 2));
		estimate = estimate_of(values, row[i].n);
		assert_near("level", estimate.level, row[i].level, 1e-6);
		assert_near("center", log(estimate.center), (double)(row[i].n - 1) / 2, 1e-9);
		assert_near("low", log(estimate.low), averages[row[i].cut - 1], 1e-9);
		assert_near("high", log(estimate.high),
			    (double)(row[i].n - 1) - averages[row[i].cut - 1], 1e-9);
	}
}

static void test_by_hand(void **state)
{
	/* Logs 1, 2, 4: averages 1, 1.5, 2, 2.5, 3, 4; median 2.25; the range at 75 %. */
	double values[] = { exp(2), exp(4), exp(1) };
	struct estimate estimate = estimate_of(values, 3);

	assert_near("center", log(estimate.center), 2.25, 1e-9);
	assert_near("low", log(estimate.low), 1, 1e-9);
	assert_near("high", log(estimate.high), 4, 1e-9);
}

static void test_missing(void **state)
{
	double a[] = { 2, NAN, 4, 0, 8, INFINITY }, b[] = { 1, 1, 2, 1, 4, 1 };
	struct estimate estimate = estimate_ratio(a, b, 6);

	assert_int_equal(estimate.n, 3);
	assert_near("center", estimate.center, 2, 1e-9);
	assert_near("width", estimate.high - estimate.low, 0, 1e-9);
	estimate = estimate_of(NULL, 0);
	assert_int_equal(estimate.n, 0);
	assert_true(isnan(estimate.center));
}

/* One disturbed round of ten must not move the estimate out of what the nine say. */
static void test_disturbed(void **state)
{
	double values[] = { 98, 99, 100, 101, 102, 98.5, 99.5, 100.5, 101.5, 5 };
	struct estimate estimate = estimate_of(values, 10);

	assert_true(estimate.center > 98 && estimate.center < 101.5);
	assert_true(estimate.high < 103);
}

/* Laplace around 0: symmetric, with heavy tails. */
static double laplace(uint64_t *random)
{
	double uniform;

	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	uniform = (double)(*random >> 11) / 9007199254740992.0;
	return uniform < 0.5 ? log(2 * uniform + 1e-12) : -log(2 - 2 * uniform + 1e-12);
}

/* How often the interval of ten rounds holds the truth, each being like the last one. */
static double coverage(double likeness)
{
	uint64_t random = 88172645463325252u;
	unsigned int held = 0, trials = 4000;

	for (unsigned int trial = 0; trial < trials; trial++) {
		double values[10], now = laplace(&random) / sqrt(1 - likeness * likeness);
		struct estimate estimate;

		for (int i = 0; i < 10; i++) {
			values[i] = exp(now);
			now = likeness * now + laplace(&random);
		}
		estimate = estimate_of(values, 10);
		held += estimate.low <= 1 && estimate.high >= 1;
	}
	return (double)held / trials;
}

/* As often as it says, also for what is not normal: a little more, since some rounds look like
 * drift by chance. With drift the plain interval would hold it with 85 %. */
static void test_coverage(void **state)
{
	assert_near("coverage", coverage(0), 0.963, 0.012);
	assert_near("coverage with drift", coverage(0.3), 0.909, 0.012);
}

static void test_drift(void **state)
{
	double rising[10], seesaw[10];

	for (int i = 0; i < 10; i++) {
		rising[i] = 1 + i;
		seesaw[i] = i % 2 ? 1 : 2;
	}
	assert_near("rising", estimate_of(rising, 10).drift, 0.6, 1e-9);
	assert_near("too few to tell", estimate_of(rising, 7).drift, 0, 1e-9);
	assert_near("seesaw", estimate_of(seesaw, 10).drift, 0, 1e-9);
	assert_true(estimate_of(rising, 10).low > 0);
	for (int i = 0; i < 10; i++)
		rising[i] = 5;
	assert_near("constant", estimate_of(rising, 10).drift, 0, 1e-9);
}

static void test_json(void **state)
{
	double values[] = { 1, 2, 3 };
	struct estimate estimate = estimate_of(values, 3), none = estimate_of(NULL, 0), back;
	json_t *json = estimate_json(estimate);

	back = estimate_load(json);
	json_decref(json);
	assert_int_equal(back.n, 3);
	assert_near("center", back.center, estimate.center, 1e-12);
	assert_near("high", back.high, estimate.high, 1e-12);
	json = estimate_json(none);
	assert_true(json_is_null(json_object_get(json, "center")));
	assert_int_equal(estimate_load(json).n, 0);
	json_decref(json);
}

/* What is said of a ratio, by interval, rounds and noise. */
static void test_says(void **state)
{
	static const struct {
		struct estimate estimate;
		enum estimate_says says;
	} row[] = {
		{ { .n = 0, .noisy_pct = 0 }, SAYS_NONE },
		{ { .n = 8, .low = 1.1, .high = 1.3, .level = 0.96, .noisy_pct = 0 }, SAYS_MORE },
		{ { .n = 8, .low = 0.7, .high = 0.9, .level = 0.96, .noisy_pct = 25 }, SAYS_LESS },
		{ { .n = 8, .low = 0.9, .high = 1.3, .level = 0.96, .noisy_pct = 25 }, SAYS_SAME },
		{ { .n = 3, .low = 1.1, .high = 1.3, .level = 0.75, .noisy_pct = 0 }, SAYS_MORE },
		{ { .n = 2, .low = 1.1, .high = 1.3, .level = 0.5, .noisy_pct = 0 }, SAYS_FEW },
		{ { .n = 1, .low = 1.1, .high = 1.1, .level = 0, .noisy_pct = 0 }, SAYS_FEW },
		{ { .n = 8, .low = 1.1, .high = 1.3, .level = 0.96, .noisy_pct = 26 }, SAYS_NOISY },
		{ { .n = 8, .low = 0.7, .high = 0.9, .level = 0.96, .noisy_pct = 100 },
		  SAYS_NOISY },
		{ { .n = 8, .low = 6.1, .high = 6.3, .level = 0.96, .noisy_pct = NAN },
		  SAYS_NOISY },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct estimate back;
		json_t *json;

		if (estimate_says(row[i].estimate) != row[i].says)
			fail_msg("row %zu: %d, expected %d", i, (int)estimate_says(row[i].estimate),
				 (int)row[i].says);
		/* The same from the file. */
		json = estimate_json(row[i].estimate);
		back = estimate_load(json);
		json_decref(json);
		if (row[i].estimate.n > 0 && estimate_says(back) != row[i].says)
			fail_msg("row %zu, from JSON: %d, expected %d", i, (int)estimate_says(back),
				 (int)row[i].says);
	}
}

/* Every latency falls into a bucket whose middle is within its width, 3 %, in order. */
static void test_histogram(void **state)
{
	uint32_t last = 0;

	for (uint64_t nsec = 0; nsec < UINT64_C(1) << 40; nsec += nsec / 50 + 1) {
		uint32_t bucket = hist_bucket(nsec);

		assert_true(bucket >= last && bucket < HIST_BUCKETS);
		last = bucket;
		if (bucket < HIST_BUCKETS - 1)
			assert_near("bucket", hist_value(bucket), (double)nsec,
				    (double)nsec / HIST_SUB + 0.5);
	}
	assert_int_equal(hist_bucket(UINT64_MAX), HIST_BUCKETS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),    cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_missing),   cmocka_unit_test(test_disturbed),
		cmocka_unit_test(test_coverage),  cmocka_unit_test(test_json),
		cmocka_unit_test(test_histogram), cmocka_unit_test(test_drift),
		cmocka_unit_test(test_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
