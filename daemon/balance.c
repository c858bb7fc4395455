// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * balance.c - when to move what by itself
 *
 * Each daemon looks after its own jobs only: once a second it asks the policy
 * where each of them should be (vc_policy.rebalance), and then whether that pays.
 *
 * What a move gains grows with the time that the job still runs. Processes that
 * have run long will run long: the chance to live to twice its age is about one
 * half at every age (Harchol-Balter, Downey: "Exploiting Process Lifetime
 * Distributions for Dynamic Load Balancing", SIGMETRICS 1996). So the CPU time that
 * a job has used is what it is expected to use yet, and no constant is to be tuned:
 * old jobs move, young ones do not. Deviation: that paper places the cost in the
 * network; here it is the time the job stands still, learnt from the moves seen.
 *
 * Against flapping: a policy's own margin; the gain must be worth several moves; the
 * advice must be the same for some looks in a row; a job that came a short while
 * ago stays; one move at a time leaves a partition; and a move raises the target's
 * pending figure, so that daemons that look at the same moment do not herd.
 */
#include "daemon/balance.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/daemon.h"
#include "daemon/decide.h"
#include "daemon/job.h"
#include "daemon/order.h"
#include "daemon/part.h"
#include "partition/partition.h"

#define BALANCE_LOOK_SEC 1
#define BALANCE_LOOKS 3              /* that must agree before a job is moved */
#define BALANCE_GAIN_FACTOR 3        /* the gain must be worth so many moves */
#define BALANCE_STAY_USEC 10000000u  /* after a move */
#define BALANCE_AGAIN_USEC 60000000u /* after an order that was not carried out */
#define BALANCE_MOVE_USEC 40000.0    /* of a move, whatever the size; before any was seen */
#define BALANCE_USEC_PER_MIB 2000.0
#define BALANCE_LEARN 0.25 /* weight of the newest move */

struct balancer {
	double move_usec_per_mib; /* learnt from moves */
	struct event *event;      /* NULL: jobs are not moved, and no advice is given */
};

static double balance_mib(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

/* For how long the job would stand still, in microseconds. */
static double balance_cost(const struct job *job, uint64_t mem_bytes)
{
	const Vc__JobState *state = job->state;
	double cost = BALANCE_MOVE_USEC +
		      balance_mib(mem_bytes) * job->daemon->balancer->move_usec_per_mib;

	/* A job that has moved before is its own best witness. */
	if (state->has_downtime_usec && (double)state->downtime_usec > cost)
		cost = (double)state->downtime_usec;
	return cost;
}

/* How many CPUs the job would keep busy there: what is idle, or a fair share. */
static double balance_share(struct daemon *daemon, int to, double wanted)
{
	struct board_sample sample;
	double idle, fair;

	board_read(daemon->board, (uint32_t)to, clock_mono_usec(), &sample);
	idle = sample.load.ncpus * (1 - sample.load.cpu_pct / 100);
	fair = wanted * sample.load.ncpus / (wanted + sample.load.runnable);
	if (idle < fair)
		idle = fair;
	return idle < wanted ? idle : wanted;
}

/* By how much sooner the job would end, in microseconds: its remaining CPU time,
 * which is expected to be its age, at the speed here and at the speed there. */
static double balance_gain(struct job *job, int to, unsigned int threads, uint64_t age_usec)
{
	double here = job->balance.cpus;
	double there = balance_share(job->daemon, to, threads > here ? threads : here);

	if (here <= 0.01 || there <= here)
		return 0;
	return (double)age_usec / here - (double)age_usec / there;
}

/* Notes what the job used since the last look. Returns its age in CPU time. */
static uint64_t balance_measure(struct job *job, const char *group, uint64_t now)
{
	struct job_balance *balance = &job->balance;
	uint64_t used = balance->cpu_usec;

	cg_stat_cpu_usec(job->daemon->cg, group, &used);
	balance->cpus =
		balance->at_usec && used >= balance->cpu_usec
			? (double)(used - balance->cpu_usec) / (double)(now - balance->at_usec)
			: 0;
	balance->cpu_usec = used;
	balance->at_usec = now;
	return job->state->cpu_base_usec + used;
}

/* Where the job should go, and whether that pays; -1: it stays. */
static int balance_advise(struct job *job, const char *group, uint64_t age_usec)
{
	struct daemon *daemon = job->daemon;
	struct cg_memory memory = { 0 };
	unsigned int threads = 0;
	double gain, cost;
	int to;

	cg_memory_read(daemon->cg, group, &memory);
	cg_procs_runnable(daemon->cg, group, &threads);
	to = decide_rebalance(job, job->balance.cpus, memory.used_bytes);
	if (to < 0)
		return -1;
	gain = balance_gain(job, to, threads, age_usec);
	cost = balance_cost(job, memory.used_bytes);
	log_debug("balance: job %u to %s: gains %.0f ms, costs %.0f ms", job->state->job,
		  daemon->instance->config->parts[to].name, gain / 1e3, cost / 1e3);
	return gain > BALANCE_GAIN_FACTOR * cost ? to : -1;
}

static void balance_look(struct job *job, uint64_t now)
{
	struct job_balance *balance = &job->balance;
	uint64_t age_usec;
	char group[64];
	int to;

	partition_job_group(job->state->partition, job->state->job, group, sizeof(group));
	age_usec = balance_measure(job, group, now);
	to = balance_advise(job, group, age_usec);
	balance->agreed = to >= 0 && to == balance->advice ? balance->agreed + 1 : to >= 0;
	balance->advice = to;
}

static bool balance_may_move(const struct job *job, uint64_t now)
{
	return job->balance.advice >= 0 && job->balance.agreed >= BALANCE_LOOKS &&
	       job->state->state == VC__STATE__RUNNING &&
	       (job->state->moves == 0 || now - job->state->at_usec > BALANCE_STAY_USEC) &&
	       (!job->balance.ordered_usec || now - job->balance.ordered_usec > BALANCE_AGAIN_USEC);
}

static void balance_on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *daemon = ctx;
	uint64_t now = clock_mono_usec();
	struct job *job, *chosen = NULL;
	bool moving = false;

	TAILQ_FOREACH(job, &daemon->jobs, link) {
		balance_look(job, now);
		moving |= job->state->state == VC__STATE__MOVING;
		/* Of several, the one that takes most: it gives most back. */
		if (balance_may_move(job, now) &&
		    (!chosen || job->balance.cpus > chosen->balance.cpus))
			chosen = job;
	}
	if (!chosen || moving || daemon->instance->config->balance != BALANCE_ON)
		return;
	log_info("balance: job %u goes to %s", chosen->state->job,
		 daemon->instance->config->parts[chosen->balance.advice].name);
	order_move(chosen, (uint32_t)chosen->balance.advice, NULL, NULL, -1);
	chosen->balance.agreed = 0;
	chosen->balance.ordered_usec = now;
}

void balance_learn(struct daemon *daemon, const Vc__JobState *state)
{
	struct balancer *balancer = daemon->balancer;
	double mib = balance_mib(state->image_bytes), seen;

	/* A job can report before the balancer starts. */
	if (!balancer || !state->has_downtime_usec || mib < 1)
		return;
	seen = ((double)state->downtime_usec - BALANCE_MOVE_USEC) / mib;
	if (seen < 0)
		seen = 0;
	balancer->move_usec_per_mib += BALANCE_LEARN * (seen - balancer->move_usec_per_mib);
}

static int balance_start(struct daemon *daemon, struct vc_err *err)
{
	struct timeval period = { .tv_sec = BALANCE_LOOK_SEC };
	struct balancer *balancer = daemon->balancer = calloc(1, sizeof(*balancer));

	if (!balancer)
		return err_sys(err, ENOMEM, "balancer");
	balancer->move_usec_per_mib = BALANCE_USEC_PER_MIB;
	if (daemon->instance->config->balance == BALANCE_OFF)
		return 0;
	balancer->event = event_new(daemon->base, -1, EV_PERSIST, balance_on_timer, daemon);
	if (!balancer->event)
		return err_sys(err, ENOMEM, "balancer");
	event_add(balancer->event, &period);
	return 0;
}

static void balance_stop(struct daemon *daemon)
{
	struct balancer *balancer = daemon->balancer;

	if (!balancer)
		return;
	if (balancer->event)
		event_free(balancer->event);
	free(balancer);
	daemon->balancer = NULL;
}

const struct part balance_part = { "balance", balance_start, balance_stop };
