/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usl.h - the universal scalability law, fitted to a measured curve
 *
 *	C(n) = n / (1 + alpha (n-1) + beta n (n-1))
 *
 * C is the throughput on n CPUs over that on one. alpha is the share of the work that
 * waits its turn (with beta = 0 this is Amdahl's law), beta what each pair of CPUs
 * costs in exchanging data (N. J. Gunther, Guerrilla Capacity Planning, 2007, ch. 4-6).
 * What a unit of work costs more than on one CPU is n/C(n) - 1, so JP11085547's "grows with a
 * power of the number of processors" is this law with an exponent from 1 (only alpha)
 * to 2 (only beta).
 *
 * (n/C - 1)/(n-1) = alpha + beta n is a straight line in n. One point beside n = 1, which
 * is all that two CPUs give, fixes only its value there: then the fit is not one law
 * but a family between the two ends, and everything extrapolated is a range.
 */
#ifndef VC_BENCH_USL_H
#define VC_BENCH_USL_H

#include <stdbool.h>
#include <stddef.h>

#define USL_POINTS 16
#define USL_ROUNDS 1000

/* A curve: the CPUs and, round by round, the throughput over the same round's on one CPU. */
struct usl_curve {
	size_t n_points, n_rounds;
	unsigned int cpus[USL_POINTS];  /* above 1 */
	const double *gain[USL_POINTS]; /* n_rounds each; not positive: missing */
};

struct usl_range {
	double center, low, high;
};

struct usl {
	bool separable; /* two points or more: alpha and beta are known one by one */
	/* If so, 95 % by bootstrap over rounds (Efron and Tibshirani 1993, ch. 13); if not, low
	 * and high are the ends of the family, center is NAN. */
	struct usl_range alpha, beta;
	/* The single loss (n/C - 1)/(n-1) at the last point; its interval is the estimate's. */
	struct usl_range loss;
	unsigned int loss_cpus;
};

double usl_gain(double alpha, double beta, double n);
/* Least squares with alpha, beta >= 0. One point: beta = 0. False: no usable point. */
bool usl_solve(const unsigned int *cpus, const double *gains, size_t n, double *ret_alpha,
	       double *ret_beta);
/* False: no usable point. */
bool usl_fit(const struct usl_curve *curve, struct usl *ret);
/* C(n) by the fit. Not separable: low and high are those of the two ends, both with the
 * end of the loss's interval that is worse for them; center is NAN. */
struct usl_range usl_predict(const struct usl *usl, double n);

#endif
