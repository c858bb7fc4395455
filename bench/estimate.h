/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * estimate.h - estimates from a few noisy repetitions, and their intervals
 *
 * All estimated values (rates, latencies, their ratios) are positive, and noise multiplies them.
 * Therefore the values are logarithms, with the Hodges-Lehmann estimate and the interval of
 * Wilcoxon's signed-rank test. It is exact for any symmetric distribution, and one disturbed round
 * of ten changes it little (Hodges and Lehmann, Ann. Math. Statist. 34, 1963; Hollander, Wolfe and
 * Chicken, Nonparametric Statistical Methods, 3rd ed., 3.2 and 3.3). Neither the mean with
 * Student's t nor a bootstrap of so few rounds has these properties.
 *
 * The test assumes independent rounds. If the machine drifts, consecutive rounds are similar and
 * contain less information. Therefore the interval is widened by sqrt((1 + r) / (1 - r)) if the
 * rank correlation r of consecutive rounds is positive, as for the mean of a first-order
 * autoregression (Bartlett, J. R. Statist. Soc. Suppl. 8, 1946). No interval can include a drift
 * that is slower than the run.
 *
 * With fewer than six rounds no interval reaches 95 %. The interval is then the whole range, and
 * level is its real level (n = 3: 75 %, n = 5: 93.8 %).
 */
#ifndef VC_BENCH_ESTIMATE_H
#define VC_BENCH_ESTIMATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define ESTIMATE_LEVEL 0.95
#define ESTIMATE_ROUNDS 1000 /* more rounds are ignored */
#define ESTIMATE_NARROW 1.25 /* high over low of an interval that needs no more rounds */
#define ESTIMATE_NOISY 25.0  /* percent: with more disturbed measurements there is no verdict */
#define ESTIMATE_SAYS 0.75   /* the lowest level for a verdict */

struct estimate {
	size_t n;
	double center, low, high;
	double level; /* of the interval; at least ESTIMATE_LEVEL if there are enough rounds */
	double drift; /* the correlation that widened it, at most 0.6 */
	/* The median share of others during its measurements, and the share of disturbed
	 * measurements (quiet.h), in percent. NAN: not known. */
	double noise_pct, noisy_pct;
};

/*
 * Whether a ratio is above or below 1. There is no verdict after one or two rounds, or if more than
 * a quarter of the measurements were disturbed or their number is not known. The estimate tolerates
 * 29 % of wild values (its breakdown point), but the two sides need not be disturbed equally.
 */
enum estimate_says {
	SAYS_NONE, /* it was not measured */
	SAYS_FEW,
	SAYS_NOISY,
	SAYS_MORE,
	SAYS_LESS,
	SAYS_SAME, /* no difference is shown */
};

/* Ignores values that are not positive and finite. n 0: all is NAN. */
struct estimate estimate_of(const double *values, size_t n);
/* The estimate of a[i] / b[i]: values are compared within a round. */
struct estimate estimate_ratio(const double *a, const double *b, size_t n);
/* Whether the estimate needs no more rounds. */
bool estimate_is_narrow(struct estimate estimate);
enum estimate_says estimate_says(struct estimate estimate);
/* {"n", "center", "low", "high", "level", "drift"}, numbers null without a value, and "noise_pct",
 * "noisy_pct" if they are known; the caller's. */
json_t *estimate_json(struct estimate estimate);
/* A number, or null if it is not finite. The caller's. */
json_t *estimate_number(double value);
/* The values by round; null: not measured. The caller's. */
json_t *estimate_values_json(const double *values, size_t n);
void estimate_sort(double *values, size_t n);
/* The estimate of such JSON; n 0: it is none. */
struct estimate estimate_load(const json_t *json);

#endif
