/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * request.h - the handlers of requests
 *
 * A handler takes from msg the parts that it keeps. It returns 0 after it has answered or has
 * handed the connection over, or -errno with err set: err is the answer then.
 */
#ifndef VC_DAEMON_REQUEST_H
#define VC_DAEMON_REQUEST_H

#include "common/err.h"

struct conn;
struct wire_msg;

/* Finds the handler of a message, checks the caller's privilege, and answers errors. */
void request_handle(struct conn *conn, struct wire_msg *msg);

#define REQUEST_HANDLER(name) int name(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
REQUEST_HANDLER(req_place);
REQUEST_HANDLER(req_run);
REQUEST_HANDLER(req_move);
REQUEST_HANDLER(req_signal);
REQUEST_HANDLER(req_status);
REQUEST_HANDLER(req_arrive);
REQUEST_HANDLER(req_job_state);
REQUEST_HANDLER(req_ipc_open);
REQUEST_HANDLER(req_ipc_close);
REQUEST_HANDLER(req_ipc_unlink);
REQUEST_HANDLER(req_ipc_stat);
REQUEST_HANDLER(req_ipc_chown);
REQUEST_HANDLER(req_ipc_list);
REQUEST_HANDLER(req_ipc_fork);
REQUEST_HANDLER(req_ipc_leave);
#undef REQUEST_HANDLER

#endif
