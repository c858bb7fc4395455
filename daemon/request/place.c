// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * place.c - chooses a partition for a new job
 *
 * Any daemon can answer, because all read the same board. The command then connects to the daemon
 * of the chosen partition.
 */
#include "common/log.h"
#include "daemon/conn/conn.h"
#include "daemon/daemon.h"
#include "daemon/decide.h"
#include "daemon/request/request.h"

int req_place(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	struct daemon *daemon = conn->daemon;
	Vc__Placed body = VC__PLACED__INIT;
	Vc__Msg answer = WIRE_MSG(PLACED, placed, &body);
	char note[sizeof(err->text)];
	int chosen;

	log_stage("place", 0);
	chosen = decide_place(conn, msg->msg->place, note, sizeof(note), err);
	if (chosen < 0)
		return chosen;
	body.partition = daemon->instance->config->parts[chosen].name;
	body.note = note[0] ? note : NULL;
	conn_send(conn, &answer, NULL, 0);
	return 0;
}
