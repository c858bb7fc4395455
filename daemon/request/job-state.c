// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * job-state.c - a shim reports its job's state
 */
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/balance.h"
#include "daemon/conn.h"
#include "daemon/daemon.h"
#include "daemon/ipc/ipc.h"
#include "daemon/job.h"
#include "daemon/request/request.h"
#include "daemon/usage.h"

static void job_state_on_free(struct conn *conn)
{
	job_free(conn->job);
	conn->job = NULL;
	conn->on_free = NULL;
}

/* Whether the job has come here, or runs again after a move that failed. Its processes can have
 * other PIDs' openers of IPC objects then. */
static bool job_has_moved(const struct job *job, const Vc__JobState *state)
{
	if (!job)
		return state->moves > 0;
	return (!strcmp(job->state->state, "moving") || !strcmp(job->state->state, "parked")) &&
	       strcmp(state->state, "moving") != 0 && strcmp(state->state, "parked") != 0;
}

static void job_state_end(struct conn *conn, Vc__JobState *state)
{
	log_info("job %u has ended", state->job);
	vc__job_state__free_unpacked(state, NULL);
	if (!conn->job)
		return;
	usage_end(conn->job);
	job_state_on_free(conn);
}

int req_job_state(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	Vc__JobState *state = steal_ptr(msg->msg->job_state);
	struct daemon *daemon = conn->daemon;
	bool moved;
	int r;

	msg->msg->body_case = VC__MSG__BODY__NOT_SET;
	conn->starting = false;
	if (state->empty)
		conn_end_pending(conn);
	if (!state->state || !strcmp(state->state, "ended")) {
		job_state_end(conn, state);
		return 0;
	}
	moved = job_has_moved(conn->job, state);
	if (conn->job) {
		vc__job_state__free_unpacked(conn->job->state, NULL);
		conn->job->state = state;
	} else {
		r = job_new(daemon, conn, state, &conn->job, err);
		if (r < 0) {
			vc__job_state__free_unpacked(state, NULL);
			return r;
		}
		conn->on_free = job_state_on_free;
		balance_learn(daemon, state);
	}
	conn->owner = state->uid;
	if (moved)
		ipc_job_came(daemon, state->job);
	if (state->confirm)
		conn_ok(conn);
	return 0;
}
