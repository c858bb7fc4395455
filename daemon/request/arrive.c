// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * arrive.c - asks whether a job of a user may come here
 *
 * A job's shim asks this before it freezes the job. From the answer on the job counts here, like a
 * job that starts, as long as the connection exists. So two moves at a time cannot both take the
 * last place. When the job is here, the shim continues on the same connection. If the move fails,
 * it closes it.
 */
#include <errno.h>

#include "common/log.h"
#include "daemon/conn/conn.h"
#include "daemon/daemon.h"
#include "daemon/request/request.h"

int req_arrive(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	const struct daemon *daemon = conn->daemon;
	const Vc__Arrive *arrive = msg->msg->arrive;
	unsigned int most = daemon->instance->config->max_jobs_per_user;

	log_stage("arrive", arrive->job);
	if (conn_is_shim(conn))
		return err_set(err, EPROTO, "this connection has a job already");
	if (arrive->uid != 0 && conn_count_jobs(daemon, arrive->uid) >= most)
		return err_set(
			err, EDQUOT,
			"its user has %u jobs in partition %s, as many as allowed; end some, or "
			"have max-jobs-per-user raised",
			most, daemon->name);
	conn->starting = true;
	conn->owner = arrive->uid;
	conn_keep_pending(conn, arrive->memory_bytes);
	conn_ok(conn);
	return 0;
}
