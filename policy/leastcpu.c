// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * leastcpu - the partition with the lowest CPU utilisation (JP11085547, claim 7)
 *
 * The utilisation is the sample plus one full CPU for each pending placement. Without the pending
 * placements, all jobs that start between two samples would go to the same partition. leastcpu is
 * the default policy and the fallback of the daemon. Therefore it is also linked into the daemon.
 *
 * Rebalance has three conditions. The CPUs of the source are at least BUSY_PCT busy. The
 * utilisation of the target with the job is lower than that of the source by MARGIN_PCT, so that a
 * job of any size does not move back under the same load. The CPU use of the job is known. Pending
 * placements count only at the target: at the source they may end soon, and a move is expensive.
 */
#include "policy/vc-policy.h"

#define BUSY_PCT 80.0
#define MARGIN_PCT 10.0

static int leastcpu_place(const struct vc_view *view)
{
	return vc_least_demand(view, -1);
}

static int leastcpu_rebalance(const struct vc_view *view)
{
	int to = vc_least_demand(view, view->current);
	double here_pct, there_pct;

	if (to < 0 || !(view->job_cpus > 0))
		return -1;
	here_pct = vc_load_at(view, (uint32_t)view->current)->cpu_pct;
	there_pct = vc_demand_pct(view, (uint32_t)to) +
		    100.0 * view->job_cpus / vc_cpus(view, (uint32_t)to);
	if (here_pct < BUSY_PCT || there_pct + MARGIN_PCT > here_pct)
		return -1;
	return to;
}

VC_POLICY(.name = "leastcpu", .summary = "lowest CPU utilisation", .place = leastcpu_place,
	  .rebalance = leastcpu_rebalance);
