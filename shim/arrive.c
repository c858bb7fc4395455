// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * arrive.c - asks the daemon of the target whether the job may come
 *
 * This is also how a move finds out whether that daemon lives: it is asked, instead of concluding
 * it from the age of what it published.
 */
#include "shim/shim.h"

#include <errno.h>

#include "common/cleanup.h"
#include "wire/locate.h"
#include "wire/patience.h"

#define ARRIVE_CONNECT_SEC 1

DEFINE_CLEANUP(struct wire *, wire_freep, wire_free);

static int arrive_connect(const struct shim *shim, const char *partition, struct wire **ret,
			  struct vc_err *err)
{
	int r = locate_connect(shim->instance->dir, partition, ARRIVE_CONNECT_SEC, ret, err);

	if (r == -EAGAIN)
		return err_set(err, ETIMEDOUT,
			       "partition %s: its daemon accepts no connection; see its vcd.log",
			       partition);
	if (r == -ENOENT || r == -ECONNREFUSED)
		return err_set(
			err, EHOSTDOWN,
			"partition %s is down: its daemon does not run; 'vcctl up' starts it",
			partition);
	return r;
}

/* Like a command, a shim does not wait for a daemon that is stopped (wire/patience.h). */
static int arrive_put(struct wire *wire, const Vc__Msg *msg, struct wire_msg *ret,
		      struct vc_err *err)
{
	int r = patience_check_stopped(wire, err);

	if (r == 0)
		r = wire_send(wire, msg, NULL, 0, err);
	if (r == 0)
		r = patience_await(NULL, wire, PATIENCE_FOR_ANSWER, err);
	return r < 0 ? r : wire_recv(wire, ret, err);
}

int arrive_ask(const struct shim *shim, const Vc__Move *move, struct wire **ret, struct vc_err *err)
{
	const char *partition = move->to;
	_cleanup_(wire_freep) struct wire *wire = NULL;
	Vc__Arrive body = VC__ARRIVE__INIT;
	struct wire_msg answer;
	Vc__Msg msg = WIRE_MSG(ARRIVE, arrive, &body);
	int r = arrive_connect(shim, partition, &wire, err);

	if (r < 0)
		return r;
	body.job = shim->job;
	body.uid = shim->start->creds->uid;
	body.has_memory_bytes = move->has_memory_bytes;
	body.memory_bytes = move->memory_bytes;
	r = arrive_put(wire, &msg, &answer, err);
	if (r == -ETIMEDOUT)
		return err_add(err, "partition %s", partition);
	if (r < 0)
		return r;
	if (answer.msg->body_case == VC__MSG__BODY_ERROR)
		r = wire_take_error(answer.msg->error, err);
	else if (answer.msg->body_case != VC__MSG__BODY_OK)
		r = err_set(err, EPROTO, "the daemon of partition %s answered something else",
			    partition);
	wire_msg_done(&answer);
	if (r < 0)
		return r;
	*ret = steal_ptr(wire);
	return 0;
}
