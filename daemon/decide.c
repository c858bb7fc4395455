// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * decide.c - loads -> policy -> checked decision, or the fallback
 *
 * The board's slots become the policy's view. policy_place() checks the answer and falls back by
 * itself. A fault of the policy is passed on as a note for the user.
 */
#include "daemon/decide.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "daemon/alive.h"
#include "daemon/conn/conn.h"
#include "daemon/daemon.h"
#include "daemon/job/job.h"
#include "daemon/job/usage.h"
#include "policy/module.h"

/* Partitions with the same CPUs have one load of these, but their daemons sample it at different
 * moments: the last sample counts for all. */
static void decide_share_cpus(struct decide_question *question, const struct config *config,
			      const uint64_t *at_usec)
{
	for (uint32_t i = 0; i < question->view.n; i++) {
		uint32_t last = i;

		for (uint32_t k = 0; k < question->view.n; k++)
			if (at_usec[k] > at_usec[last] && config->parts[k].cpus &&
			    config->parts[i].cpus &&
			    !strcmp(config->parts[k].cpus, config->parts[i].cpus))
				last = k;
		question->loads[i].cpu_pct = question->loads[last].cpu_pct;
	}
}

void decide_set_parent(struct vc_view *view, int parent)
{
	view->parent = parent >= 0 ? parent : 0;
	view->outside = parent < 0;
	if (getrandom(&view->random, sizeof(view->random), 0) < 0)
		view->random = view->now_usec;
}

int decide_begin(struct decide_question *question, struct daemon *daemon, const char *policy,
		 struct vc_err *err)
{
	uint32_t n = (uint32_t)daemon->instance->config->n_parts;
	_cleanup_free_ uint64_t *at_usec = calloc(n, sizeof(*at_usec));
	struct vc_view *view = &question->view;
	int r;

	*question = (struct decide_question){ .loads = NULL };
	if (!policy || !*policy)
		policy = daemon->instance->config->policy;
	r = policy_get(daemon->policies, policy, &question->policy, err);
	/* An unknown name is the caller's mistake; a broken module is not. */
	if (r == -ENOEXEC || r == -EPERM) {
		question->policy = policy_fallback();
		err_set(&question->fault, -r, "%s; %s decides instead", err->text,
			question->policy->name);
	} else if (r < 0) {
		return r;
	}
	question->loads = calloc(n, sizeof(*question->loads));
	if (!question->loads || !at_usec) {
		decide_end(question);
		return err_sys(err, ENOMEM, "placement");
	}
	*view = (struct vc_view){
		.size = sizeof(*view),
		.load_size = sizeof(*question->loads),
		.n = n,
		.loads = question->loads,
		.now_usec = clock_mono_usec(),
		.current = -1,
	};
	for (uint32_t i = 0; i < n; i++) {
		struct board_sample sample;

		alive_look(daemon, i, &sample);
		question->loads[i] = sample.load;
		at_usec[i] = sample.at_usec;
	}
	decide_share_cpus(question, daemon->instance->config, at_usec);
	return 0;
}

void decide_end(struct decide_question *question)
{
	free(question->loads);
}

/* Returns the chosen partition. A fault of the policy becomes the note. */
static int decide_ask(struct decide_question *question, struct daemon *daemon, char *ret_note,
		      size_t note_size, struct vc_err *err)
{
	struct vc_err fault = question->fault;
	int chosen;

	question->view.turn =
		board_next_turn(daemon->board, question->policy->name, vc_leaving(&question->view));
	chosen = policy_place(question->policy, &question->view, &fault);
	if (chosen < 0) {
		*err = fault;
		return chosen;
	}
	snprintf(ret_note, note_size, "%s", fault.code ? fault.text : "");
	if (fault.code)
		log_warn("%s", fault.text);
	return chosen;
}

int decide_place(const struct conn *conn, const Vc__Place *place, char *ret_note, size_t note_size,
		 struct vc_err *err)
{
	struct daemon *daemon = conn->daemon;
	struct decide_question question;
	uint64_t mem_bytes;
	uint32_t job;
	int r = decide_begin(&question, daemon, place->policy, err);

	if (r < 0)
		return r;
	mem_bytes =
		usage_expect(daemon, conn->uid, place->memory_bytes, place->argv, place->n_argv);
	question.view.job_mem_bytes = mem_bytes;
	decide_set_parent(&question.view, job_origin(daemon, conn->pid, &job));
	r = decide_ask(&question, daemon, ret_note, note_size, err);
	if (r >= 0)
		board_reserve(daemon->board, (uint32_t)r, question.view.now_usec, mem_bytes);
	decide_end(&question);
	return r;
}

/* A silent daemon is a target only if no other one is up: it may answer after all. */
static int decide_exclude_self(struct decide_question *question, struct daemon *daemon,
			       struct vc_err *err)
{
	question->loads[daemon->slot].flags &= ~VC_LOAD_UP;
	if (vc_count_up(&question->view) > 0)
		return 0;
	for (uint32_t i = 0; i < question->view.n; i++) {
		struct board_sample sample;

		if (i != daemon->slot && alive_look(daemon, i, &sample) == ALIVE_SILENT)
			question->loads[i].flags |= VC_LOAD_UP;
	}
	if (vc_count_up(&question->view) > 0)
		return 0;
	return err_set(
		err, EHOSTDOWN,
		"no other partition is up: their daemons do not run; 'vcctl up' starts them");
}

int decide_move(struct daemon *daemon, const char *policy, const struct job *job, char *ret_note,
		size_t note_size, struct vc_err *err)
{
	struct decide_question question;
	int r = decide_begin(&question, daemon, policy, err);

	if (r < 0)
		return r;
	question.view.job_mem_bytes = usage_now(job);
	decide_set_parent(&question.view, job_parent(job));
	/* A user who asks for a move wants the job in another partition. */
	question.view.ordered = true;
	question.view.current = (int32_t)daemon->slot;
	r = decide_exclude_self(&question, daemon, err);
	if (r == 0)
		r = decide_ask(&question, daemon, ret_note, note_size, err);
	decide_end(&question);
	return r;
}
