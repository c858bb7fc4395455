/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * estimate.h - what a few noisy repetitions say, and how sure one may be
 *
 * All that vcbench estimates so (rates, latencies, their ratios) is positive, and is
 * disturbed by factors rather than by amounts. So logarithms are taken, and of these
 * the Hodges-Lehmann estimate with the interval of Wilcoxon's signed-rank test:
 * exact for any symmetric distribution, and one disturbed round of ten moves it
 * little (Hodges and Lehmann, Ann. Math. Statist. 34, 1963; Hollander, Wolfe and
 * Chicken, Nonparametric Statistical Methods, 3rd ed., 3.2 and 3.3). Neither the mean
 * with Student's t nor a bootstrap of so few rounds can say that of itself.
 *
 * The test takes rounds for independent. On a machine that drifts, each is like the one
 * before, and so many say less than that. So the rank correlation of each round with the next
 * is looked at, in the order in which they were measured, and where it is positive the
 * interval is widened by sqrt((1 + r) / (1 - r)), as for the mean of a first-order
 * autoregression (Bartlett, J. R. Statist. Soc. Suppl. 8, 1946). Drift that is slower than a
 * whole run no interval of that run can know.
 *
 * The price: with fewer than six rounds no interval reaches 95 %. Then it is the
 * whole range, and level says what that is worth (n = 3: 75 %, n = 5: 93.8 %).
 */
#ifndef VC_BENCH_ESTIMATE_H
#define VC_BENCH_ESTIMATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define ESTIMATE_LEVEL 0.95
#define ESTIMATE_ROUNDS 1000 /* more are not taken into account */
#define ESTIMATE_NARROW 1.25 /* of an interval that needs no more rounds: high over low */
#define ESTIMATE_NOISY 25.0  /* percent of the measurements; what is disturbed more says nothing */
#define ESTIMATE_SAYS 0.75   /* the least level with which something is said */

struct estimate {
	size_t n;
	double center, low, high;
	double level; /* that the interval covers the truth: at least ESTIMATE_LEVEL, or less */
	double drift; /* the correlation for which it was widened, up to 0.6 */
	/* Of its measurements: what others had of the machine, in percent, the median; and how many
	 * in a hundred were disturbed by that (quiet.h). NAN: not known. */
	double noise_pct, noisy_pct;
};

/*
 * Whether a ratio is above or below 1. Nothing is said from one round or two, nor when
 * more than a quarter of the measurements were disturbed, or it is not known how many: up to 29 %
 * of wild values the estimate bears (its breakdown point), but the two that are compared need not
 * be disturbed alike.
 */
enum estimate_says {
	SAYS_NONE, /* it was not measured */
	SAYS_FEW,
	SAYS_NOISY,
	SAYS_MORE,
	SAYS_LESS,
	SAYS_SAME, /* no difference is shown */
};

/* Values that are not positive and finite count as missing. n 0: all is NAN. */
struct estimate estimate_of(const double *values, size_t n);
/* Of the ratio a[i] / b[i]: what was measured in one round is compared within it. */
struct estimate estimate_ratio(const double *a, const double *b, size_t n);
/* Whether further rounds are not worth their time. */
bool estimate_is_narrow(struct estimate estimate);
enum estimate_says estimate_says(struct estimate estimate);
/* {"n", "center", "low", "high", "level", "drift"}, numbers null without a value, and "noise_pct",
 * "noisy_pct" if they are known; the caller's. */
json_t *estimate_json(struct estimate estimate);
/* A number, or null if it is not finite. The caller's. */
json_t *estimate_number(double value);
/* What was measured, round by round; null: not measured. The caller's. */
json_t *estimate_values_json(const double *values, size_t n);
void estimate_sort(double *values, size_t n);
/* From such JSON; n 0 when it is none. */
struct estimate estimate_load(const json_t *json);

#endif
