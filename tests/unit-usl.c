// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-usl.c - the law is found again in curves that were made by it
 */
#include "bench/usl.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define ROUNDS 12

static void assert_near(const char *what, double got, double expected, double within)
{
	if (fabs(got - expected) <= within)
		return;
	print_error("%s: got %.6f, expected %.6f\n", what, got, expected);
	fail();
}

static void test_exact(void **state)
{
	static const struct {
		double alpha, beta;
	} row[] = { { 0, 0 }, { 0.03, 0 }, { 0, 0.001 }, { 0.05, 0.0002 }, { 0.4, 0.02 } };
	static const unsigned int cpus[] = { 2, 4, 8, 16, 32 };

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		double gains[5], alpha = -1, beta = -1;

		for (int k = 0; k < 5; k++)
			gains[k] = usl_gain(row[i].alpha, row[i].beta, cpus[k]);
		assert_true(usl_solve(cpus, gains, 5, &alpha, &beta));
		assert_near("alpha", alpha, row[i].alpha, 1e-9);
		assert_near("beta", beta, row[i].beta, 1e-9);
	}
}

/* Neither may be negative: what does not fit so is fitted with the other alone. */
static void test_bounds(void **state)
{
	static const unsigned int cpus[] = { 2, 4, 8 };
	double better[] = { 2.2, 4.6, 9 }, alpha = -1, beta = -1;
	/* Costs more per CPU at first and less later: a negative beta would fit. */
	double flattening[] = { 1.2, 2.2, 5 };

	assert_true(usl_solve(cpus, better, 3, &alpha, &beta));
	assert_near("alpha of a curve above linear", alpha, 0, 0);
	assert_near("beta of a curve above linear", beta, 0, 0);
	assert_true(usl_solve(cpus, flattening, 3, &alpha, &beta));
	assert_true(alpha > 0);
	assert_near("beta", beta, 0, 0);
	assert_false(usl_solve(cpus, (double[]){ NAN, 0, -1 }, 3, &alpha, &beta));
}

static void make_rounds(double *rounds, double gain)
{
	/* Factors that average to 1 in logarithms. */
	for (int i = 0; i < ROUNDS; i++)
		rounds[i] = gain * exp(0.01 * (i - (ROUNDS - 1) / 2.0));
}

static void test_intervals(void **state)
{
	static const unsigned int cpus[] = { 2, 4, 8, 16 };
	struct usl_curve curve = { .n_points = 4, .n_rounds = ROUNDS };
	double gains[4][ROUNDS];
	struct usl_range far;
	struct usl usl, again;

	for (int i = 0; i < 4; i++) {
		make_rounds(gains[i], usl_gain(0.1, 0.01, cpus[i]));
		curve.cpus[i] = cpus[i];
		curve.gain[i] = gains[i];
	}
	assert_true(usl_fit(&curve, &usl));
	assert_true(usl.separable);
	assert_near("alpha", usl.alpha.center, 0.1, 1e-9);
	assert_near("beta", usl.beta.center, 0.01, 1e-9);
	assert_true(usl.alpha.low < 0.1 && usl.alpha.high > 0.1);
	far = usl_predict(&usl, 64);
	assert_near("64 CPUs", far.center, usl_gain(0.1, 0.01, 64), 1e-9);
	assert_true(far.low < far.center && far.high > far.center);
	assert_true(usl_fit(&curve, &again));
	assert_near("the same figures, the same fit", again.alpha.low, usl.alpha.low, 0);
}

/* One point: the truth, whichever law it is of, lies within what is said about it. */
static void test_one_point(void **state)
{
	struct usl_curve curve = { .n_points = 1, .n_rounds = ROUNDS, .cpus = { 2 } };
	static const double laws[][2] = { { 0.3, 0 }, { 0.1, 0.1 }, { 0, 0.15 } };
	double gains[ROUNDS];
	struct usl_range far;
	struct usl usl;

	curve.gain[0] = gains;
	for (size_t i = 0; i < sizeof(laws) / sizeof(laws[0]); i++) {
		double truth = usl_gain(laws[i][0], laws[i][1], 64);

		make_rounds(gains, usl_gain(laws[i][0], laws[i][1], 2));
		assert_true(usl_fit(&curve, &usl));
		assert_false(usl.separable);
		assert_near("loss", usl.loss.center, 0.3, 1e-9);
		far = usl_predict(&usl, 64);
		if (far.low > truth || far.high < truth) {
			print_error("64 CPUs: %.4f is not from %.4f to %.4f\n", truth, far.low,
				    far.high);
			fail();
		}
	}
}

static void test_nothing(void **state)
{
	double missing[ROUNDS];
	struct usl_curve curve = { .n_rounds = ROUNDS };
	struct usl usl;

	assert_false(usl_fit(&curve, &usl));
	for (int i = 0; i < ROUNDS; i++)
		missing[i] = NAN;
	curve.n_points = 1;
	curve.cpus[0] = 2;
	curve.gain[0] = missing;
	assert_false(usl_fit(&curve, &usl));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),     cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_intervals), cmocka_unit_test(test_one_point),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
