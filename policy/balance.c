// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * balance.c - which job of a partition should move, and whether the move pays
 *
 * The policy says where each job should be (vc_policy.rebalance). A move must also pay: its gain
 * must exceed its cost.
 *
 * The gain grows with the time that the job still runs. Processes that have run long will run long:
 * the chance to live to twice its age is about one half at every age (Harchol-Balter, Downey:
 * "Exploiting Process Lifetime Distributions for Dynamic Load Balancing", SIGMETRICS 1996).
 * Therefore a job is expected to use as much CPU time as it has used, and no constant needs tuning:
 * old jobs move, young jobs do not. Deviation: in that paper the cost is in the network; here it is
 * the time for which the job is stopped, learnt from past moves.
 *
 * Against flapping: a policy has a margin; the gain must be worth several moves; several looks in
 * sequence must have the same advice; a job that came a short while ago stays; a partition moves
 * one job at a time, but a job's user can make its move last, so others wait for a minute only.
 * Against herding: an order raises the target's pending value, so daemons that look at the same
 * moment do not all choose the same target.
 */
#include "policy/balance.h"

#include <stddef.h>

#include "policy/module.h"

#define LOOKS 3               /* with the same advice before a job is moved */
#define GAIN_FACTOR 3         /* the gain must be worth so many moves */
#define STAY_USEC 10000000u   /* after a move */
#define AGAIN_USEC 60000000u  /* after an order that was not carried out */
#define MOVING_USEC 60000000u /* a move that lasts longer does not hold others up */
#define MOVE_USEC 40000.0     /* of a move of any size */
#define LEARN 0.25            /* weight of the newest move */

static double balance_mib(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

/* For how long a move would stop the job, in microseconds. */
static double balance_cost(const struct balance_look *look, const struct balance_facts *facts)
{
	double cost = MOVE_USEC + balance_mib(facts->mem_bytes) * look->usec_per_mib;

	/* The job's own last move is the best evidence. */
	return (double)facts->downtime_usec > cost ? (double)facts->downtime_usec : cost;
}

/* How many CPUs the job would keep busy in a partition: the idle ones, or a fair share. */
static double balance_share(const struct vc_load *load, double wanted)
{
	double idle = load->ncpus * (1 - load->cpu_pct / 100);
	double fair = wanted * load->ncpus / (wanted + load->runnable);
	double share = idle > fair ? idle : fair;

	return share < wanted ? share : wanted;
}

/* By how much earlier the job would end, in microseconds: its remaining CPU time, which is expected
 * to be its age, at the speed here and at the speed there. */
static double balance_gain(const struct vc_load *target, const struct balance_job *job,
			   const struct balance_facts *facts)
{
	double age_usec = (double)(facts->cpu_base_usec + facts->cpu_usec), here = job->cpus;
	double there = balance_share(target, facts->threads > here ? facts->threads : here);

	if (here <= 0.01 || there <= here)
		return 0;
	return age_usec / here - age_usec / there;
}

static void balance_measure(struct balance_job *job, const struct balance_facts *facts,
			    uint64_t now)
{
	job->cpus =
		job->at_usec && facts->cpu_usec >= job->cpu_usec
			? (double)(facts->cpu_usec - job->cpu_usec) / (double)(now - job->at_usec)
			: 0;
	job->cpu_usec = facts->cpu_usec;
	job->at_usec = now;
}

/* Returns the policy's choice; -1: the job stays. */
static int balance_ask(const struct balance_look *look, struct vc_err *err)
{
	struct vc_err fault = { 0 };
	int to;

	if (!look->policy || !look->policy->rebalance)
		return -1;
	to = policy_place(look->policy, look->view, &fault);
	if (fault.code)
		*err = fault;
	return fault.code || to == look->view->current ? -1 : to;
}

static bool balance_may_move(const struct balance_job *job, const struct balance_facts *facts,
			     uint64_t now)
{
	return job->advice >= 0 && job->agreed >= LOOKS && facts->running &&
	       (!facts->moved_usec || now - facts->moved_usec > STAY_USEC) &&
	       (!job->ordered_usec || now - job->ordered_usec > AGAIN_USEC);
}

void balance_look_at(struct balance_look *look, struct balance_job *job,
		     const struct balance_facts *facts, struct vc_err *err)
{
	struct vc_view *view = look->view;
	int advice;

	balance_measure(job, facts, view->now_usec);
	view->job_cpus = job->cpus;
	view->job_mem_bytes = facts->mem_bytes;
	job->wanted = balance_ask(look, err);
	job->gain_usec =
		job->wanted < 0 ? 0
				: balance_gain(vc_load_at(view, (uint32_t)job->wanted), job, facts);
	job->cost_usec = balance_cost(look, facts);
	advice = job->gain_usec > GAIN_FACTOR * job->cost_usec ? job->wanted : -1;
	job->agreed = advice >= 0 && advice == job->advice ? job->agreed + 1 : advice >= 0;
	job->advice = advice;
	if (!facts->moving)
		job->moving_usec = 0;
	else if (!job->moving_usec)
		job->moving_usec = view->now_usec;
	look->moving |= facts->moving && view->now_usec - job->moving_usec < MOVING_USEC;
	/* The job that takes most gives most back. */
	if (balance_may_move(job, facts, view->now_usec) &&
	    (!look->chosen || job->cpus > look->chosen->cpus))
		look->chosen = job;
}

struct balance_job *balance_choose(const struct balance_look *look)
{
	return look->moving ? NULL : look->chosen;
}

void balance_note_order(struct balance_job *job, uint64_t now_usec)
{
	job->agreed = 0;
	job->ordered_usec = now_usec;
}

double balance_learn(double usec_per_mib, uint64_t downtime_usec, uint64_t image_bytes)
{
	double mib = balance_mib(image_bytes), seen;

	if (mib < 1)
		return usec_per_mib;
	seen = ((double)downtime_usec - MOVE_USEC) / mib;
	if (seen < 0)
		seen = 0;
	return usec_per_mib + LEARN * (seen - usec_per_mib);
}
