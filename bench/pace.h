/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pace.h - how many rounds there are
 *
 * As many as were asked for. Else each thing that is measured has its least number of
 * rounds, and goes on until what is said of it is known well enough
 * (estimate_is_narrow()), until it has the most, or until the time for all is used up; when
 * it is to be quick, all three are small. When to stop is decided by how wide intervals are and not
 * by where they lie; what this takes from their coverage vanishes as they get narrow (Chow and
 * Robbins, Ann. Math. Statist. 36, 1965), and the least number is not small.
 */
#ifndef VC_BENCH_BENCH_PACE_H
#define VC_BENCH_BENCH_PACE_H

#include "bench/bench.h"

#define PACE_LEAST 8 /* rounds; the interval is then one of 96 % */

struct bench_pace_limit {
	size_t least, most; /* rounds */
	uint64_t usec;      /* for all */
};

struct bench_pace {
	const struct bench *bench;
	struct bench_pace_limit limit;
	uint64_t began_usec, patience_usec;
};

/* The clock begins. -EINVAL: more rounds were asked for than estimates can take. */
int bench_pace_begin(struct bench_pace *pace, const struct bench *bench,
		     const struct bench_pace_limit *full, const struct bench_pace_limit *quick,
		     struct vc_err *err);
/* Whether what has had so many rounds, enough or not, is to have another one. */
bool bench_pace_goes_on(const struct bench_pace *pace, size_t rounds, bool enough);

#endif
