// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * leastmem - the partition with the lowest real-memory utilisation (JP11085547, claim 10)
 *
 * A program's memory grows over seconds. Therefore a sample shows recent placements even later
 * than a sample of the CPU load does. Each pending placement counts as the memory that it is
 * expected to use: the size that the caller gave, or the memory that such a job used before
 * (daemon/job/usage.c). A program without a record counts nothing. The mean of all jobs is not
 * used: one large job makes the mean large, and then a few small jobs seem to fill an empty
 * partition.
 *
 * Partitions with room for the job come first. If the size of the job is not known, all of them
 * have room. Among partitions within VC_SAME_PCT of the lowest utilisation, the one with fewer
 * pending placements is chosen, and then vc_tie() decides.
 *
 * Rebalance moves a job if its partition is nearly full. The utilisation of the target with the
 * job must be lower than that of the source by MARGIN_PCT. Therefore the job does not move back
 * under the same load. The memory of the job must be known.
 */
#include "policy/vc-policy.h"

#define FULL_PCT 80.0
#define MARGIN_PCT 10.0

/* bytes, in percent of the memory of partition i */
static double leastmem_pct(const struct vc_view *view, uint32_t i, double bytes)
{
	double limit = (double)vc_load_at(view, i)->mem_limit_bytes;

	return limit > 0 ? 100.0 * bytes / limit : 1e9;
}

/* The memory in use, and the expected memory of the pending placements. */
static double leastmem_bytes(const struct vc_view *view, uint32_t i)
{
	return (double)vc_load_at(view, i)->mem_used_bytes + vc_pending_mem_bytes(view, i);
}

static int leastmem_has_room(const struct vc_view *view, uint32_t i)
{
	double bytes = leastmem_bytes(view, i) + (double)view->job_mem_bytes;

	return view->job_mem_bytes == 0 || leastmem_pct(view, i, bytes) <= 100;
}

static int leastmem_tie(const struct vc_view *view, uint32_t a, uint32_t b)
{
	double pa = vc_load_at(view, a)->pending, pb = vc_load_at(view, b)->pending;

	/* Rounded: the small rest of an old placement must not decide. */
	if ((uint32_t)(pa + 0.5) != (uint32_t)(pb + 0.5))
		return pa < pb ? -1 : 1;
	return vc_tie(view, a, b);
}

/* The lowest of the partitions that are up and have room (or have none), without except. */
static int leastmem_lowest(const struct vc_view *view, int32_t except, int has_room)
{
	double least = 0;
	int best = -1;

	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < view->n; i++) {
			double share = leastmem_pct(view, i, leastmem_bytes(view, i));

			if (!vc_up(view, i) || (int32_t)i == except ||
			    leastmem_has_room(view, i) != has_room)
				continue;
			/* First the minimum, then the ties around it, because "about equal" is not
			 * transitive. */
			if (pass == 0 ? best < 0 || share < least
				      : share <= least + VC_SAME_PCT &&
						leastmem_tie(view, i, (uint32_t)best) < 0) {
				least = pass == 0 ? share : least;
				best = (int)i;
			}
		}
	}
	return best;
}

static int leastmem_choose(const struct vc_view *view, int32_t except)
{
	int best = leastmem_lowest(view, except, 1);

	return best >= 0 ? best : leastmem_lowest(view, except, 0);
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
	/* Pending placements at the source are no reason for a move. */
	here_pct = leastmem_pct(view, (uint32_t)view->current,
				(double)vc_load_at(view, (uint32_t)view->current)->mem_used_bytes);
	there_pct = leastmem_pct(view, (uint32_t)to,
				 leastmem_bytes(view, (uint32_t)to) + (double)view->job_mem_bytes);
	if (here_pct < FULL_PCT || there_pct + MARGIN_PCT > here_pct)
		return -1;
	return to;
}

VC_POLICY(.name = "leastmem", .summary = "lowest real-memory utilisation", .place = leastmem_place,
	  .rebalance = leastmem_rebalance);
