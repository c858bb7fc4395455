// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * leastmem - the partition with the lowest real-memory utilisation (JP11085547, claim 10)
 *
 * A program's memory grows over seconds, so a sample says even less of recent placements than
 * with CPU time. So each placement underway counts by what it is expected to take: what was
 * requested for it, or what such a job used before (daemon/usage.c). What a mean job uses would
 * say nothing: one large job makes the mean large, and a few tiny ones then fill an empty
 * partition on paper. Of a program that was never seen nothing is known, and it counts nothing.
 *
 * Within 1 % of the lowest, fewer placements underway win, then the common order. Partitions
 * that have no room for the job, if its size is known, come after those that have.
 *
 * Rebalance moves a job out of a partition that is nearly full, when the target
 * with the job in it stays lower than the source was, by a margin: the way back then
 * never looks good under the same load. The job's memory must be known.
 */
#include "policy/vc-policy.h"

#define FULL_PCT 80.0
#define MARGIN_PCT 10.0

/* The share of partition i's memory that so many bytes are. */
static double leastmem_pct(const struct vc_view *view, uint32_t i, double bytes)
{
	double limit = (double)vc_load_at(view, i)->mem_limit_bytes;

	return limit > 0 ? 100.0 * bytes / limit : 1e9;
}

/* Used and expected. */
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

	/* Rounded: the rest of an old placement decays for ever and means nothing. */
	if ((uint32_t)(pa + 0.5) != (uint32_t)(pb + 0.5))
		return pa < pb ? -1 : 1;
	return vc_tie(view, a, b);
}

/* The lowest of those that are up, except one, and have room; or have none. */
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
			/* First the minimum, then the ties around it: "about equal" is not
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
	/* Recent placements at the source are no reason to move. */
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
