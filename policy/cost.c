// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * cost - the partition in which the job has the lowest cost of CPU and memory together
 *
 * Y. Amir, B. Awerbuch, A. Barak, R. S. Borgstrom, A. Keren, "An Opportunity Cost Approach for Job
 * Assignment in a Scalable Computing Cluster", IEEE Trans. Parallel and Distributed Systems 11(7),
 * 2000 (MOSIX; the method E-PVM). There are n partitions. A resource with utilisation u costs n^u.
 * A job goes to the partition in which it raises the sum of the costs least. This makes CPU and
 * memory comparable: the more of a resource is used, the more its next unit costs.
 *
 * Deviations from the paper:
 * - The paper measures the CPU load as the number of jobs. Here it is the larger of busy CPUs and
 *   runnable threads, plus the pending placements, divided by the number of CPUs.
 * - The paper guesses the maximum load by doubling, and keeps the guess as state. Here it is the
 *   next power of two above the highest load in the view.
 * - A new job counts as one CPU and as its expected memory. Without a record it counts as
 *   vc_typical_mem_bytes().
 * - A partition whose memory the job would overfill is chosen only if the job would overfill all
 *   of them. Then the least overfull one is chosen.
 *
 * Rebalance uses only the measured utilisation at the source, because the number of runnable
 * threads changes within moments. A job moves if three conditions hold: the CPU or memory
 * utilisation of its partition is at least BUSY; the job costs less in the target; the utilisation
 * of the target with the job is lower by MARGIN. Therefore the job does not move back under the
 * same load. A factor on the cost would not ensure this, because costs at different loads are not
 * comparable.
 */
#include "policy/vc-policy.h"

#include <math.h>

#define BUSY 0.8
#define MARGIN 0.1
#define SAME 1e-9    /* equal costs, except for rounding */
#define OVERFULL 1e6 /* above any sum of costs: n^u of a few hundred partitions */

struct use {
	double cpu; /* per CPU, 1 = all busy */
	double mem; /* 1 = full */
};

/* The measured utilisation of partition i. */
static struct use cost_measured(const struct vc_view *view, uint32_t i)
{
	const struct vc_load *load = vc_load_at(view, i);
	double limit = (double)load->mem_limit_bytes;

	return (struct use){ .cpu = load->cpu_pct / 100,
			     .mem = limit > 0 ? (double)load->mem_used_bytes / limit : 1 };
}

static struct use cost_add(struct use a, struct use b)
{
	return (struct use){ .cpu = a.cpu + b.cpu, .mem = a.mem + b.mem };
}

/* The utilisation that a job adds to partition i. */
static struct use cost_job(const struct vc_view *view, uint32_t i, double cpus, double mem_bytes)
{
	double limit = (double)vc_load_at(view, i)->mem_limit_bytes;

	return (struct use){ .cpu = cpus / vc_cpus(view, i),
			     .mem = limit > 0 ? mem_bytes / limit : 1 };
}

/* The utilisation that the pending placements add to partition i. */
static struct use cost_pending(const struct vc_view *view, uint32_t i)
{
	return cost_job(view, i, vc_load_at(view, i)->pending, vc_pending_mem_bytes(view, i));
}

/* The utilisation of partition i with its runnable threads and pending placements. */
static struct use cost_expected(const struct vc_view *view, uint32_t i)
{
	struct use use = cost_measured(view, i);

	use.cpu = fmax(use.cpu, vc_load_at(view, i)->runnable / vc_cpus(view, i));
	return cost_add(use, cost_pending(view, i));
}

static double cost_rise(double n, double scale, struct use before, struct use job)
{
	return pow(n, (before.cpu + job.cpu) / scale) - pow(n, before.cpu / scale) +
	       pow(n, before.mem + job.mem) - pow(n, before.mem);
}

static double cost_base(const struct vc_view *view)
{
	uint32_t up = vc_count_up(view);

	return up > 2 ? up : 2;
}

static double cost_scale(const struct vc_view *view)
{
	double scale = 1;

	for (uint32_t i = 0; i < view->n; i++) {
		double cpu = cost_expected(view, i).cpu + 1 / vc_cpus(view, i);

		while (vc_up(view, i) && scale < cpu)
			scale *= 2;
	}
	return scale;
}

static int cost_place(const struct vc_view *view)
{
	double n = cost_base(view), scale = cost_scale(view), least = 0;
	double mem_bytes =
		view->job_mem_bytes > 0 ? (double)view->job_mem_bytes : vc_typical_mem_bytes(view);
	int best = -1;

	for (uint32_t i = 0; i < view->n; i++) {
		struct use before = cost_expected(view, i);
		struct use job = cost_job(view, i, 1, mem_bytes);
		double rise = cost_rise(n, scale, before, job);

		if (!vc_up(view, i))
			continue;
		if (before.mem + job.mem > 1)
			rise = OVERFULL * (before.mem + job.mem);
		if (best < 0 || rise < least - SAME ||
		    (rise < least + SAME && vc_tie(view, i, (uint32_t)best) < 0)) {
			least = rise;
			best = (int)i;
		}
	}
	return best;
}

static double cost_pressure(struct use use)
{
	return fmax(use.cpu, use.mem);
}

static int cost_rebalance(const struct vc_view *view)
{
	uint32_t from = (uint32_t)view->current;
	struct use here = cost_measured(view, from), job, without;
	double n = cost_base(view), least;
	double mem_bytes = (double)view->job_mem_bytes;
	int best = -1;

	if (cost_pressure(here) < BUSY || (!(view->job_cpus > 0) && view->job_mem_bytes == 0))
		return -1;
	job = cost_job(view, from, view->job_cpus, mem_bytes);
	without.cpu = fmax(here.cpu - job.cpu, 0);
	without.mem = fmax(here.mem - job.mem, 0);
	least = cost_rise(n, 1, without, job);
	for (uint32_t i = 0; i < view->n; i++) {
		struct use there = cost_add(cost_measured(view, i), cost_pending(view, i));
		double rise;

		job = cost_job(view, i, view->job_cpus, mem_bytes);
		rise = cost_rise(n, 1, there, job);
		if (!vc_up(view, i) || i == from || rise >= least ||
		    cost_pressure(cost_add(there, job)) + MARGIN > cost_pressure(here))
			continue;
		least = rise;
		best = (int)i;
	}
	return best;
}

VC_POLICY(.name = "cost", .summary = "lowest opportunity cost of CPU and memory",
	  .place = cost_place, .rebalance = cost_rebalance);
