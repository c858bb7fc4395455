// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * usl.c - the universal scalability law, fitted to a measured curve
 *
 * The bootstrap draws whole rounds, so that what disturbed a round stays together,
 * with a generator of its own and a fixed seed: the same figures, the same fit.
 */
#include "bench/usl.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "bench/estimate.h"

#define USL_DRAWS 2000

double usl_gain(double alpha, double beta, double n)
{
	return n / (1 + alpha * (n - 1) + beta * n * (n - 1));
}

/* (n/C - 1)/(n-1); better than linear counts as no loss. */
static double usl_loss(double n, double gain)
{
	return fmax((n / gain - 1) / (n - 1), 0);
}

bool usl_solve(const unsigned int *cpus, const double *gains, size_t n, double *ret_alpha,
	       double *ret_beta)
{
	double sx = 0, sy = 0, sxx = 0, sxy = 0, used = 0, beta = 0, alpha;

	for (size_t i = 0; i < n; i++) {
		double x = cpus[i], y;

		if (!(gains[i] > 0) || !isfinite(gains[i]) || cpus[i] < 2)
			continue;
		y = usl_loss(x, gains[i]);
		used++;
		sx += x;
		sy += y;
		sxx += x * x;
		sxy += x * y;
	}
	if (used == 0)
		return false;
	if (used * sxx - sx * sx > 0)
		beta = (used * sxy - sx * sy) / (used * sxx - sx * sx);
	alpha = (sy - beta * sx) / used;
	if (beta < 0) {
		beta = 0;
		alpha = sy / used;
	} else if (alpha < 0) {
		alpha = 0;
		beta = sxy / sxx;
	}
	*ret_alpha = alpha;
	*ret_beta = beta;
	return true;
}

static uint64_t usl_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Geometric mean of the rounds picked (NULL: of all), so that one round weighs as another. */
static double usl_mean(const double *values, const size_t *picked, size_t n)
{
	double sum = 0;
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		double value = values[picked ? picked[i] : i];

		if (!(value > 0) || !isfinite(value))
			continue;
		sum += log(value);
		used++;
	}
	return used ? exp(sum / (double)used) : NAN;
}

static bool usl_draw(const struct usl_curve *curve, const size_t *picked, double *alpha,
		     double *beta)
{
	double gains[USL_POINTS];

	for (size_t i = 0; i < curve->n_points; i++)
		gains[i] = usl_mean(curve->gain[i], picked, curve->n_rounds);
	return usl_solve(curve->cpus, gains, curve->n_points, alpha, beta);
}

static void usl_quantiles(double *values, size_t n, struct usl_range *ret)
{
	estimate_sort(values, n);
	ret->low = values[(size_t)(0.025 * (double)(n - 1))];
	ret->high = values[(size_t)ceil(0.975 * (double)(n - 1))];
}

static void usl_bootstrap(const struct usl_curve *curve, struct usl *usl)
{
	static double alphas[USL_DRAWS], betas[USL_DRAWS];
	size_t picked[USL_ROUNDS], drawn = 0;
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

	for (size_t draw = 0; draw < USL_DRAWS; draw++) {
		for (size_t i = 0; i < curve->n_rounds; i++)
			picked[i] = usl_random(&state) % curve->n_rounds;
		if (usl_draw(curve, picked, &alphas[drawn], &betas[drawn]))
			drawn++;
	}
	usl_quantiles(alphas, drawn, &usl->alpha);
	usl_quantiles(betas, drawn, &usl->beta);
}

bool usl_fit(const struct usl_curve *curve, struct usl *ret)
{
	struct usl usl = { .separable = curve->n_points > 1 };
	size_t last = curve->n_points - 1;
	struct estimate gain;

	if (curve->n_points == 0 || curve->n_rounds == 0 || curve->n_rounds > USL_ROUNDS ||
	    !usl_draw(curve, NULL, &usl.alpha.center, &usl.beta.center))
		return false;
	gain = estimate_of(curve->gain[last], curve->n_rounds);
	usl.loss_cpus = curve->cpus[last];
	usl.loss = (struct usl_range){ .center = usl_loss(usl.loss_cpus, gain.center),
				       .low = usl_loss(usl.loss_cpus, gain.high),
				       .high = usl_loss(usl.loss_cpus, gain.low) };
	if (usl.separable) {
		usl_bootstrap(curve, &usl);
	} else {
		usl.alpha = (struct usl_range){ NAN, 0, usl.loss.high };
		usl.beta = (struct usl_range){ NAN, 0, usl.loss.high / usl.loss_cpus };
	}
	*ret = usl;
	return true;
}

struct usl_range usl_predict(const struct usl *usl, double n)
{
	if (!usl->separable)
		return (struct usl_range){
			.center = NAN,
			.low = usl_gain(0, usl->loss.high / usl->loss_cpus, n),
			.high = usl_gain(usl->loss.low, 0, n),
		};
	return (struct usl_range){
		.center = usl_gain(usl->alpha.center, usl->beta.center, n),
		.low = usl_gain(usl->alpha.high, usl->beta.high, n),
		.high = usl_gain(usl->alpha.low, usl->beta.low, n),
	};
}
