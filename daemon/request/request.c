// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * request.c - one table: message -> handler, and the privilege it needs
 *
 * A handler returns 0 when it has answered or handed the connection over. An error that it returns
 * is the caller's answer.
 */
#include "daemon/request/request.h"

#include <errno.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/conn/conn.h"
#include "daemon/conn/kept.h"
#include "daemon/daemon.h"
#include "daemon/ipc/ipc.h"
#include "daemon/sample.h"

enum need {
	NEED_ANY,  /* every user; the handler checks the owner of a job */
	NEED_ROOT, /* only root, so only shims */
};

static int req_ping(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	conn_ok(conn);
	return 0;
}

static const struct request {
	const char *name;
	enum need need;
	int (*handle)(struct conn *conn, struct wire_msg *msg, struct vc_err *err);
	bool ipc;   /* about IPC objects: a program of a job that is being moved asks again later */
	bool order; /* void if the caller has hung up: a command that was not answered in
		     * time has reported that nothing was done */
} requests[] = {
	[VC__MSG__BODY_PING] = { .name = "ping", .need = NEED_ANY, .handle = req_ping },
	[VC__MSG__BODY_PLACE] = { .name = "place", .need = NEED_ANY, .handle = req_place },
	[VC__MSG__BODY_RUN] = { .name = "run", .need = NEED_ANY, .handle = req_run, .order = true },
	[VC__MSG__BODY_MOVE] = { .name = "move",
				 .need = NEED_ANY,
				 .handle = req_move,
				 .order = true },
	[VC__MSG__BODY_SIGNAL] = { .name = "signal",
				   .need = NEED_ANY,
				   .handle = req_signal,
				   .order = true },
	[VC__MSG__BODY_STATUS] = { .name = "status", .need = NEED_ANY, .handle = req_status },
	[VC__MSG__BODY_IPC_OPEN] = { .name = "ipc open",
				     .need = NEED_ANY,
				     .handle = req_ipc_open,
				     .ipc = true,
				     .order = true },
	[VC__MSG__BODY_IPC_CLOSE] = { .name = "ipc close",
				      .need = NEED_ANY,
				      .handle = req_ipc_close,
				      .ipc = true,
				      .order = true },
	[VC__MSG__BODY_IPC_UNLINK] = { .name = "ipc unlink",
				       .need = NEED_ANY,
				       .handle = req_ipc_unlink,
				       .ipc = true,
				       .order = true },
	[VC__MSG__BODY_IPC_STAT] = { .name = "ipc stat",
				     .need = NEED_ANY,
				     .handle = req_ipc_stat,
				     .ipc = true,
				     .order = true },
	[VC__MSG__BODY_IPC_CHOWN] = { .name = "ipc chown",
				      .need = NEED_ANY,
				      .handle = req_ipc_chown,
				      .ipc = true,
				      .order = true },
	[VC__MSG__BODY_IPC_LIST] = { .name = "ipc list",
				     .need = NEED_ANY,
				     .handle = req_ipc_list,
				     .ipc = true,
				     .order = true },
	[VC__MSG__BODY_IPC_FORK] = { .name = "ipc fork",
				     .need = NEED_ANY,
				     .handle = req_ipc_fork,
				     .ipc = true,
				     .order = true },
	[VC__MSG__BODY_IPC_LEAVE] = { .name = "ipc leave",
				      .need = NEED_ANY,
				      .handle = req_ipc_leave,
				      .ipc = true,
				      .order = true },
	[VC__MSG__BODY_ARRIVE] = { .name = "arrive", .need = NEED_ROOT, .handle = req_arrive },
	[VC__MSG__BODY_JOB_STATE] = { .name = "job state",
				      .need = NEED_ROOT,
				      .handle = req_job_state },
};

void request_handle(struct conn *conn, struct wire_msg *msg)
{
	size_t body = msg->msg->body_case;
	const struct request *request = body < ARRAY_SIZE(requests) ? &requests[body] : NULL;
	struct vc_err err = { 0 };
	int r;

	sample_refresh(conn->daemon);
	if (!request || !request->handle)
		r = err_set(&err, EOPNOTSUPP,
			    "vcd does not know request %zu; is it older than the "
			    "command?",
			    body);
	else if (request->need == NEED_ROOT && conn->uid != 0)
		r = err_set(&err, EPERM, "only root may send the request \"%s\"", request->name);
	else if (request->order && conn_has_hung_up(conn))
		r = err_set(&err, ECONNRESET, "the caller has hung up");
	else if (conn->kept || request->ipc)
		r = kept_admit(conn, msg, &err);
	else
		r = 0;
	if (r == 0 && request->ipc && ipc_must_wait(conn->daemon, conn->pid))
		r = err_set(&err, EAGAIN, "the job is being moved");
	else if (r == 0)
		r = request->handle(conn, msg, &err);
	log_debug("request %s of uid %u pid %d: %s", request ? request->name : "?",
		  (unsigned)conn->uid, (int)conn->pid, r < 0 ? err.text : "ok");
	if (r < 0 && !conn->done)
		conn_error(conn, &err);
}
