// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * leastcpu - the partition with the lowest CPU utilisation (JP11085547, claim 7)
 *
 * Utilisation is what was sampled, plus one full CPU for each placement too
 * recent to show in the sample: without that, a burst between two samples would
 * herd into the one partition that looked best. The default policy, and the one
 * that the daemon falls back on, so it is linked in as well as installed.
 *
 * Rebalance asks three things. Somebody must be waiting where the job is, else
 * nothing is gained. The target, with the job added, must be lower than the source
 * is with the job in it, by a margin: then the way back can never look good under the
 * same load, however large the job. And what the job takes must be known. Recent
 * placements count at the target only: at the source they may be over in a moment,
 * and a move is dear.
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
