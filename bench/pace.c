// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pace.c - the number of rounds
 */
#include "bench/pace.h"

#include <errno.h>

#include "bench/estimate.h"
#include "common/clock.h"

int bench_pace_begin(struct bench_pace *pace, const struct bench *bench,
		     const struct bench_pace_limit *full, const struct bench_pace_limit *quick,
		     struct vc_err *err)
{
	if (bench->rounds > ESTIMATE_ROUNDS)
		return err_set(err, EINVAL, "--rounds: at most %d", ESTIMATE_ROUNDS);
	*pace = (struct bench_pace){ .bench = bench,
				     .limit = bench->quick ? *quick : *full,
				     .began_usec = clock_mono_usec(),
				     .patience_usec = bench->patience_usec };
	if (bench->rounds)
		pace->limit.least = pace->limit.most = bench->rounds;
	return 0;
}

bool bench_pace_goes_on(const struct bench_pace *pace, size_t rounds, bool enough)
{
	uint64_t waited = pace->patience_usec - pace->bench->patience_usec;

	if (bench_stop || rounds >= pace->limit.most)
		return false;
	if (rounds < pace->limit.least)
		return true;
	return !enough && clock_mono_usec() - pace->began_usec < pace->limit.usec + waited;
}
