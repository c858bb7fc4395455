// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * decide.c - loads -> policy -> checked decision, or the fallback
 *
 * The board's slots become the policy's view. policy_place() checks the answer
 * and falls back by itself; what went wrong is passed on as a note for the user.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "partition/partition.h"

/* The partition of a process; the first one for a process outside of any. */
static int32_t decide_parent(struct daemon *daemon, pid_t pid)
{
	char group[256], partition[PARTITION_NAME_MAX];
	unsigned int job;
	int index;

	if (cg_of_pid(daemon->cg, pid, group, sizeof(group)) < 0 ||
	    partition_parse_group(group, partition, sizeof(partition), &job) < 0)
		return 0;
	index = instance_find(daemon->instance, partition);
	return index < 0 ? 0 : index;
}

/* One question to a policy: the view, and what it points to. */
struct question {
	struct vc_view view;
	struct vc_load *loads;
	const struct vc_policy *policy;
	struct vc_err fault; /* code set: why it is not the policy that was named */
};

static int question_init(struct question *question, struct daemon *daemon, const char *policy,
			 struct vc_err *err)
{
	uint32_t n = (uint32_t)daemon->instance->config->n_parts;
	struct vc_view *view = &question->view;
	int r;

	if (!policy || !*policy)
		policy = daemon->instance->config->policy;
	r = policy_get(daemon->policies, policy, &question->policy, err);
	/* A name that means nothing is the caller's mistake; a module that is broken is not. */
	if (r == -ENOEXEC || r == -EPERM) {
		question->policy = policy_fallback();
		err_set(&question->fault, -r, "%s; %s decides instead", err->text,
			question->policy->name);
	} else if (r < 0) {
		return r;
	}
	question->loads = calloc(n, sizeof(*question->loads));
	if (!question->loads)
		return err_sys(err, ENOMEM, "placement");
	*view = (struct vc_view){
		.size = sizeof(*view),
		.load_size = sizeof(*question->loads),
		.n = n,
		.loads = question->loads,
		.now_usec = clock_mono_usec(),
		.current = -1,
	};
	if (getrandom(&view->random, sizeof(view->random), 0) < 0)
		view->random = view->now_usec;
	for (uint32_t i = 0; i < n; i++) {
		struct board_sample sample;

		alive_look(daemon, i, &sample);
		question->loads[i] = sample.load;
	}
	return 0;
}

static void question_done(struct question *question)
{
	free(question->loads);
}

/* Where to place; a fault of the policy becomes the note. */
static int question_place(struct question *question, struct daemon *daemon, char *ret_note,
			  size_t note_size, struct vc_err *err)
{
	struct vc_err fault = question->fault;
	int chosen;

	question->view.turn = board_next_turn(daemon->board, question->policy->name);
	chosen = policy_place(question->policy, &question->view, &fault);
	if (chosen < 0) {
		*err = fault;
		return chosen;
	}
	snprintf(ret_note, note_size, "%s", fault.code ? fault.text : "");
	if (fault.code)
		log_warn("%s", fault.text);
	board_reserve(daemon->board, (uint32_t)chosen, question->view.now_usec);
	return chosen;
}

int decide_place(struct daemon *daemon, const char *policy, pid_t pid, char *ret_note,
		 size_t note_size, struct vc_err *err)
{
	struct question question = { 0 };
	int r = question_init(&question, daemon, policy, err);

	if (r < 0)
		return r;
	question.view.parent = decide_parent(daemon, pid);
	r = question_place(&question, daemon, ret_note, note_size, err);
	question_done(&question);
	return r;
}

/* A daemon that is silent is no choice while there is another. When there is none, it is asked, and
 * may answer after all. */
static int question_exclude_self(struct question *question, struct daemon *daemon,
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
	struct question question = { 0 };
	struct cg_memory memory;
	char group[64];
	int r = question_init(&question, daemon, policy, err);

	if (r < 0)
		return r;
	partition_job_group(daemon->name, job->state->job, group, sizeof(group));
	if (cg_memory_read(daemon->cg, group, &memory) == 0)
		question.view.job_mem_bytes = memory.used_bytes;
	/* Whoever asks for a move wants the job elsewhere: place it among the others. */
	question.view.parent = (int32_t)daemon->slot;
	r = question_exclude_self(&question, daemon, err);
	if (r == 0)
		r = question_place(&question, daemon, ret_note, note_size, err);
	question_done(&question);
	return r;
}

int decide_rebalance(struct daemon *daemon, double job_cpus, uint64_t job_mem_bytes)
{
	struct question question = { 0 };
	struct vc_err err = { 0 };
	int to;

	if (question_init(&question, daemon, NULL, &err) < 0) {
		log_warn("balance: %s", err.text);
		return -1;
	}
	err = question.fault;
	question.view.parent = question.view.current = (int32_t)daemon->slot;
	question.view.job_cpus = job_cpus;
	question.view.job_mem_bytes = job_mem_bytes;
	to = question.policy->rebalance ? policy_place(question.policy, &question.view, &err) : -1;
	if (err.code) {
		log_warn("balance: %s", err.text);
		to = -1;
	}
	question_done(&question);
	return to == (int)daemon->slot ? -1 : to;
}
