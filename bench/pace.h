/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pace.h - the number of rounds
 *
 * --rounds sets the number. Otherwise each work or pair has a minimum of rounds, and continues
 * until its results are precise enough (estimate_is_narrow()), until the maximum, or until the time
 * for all is used up; --quick makes all three small. The width of the intervals decides, not their
 * position: the effect on their coverage vanishes as they become narrow (Chow and Robbins, Ann.
 * Math. Statist. 36, 1965), and the minimum is not small.
 */
#ifndef VC_BENCH_BENCH_PACE_H
#define VC_BENCH_BENCH_PACE_H

#include "bench/bench.h"

#define PACE_LEAST 8 /* rounds: enough for an interval of 96 % */

struct bench_pace_limit {
	size_t least, most; /* rounds */
	uint64_t usec;      /* for all rounds of all */
};

struct bench_pace {
	const struct bench *bench;
	struct bench_pace_limit limit;
	uint64_t began_usec, patience_usec;
};

/* Starts the clock. -EINVAL: --rounds exceeds ESTIMATE_ROUNDS. */
int bench_pace_begin(struct bench_pace *pace, const struct bench *bench,
		     const struct bench_pace_limit *full, const struct bench_pace_limit *quick,
		     struct vc_err *err);
/* Whether there is another round after this number; enough: the results are precise enough. */
bool bench_pace_goes_on(const struct bench_pace *pace, size_t rounds, bool enough);

#endif
