// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * job.c - the jobs here, as their shims tell
 *
 * The truth about a job is with its shim. This table is what the shims that are
 * connected last said; a job is in it for as long as its shim's connection lives.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
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
	const struct daemon *daemon = job->conn->daemon;
	const struct config *config = daemon->instance->config;
	const Vc__JobState *state = job->state;
	int32_t slot = state->parent_job ? board_moved_to(daemon->board, state->parent_job) : -1;

	if (slot >= 0 && (size_t)slot < config->n_parts && !spec_is_free(&config->parts[slot]))
		return slot;
	return state->parent ? instance_find(daemon->instance, state->parent) : -1;
}

void job_note_moved(const struct job *job)
{
	struct daemon *daemon = job->conn->daemon;

	/* One that says another place is newer: the job leaves. */
	if (job->state->moves > 0 && board_moved_to(daemon->board, job->state->job) < 0)
		board_note_moved(daemon->board, job->state->job, daemon->slot);
}

struct job *job_find(struct daemon *daemon, uint32_t id)
{
	struct job *job;

	TAILQ_FOREACH(job, &daemon->jobs, link)
		if (job->state->job == id)
			return job;
	return NULL;
}

bool job_visible(const struct job *job, const struct conn *conn)
{
	return conn->uid == 0 || conn->uid == job->state->uid;
}

int job_find_for(const struct conn *conn, bool by_pid, uint32_t id, pid_t pid, struct job **ret,
		 struct vc_err *err)
{
	struct daemon *daemon = conn->daemon;
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
	if (!job_visible(job, conn))
		return err_set(err, EPERM, "job %u belongs to another user", id);
	*ret = job;
	return 0;
}

unsigned int job_count(const struct daemon *daemon, uid_t uid)
{
	const struct job *job;
	const struct conn *conn;
	unsigned int n = 0;

	TAILQ_FOREACH(job, &daemon->jobs, link)
		n += job->state->uid == uid;
	TAILQ_FOREACH(conn, &daemon->conns, link)
		n += conn->starting && conn->owner == uid;
	return n;
}

void job_free(struct job *job)
{
	if (!job)
		return;
	TAILQ_REMOVE(&job->conn->daemon->jobs, job, link);
	job->conn->job = NULL;
	vc__job_state__free_unpacked(job->state, NULL);
	free(job);
}

/* Whether its processes, if they have IPC objects open, are to be looked at. */
static bool job_has_moved(const struct job *job, const Vc__JobState *state)
{
	if (!job)
		return state->moves > 0;
	return (!strcmp(job->state->state, "moving") || !strcmp(job->state->state, "parked")) &&
	       strcmp(state->state, "moving") != 0 && strcmp(state->state, "parked") != 0;
}

int req_job_state(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	Vc__JobState *state = steal_ptr(msg->msg->job_state);
	struct job *job = conn->job;
	bool moved;

	msg->msg->body_case = VC__MSG__BODY__NOT_SET;
	conn->starting = false;
	if (state->empty)
		conn_end_pending(conn);
	if (!state->state || !strcmp(state->state, "ended")) {
		log_info("job %u has ended", state->job);
		if (job)
			usage_end(job);
		vc__job_state__free_unpacked(state, NULL);
		job_free(job);
		return 0;
	}
	moved = job_has_moved(job, state);
	if (!job) {
		job = calloc(1, sizeof(*job));
		if (!job) {
			vc__job_state__free_unpacked(state, NULL);
			return err_sys(err, ENOMEM, "job");
		}
		job->number = ++conn->daemon->last_number;
		job->conn = conn;
		job->balance.advice = -1;
		balance_learn(conn->daemon, state);
		if (state->moves > 0)
			board_note_moved(conn->daemon->board, state->job, conn->daemon->slot);
		conn->job = job;
		TAILQ_INSERT_TAIL(&conn->daemon->jobs, job, link);
		log_info("job %u is here, pid %d, uid %u", state->job, state->pid, state->uid);
	} else {
		vc__job_state__free_unpacked(job->state, NULL);
	}
	job->state = state;
	if (moved)
		ipc_job_came(conn->daemon, state->job);
	if (state->confirm)
		conn_ok(conn);
	return 0;
}
