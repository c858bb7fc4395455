// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * order.c - the order to move a job, sent to its shim
 *
 * Requests and the balancer send it. The shim moves the job, and answers the command itself.
 */
#include "daemon/job/order.h"

#include <errno.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/conn/conn.h"
#include "daemon/daemon.h"
#include "daemon/job/job.h"
#include "daemon/job/usage.h"

/* A shim does not read while it moves its job. The socket has room for some hundred orders. More
 * would fill the daemon's memory, each with a descriptor. */
int order_check(const struct job *job, struct vc_err *err)
{
	if (wire_pending(job->conn->wire))
		return err_set(err, EBUSY, "job %u has too many orders waiting; try again later",
			       job->state->job);
	return 0;
}

void order_move(struct job *job, uint32_t to, const char *note, const Vc__Move *request,
		int command)
{
	const struct daemon *daemon = job->daemon;
	const struct instance *instance = daemon->instance;
	bool estimate = request && request->estimate;
	Vc__Move body = VC__MOVE__INIT;
	Vc__Msg order = WIRE_MSG(MOVE, move, &body);

	log_stage("order", job->state->job);
	WIRE_SET(&body, job, job->state->job);
	body.to = instance->config->parts[to].name;
	body.note = (char *)note;
	body.engine = request && request->engine && *request->engine ? request->engine
								     : instance->config->engine;
	WIRE_SET(&body, progress, request && request->progress);
	WIRE_SET(&body, estimate, estimate);
	WIRE_SET(&body, max_stop_usec,
		 request && request->has_max_stop_usec ? request->max_stop_usec
						       : instance->config->move_max_stop_usec);
	WIRE_SET(&body, memory_bytes, usage_now(job));
	if (!estimate)
		board_reserve(daemon->board, to, clock_mono_usec(), body.memory_bytes);
	conn_send(job->conn, &order, &command, command >= 0);
}
