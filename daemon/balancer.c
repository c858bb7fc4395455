// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * balancer.c - moves jobs automatically
 *
 * Once a second each daemon measures its own jobs, lets policy/balance.c decide, and orders the
 * move.
 */
#include "daemon/balancer.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/daemon.h"
#include "daemon/decide.h"
#include "daemon/job/job.h"
#include "daemon/job/order.h"
#include "daemon/part.h"
#include "partition/partition.h"

#define BALANCER_LOOK_SEC 1

struct balancer {
	double usec_per_mib; /* of a move, learnt */
	struct event *event; /* NULL: no job is moved, and no advice is given */
};

static struct balance_facts balancer_measure(const struct job *job)
{
	struct cg *cg = job->daemon->cg;
	const Vc__JobState *state = job->state;
	struct cg_memory memory = { 0 };
	struct balance_facts facts = {
		.cpu_usec = job->balance.cpu_usec, /* if the group cannot be read */
		.cpu_base_usec = state->cpu_base_usec,
		.moved_usec = state->moves > 0 ? state->at_usec : 0,
		.downtime_usec = state->downtime_usec,
		.running = state->state == VC__STATE__RUNNING,
		.moving = state->state == VC__STATE__MOVING,
	};
	char group[64];

	partition_job_group(state->partition, state->job, group, sizeof(group));
	cg_stat_cpu_usec(cg, group, &facts.cpu_usec);
	cg_memory_read(cg, group, &memory);
	facts.mem_bytes = memory.used_bytes;
	cg_procs_runnable(cg, group, &facts.threads);
	return facts;
}

static void balancer_look_at(struct balance_look *look, struct job *job)
{
	struct balance_job *balance = &job->balance;
	struct balance_facts facts = balancer_measure(job);
	struct vc_err err = { 0 };

	decide_set_parent(look->view, job_parent(job));
	balance_look_at(look, balance, &facts, &err);
	if (err.code)
		log_warn("balance: %s", err.text);
	if (balance->wanted >= 0)
		log_debug("balance: job %u to %s: gains %.0f ms, costs %.0f ms", job->state->job,
			  job->daemon->instance->config->parts[balance->wanted].name,
			  balance->gain_usec / 1e3, balance->cost_usec / 1e3);
}

static void balancer_order(struct daemon *daemon, struct balance_job *chosen)
{
	struct job *job = container_of(chosen, struct job, balance);

	log_info("balance: job %u goes to %s", job->state->job,
		 daemon->instance->config->parts[chosen->advice].name);
	order_move(job, (uint32_t)chosen->advice, NULL, NULL, -1);
	balance_note_order(chosen, clock_mono_usec());
}

static void balancer_on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *daemon = ctx;
	struct decide_question question;
	struct balance_look look;
	struct balance_job *chosen;
	struct vc_err err;
	struct job *job;

	if (TAILQ_EMPTY(&daemon->jobs))
		return;
	if (decide_begin(&question, daemon, NULL, &err) < 0) {
		log_warn("balance: %s", err.text);
		return;
	}
	if (question.fault.code)
		log_warn("balance: %s", question.fault.text);
	question.view.current = (int32_t)daemon->slot;
	look = (struct balance_look){ .policy = question.fault.code ? NULL : question.policy,
				      .view = &question.view,
				      .usec_per_mib = daemon->balancer->usec_per_mib };
	TAILQ_FOREACH(job, &daemon->jobs, link)
		balancer_look_at(&look, job);
	chosen = balance_choose(&look);
	if (chosen && daemon->instance->config->balance == BALANCE_ON)
		balancer_order(daemon, chosen);
	decide_end(&question);
}

void balancer_learn(struct daemon *daemon, const Vc__JobState *state)
{
	struct balancer *balancer = daemon->balancer;

	/* A job can report before the balancer starts. */
	if (balancer && state->has_downtime_usec)
		balancer->usec_per_mib = balance_learn(balancer->usec_per_mib, state->downtime_usec,
						       state->image_bytes);
}

static int balancer_start(struct daemon *daemon, struct vc_err *err)
{
	struct timeval period = { .tv_sec = BALANCER_LOOK_SEC };
	struct balancer *balancer = daemon->balancer = calloc(1, sizeof(*balancer));

	if (!balancer)
		return err_sys(err, ENOMEM, "balancer");
	balancer->usec_per_mib = BALANCE_USEC_PER_MIB;
	if (daemon->instance->config->balance == BALANCE_OFF)
		return 0;
	balancer->event = event_new(daemon->base, -1, EV_PERSIST, balancer_on_timer, daemon);
	if (!balancer->event)
		return err_sys(err, ENOMEM, "balancer");
	event_add(balancer->event, &period);
	return 0;
}

static void balancer_stop(struct daemon *daemon)
{
	struct balancer *balancer = daemon->balancer;

	if (!balancer)
		return;
	if (balancer->event)
		event_free(balancer->event);
	free(balancer);
	daemon->balancer = NULL;
}

const struct part balancer_part = { "balancer", balancer_start, balancer_stop };
