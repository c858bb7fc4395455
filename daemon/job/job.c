// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * job.c - the jobs here, as their shims tell
 *
 * A job's shim knows its state. This table has the last reports of the shims that are connected. A
 * job is in it as long as its shim's connection exists.
 */
#include "daemon/job/job.h"

#include <errno.h>
#include <stdlib.h>

#include "common/log.h"
#include "daemon/daemon.h"
#include "partition/partition.h"

int job_origin(const struct daemon *daemon, pid_t pid, uint32_t *ret_job)
{
	char group[256], partition[PARTITION_NAME_MAX];
	unsigned int job;

	*ret_job = 0;
	if (cg_procs_group(daemon->cg, pid, group, sizeof(group)) < 0 ||
	    partition_parse_group(group, partition, sizeof(partition), &job) < 0)
		return -1;
	*ret_job = job;
	return instance_find(daemon->instance, partition);
}

int job_parent(const struct job *job)
{
	const struct daemon *daemon = job->daemon;
	const struct config *config = daemon->instance->config;
	const Vc__JobState *state = job->state;
	int32_t slot = state->parent_job ? board_moved_to(daemon->board, state->parent_job) : -1;

	if (slot >= 0 && (size_t)slot < config->n_parts && !spec_is_free(&config->parts[slot]))
		return slot;
	return state->parent ? instance_find(daemon->instance, state->parent) : -1;
}

void job_note_moved(const struct job *job)
{
	struct daemon *daemon = job->daemon;

	/* A word with another partition is newer: the job leaves. */
	if (job->state->moves > 0 && board_moved_to(daemon->board, job->state->job) < 0)
		board_note_moved(daemon->board, job->state->job, daemon->slot);
}

static struct job *job_find(struct daemon *daemon, uint32_t id)
{
	struct job *job;

	TAILQ_FOREACH(job, &daemon->jobs, link)
		if (job->state->job == id)
			return job;
	return NULL;
}

static bool job_visible(const struct job *job, uid_t uid)
{
	return uid == 0 || uid == job->state->uid;
}

int job_find_for(struct daemon *daemon, uid_t uid, bool by_pid, uint32_t id, pid_t pid,
		 struct job **ret, struct vc_err *err)
{
	char group[256], partition[PARTITION_NAME_MAX];
	struct job *job;

	if (by_pid) {
		if (cg_procs_group(daemon->cg, pid, group, sizeof(group)) < 0 ||
		    partition_parse_group(group, partition, sizeof(partition), &id) < 0)
			return err_set(err, ENOENT, "pid %d is in no job; 'vcstat jobs' lists them",
				       (int)pid);
	}
	job = job_find(daemon, id);
	if (!job)
		return err_set(err, ENOENT, "there is no job %u; 'vcstat jobs' lists them", id);
	if (!job_visible(job, uid))
		return err_set(err, EPERM, "job %u belongs to another user", id);
	*ret = job;
	return 0;
}

int job_new(struct daemon *daemon, struct conn *conn, Vc__JobState *state, struct job **ret,
	    struct vc_err *err)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return err_sys(err, ENOMEM, "job");
	job->number = ++daemon->last_job_number;
	job->daemon = daemon;
	job->conn = conn;
	job->state = state;
	job->balance.advice = -1;
	TAILQ_INSERT_TAIL(&daemon->jobs, job, link);
	if (state->moves > 0)
		board_note_moved(daemon->board, state->job, daemon->slot);
	log_info("job %u is here, pid %d, uid %u", state->job, state->pid, state->uid);
	*ret = job;
	return 0;
}

void job_free(struct job *job)
{
	TAILQ_REMOVE(&job->daemon->jobs, job, link);
	vc__job_state__free_unpacked(job->state, NULL);
	free(job);
}
