// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * leastmem - the partition with the lowest real-memory utilisation (JP11085547, claim 10)
 *
 * A program's memory grows over seconds, so a sample says even less of recent
 * placements than with CPU time, and what they will take is not known. Ranking by
 * the sample alone would send a whole burst to one partition, which then runs
 * out. So each placement underway counts as a typical job: the mean of those alive
 * (an unbiased guess, and the same bytes everywhere, so large partitions get more),
 * but at least 1 % of the mean partition. Price: a burst of tiny programs leaves the
 * lowest partition a little early, which costs nothing, since all of them have room.
 *
 * Within 1 % of the lowest, fewer placements underway win, then the common order.
 *
 * Rebalance moves a job out of a partition that is nearly full, when the target
 * with the job in it stays lower than the source was, by a margin: the way back then
 * never looks good under the same load. The job's memory must be known.
 */
#include "policy/vc-policy.h"

#define FULL_PCT 80.0
#define MARGIN_PCT 10.0

/* Used and expected memory of partition i with extra bytes added. */
static double leastmem_share_pct(const struct vc_view *view, uint32_t i, double typical_bytes,
				 double extra_bytes)
{
	const struct vc_load *load = vc_load_at(view, i);
	double used = (double)load->mem_used_bytes + load->pending * typical_bytes + extra_bytes;

	return load->mem_limit_bytes > 0 ? 100.0 * used / (double)load->mem_limit_bytes : 1e9;
}

static int leastmem_tie(const struct vc_view *view, uint32_t a, uint32_t b)
{
	double pa = vc_load_at(view, a)->pending, pb = vc_load_at(view, b)->pending;

	/* Rounded: the rest of an old placement decays for ever and means nothing. */
	if ((uint32_t)(pa + 0.5) != (uint32_t)(pb + 0.5))
		return pa < pb ? -1 : 1;
	return vc_tie(view, a, b);
}

static int leastmem_choose(const struct vc_view *view, int32_t except)
{
	double typical = vc_typical_mem_bytes(view), least = 0;
	int best = -1;

	for (uint32_t i = 0; i < view->n; i++) {
		double share = leastmem_share_pct(view, i, typical, 0);

		if (!vc_up(view, i) || (int32_t)i == except)
			continue;
		if (best < 0 || share < least) {
			least = share;
			best = (int)i;
		}
	}
	for (uint32_t i = 0; i < view->n; i++) {
		if (!vc_up(view, i) || (int32_t)i == except)
			continue;
		if (leastmem_share_pct(view, i, typical, 0) <= least + VC_SAME_PCT &&
		    leastmem_tie(view, i, (uint32_t)best) < 0)
			best = (int)i;
	}
	return best;
}

static int leastmem_place(const struct vc_view *view)
{
	return leastmem_choose(view, -1);
}

static int leastmem_rebalance(const struct vc_view *view)
{
	int to = leastmem_choose(view, view->current);
	double here_pct, there_pct;

	if (to < 0 || view->job_mem_bytes == 0)
		return -1;
	/* typical 0: recent placements at the source are no reason to move. */
	here_pct = leastmem_share_pct(view, (uint32_t)view->current, 0, 0);
	there_pct = leastmem_share_pct(view, (uint32_t)to, vc_typical_mem_bytes(view),
				       (double)view->job_mem_bytes);
	if (here_pct < FULL_PCT || there_pct + MARGIN_PCT > here_pct)
		return -1;
	return to;
}

VC_POLICY(.name = "leastmem", .summary = "lowest real-memory utilisation", .place = leastmem_place,
	  .rebalance = leastmem_rebalance);
