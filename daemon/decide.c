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

static int decide(struct daemon *daemon, const char *name, struct vc_view *view, int32_t avoid,
		  char *ret_note, size_t note_size, struct vc_err *err)
{
	uint32_t n = board_count(daemon->board);
	_cleanup_free_ struct vc_load *loads = calloc(n, sizeof(*loads));
	const struct vc_policy *policy;
	struct vc_err fault = { 0 };
	int chosen;

	if (!loads)
		return err_sys(err, ENOMEM, "placement");
	ret_note[0] = '\0';
	if (!name || !*name)
		name = daemon->instance->config->policy;
	chosen = policy_get(daemon->policies, name, &policy, err);
	if (chosen < 0)
		return chosen;
	view->size = sizeof(*view);
	view->load_size = sizeof(*loads);
	view->n = n;
	view->loads = loads;
	view->now_usec = clock_mono_usec();
	view->turn = board_next_turn(daemon->board, name);
	if (getrandom(&view->random, sizeof(view->random), 0) < 0)
		view->random = view->now_usec;
	for (uint32_t i = 0; i < n; i++) {
		struct board_sample sample;

		board_read(daemon->board, i, view->now_usec, &sample);
		loads[i] = sample.load;
		if ((int32_t)i == avoid)
			loads[i].flags &= ~VC_LOAD_UP;
	}
	chosen = policy_place(policy, view, &fault);
	if (chosen < 0) {
		*err = fault;
		return chosen;
	}
	if (fault.code) {
		snprintf(ret_note, note_size, "%s", fault.text);
		log_warn("%s", fault.text);
	}
	board_reserve(daemon->board, (uint32_t)chosen, view->now_usec);
	return chosen;
}

int decide_place(struct daemon *daemon, const char *policy, pid_t pid, char *ret_note,
		 size_t note_size, struct vc_err *err)
{
	struct vc_view view = { .parent = decide_parent(daemon, pid), .current = -1 };

	return decide(daemon, policy, &view, -1, ret_note, note_size, err);
}

int decide_move(struct daemon *daemon, const char *policy, const struct job *job, char *ret_note,
		size_t note_size, struct vc_err *err)
{
	/* Whoever asks for a move wants the job elsewhere: place() among the others. */
	struct vc_view view = { .parent = (int32_t)daemon->slot, .current = -1 };
	struct cg_memory memory;
	char group[64];

	partition_job_group(daemon->name, job->state->job, group, sizeof(group));
	if (cg_memory_read(daemon->cg, group, &memory) == 0)
		view.job_mem_bytes = memory.used_bytes;
	return decide(daemon, policy, &view, (int32_t)daemon->slot, ret_note, note_size, err);
}
