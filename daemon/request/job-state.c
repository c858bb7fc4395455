// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * job-state.c - a shim job_state_reports its job's state
 *
 * The table job_state_reports[] says what a report does to the daemon's table of jobs.
 */
#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/balancer.h"
#include "daemon/conn/conn.h"
#include "daemon/daemon.h"
#include "daemon/ipc/ipc.h"
#include "daemon/job/job.h"
#include "daemon/job/orphan.h"
#include "daemon/job/usage.h"
#include "daemon/request/request.h"

/* Where a job is, by a report. */
enum seen {
	SEEN_NOT,  /* not reported by this connection */
	SEEN_HERE, /* its processes exist */
	SEEN_AWAY, /* it is being moved, or exists only in its images */
	SEEN_GONE,
	SEEN_N,
};

static enum seen seen_of(const Vc__JobState *state)
{
	if (!state->has_state || state->state == VC__STATE__ENDED)
		return SEEN_GONE;
	return state->state == VC__STATE__MOVING || state->state == VC__STATE__PARKED ? SEEN_AWAY
										      : SEEN_HERE;
}

static void job_state_on_free(struct conn *conn)
{
	if (conn->job)
		orphan_expect(conn->daemon);
	job_free(conn->job);
	conn->job = NULL;
	conn->on_free = NULL;
}

/* The handlers of reports take state over on success. */

static int job_state_first(struct conn *conn, Vc__JobState *state, struct vc_err *err)
{
	int r = job_new(conn->daemon, conn, state, &conn->job, err);

	if (r < 0)
		return r;
	conn->on_free = job_state_on_free;
	balancer_learn(conn->daemon, state);
	if (state->moves > 0)
		ipc_job_came(conn->daemon, state->job);
	return 0;
}

static int job_state_again(struct conn *conn, Vc__JobState *state, struct vc_err *err)
{
	vc__job_state__free_unpacked(conn->job->state, NULL);
	conn->job->state = state;
	return 0;
}

/* A move failed, and the job runs here again. */
static int job_state_back(struct conn *conn, Vc__JobState *state, struct vc_err *err)
{
	job_state_again(conn, state, err);
	ipc_job_came(conn->daemon, state->job);
	return 0;
}

static int job_state_end(struct conn *conn, Vc__JobState *state, struct vc_err *err)
{
	log_info("job %u has ended", state->job);
	vc__job_state__free_unpacked(state, NULL);
	if (!conn->job)
		return 0;
	usage_end(conn->job);
	job_state_on_free(conn);
	return 0;
}

static int (*const job_state_reports[SEEN_N][SEEN_N])(struct conn *conn, Vc__JobState *state,
						      struct vc_err *err) = {
	/* before          now: */
	[SEEN_NOT] = { NULL, job_state_first, job_state_first, job_state_end },
	[SEEN_HERE] = { NULL, job_state_again, job_state_again, job_state_end },
	[SEEN_AWAY] = { NULL, job_state_back, job_state_again, job_state_end },
};

int req_job_state(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	Vc__JobState *state = steal_ptr(msg->msg->job_state);
	enum seen before = conn->job ? seen_of(conn->job->state) : SEEN_NOT;
	bool confirm = state->confirm;
	int r;

	msg->msg->body_case = VC__MSG__BODY__NOT_SET;
	conn->starting = false;
	conn->owner = state->uid;
	if (state->empty)
		conn_end_pending(conn);
	r = job_state_reports[before][seen_of(state)](conn, state, err);
	if (r < 0)
		vc__job_state__free_unpacked(state, NULL);
	else if (confirm && conn->job)
		conn_ok(conn);
	return r;
}
