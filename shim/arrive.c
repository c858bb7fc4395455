// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * arrive.c - asks the daemon of the target whether the job may come
 *
 * This is also how a move finds out whether that daemon lives: it is asked, instead of concluding
 * it from the age of what it published.
 */
#include "shim/shim.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/cleanup.h"

#define ARRIVE_PATIENCE_SEC 15

DEFINE_CLEANUP(struct wire *, wire_freep, wire_free);

static int arrive_silent(const char *partition, struct vc_err *err)
{
	return err_set(err, EHOSTDOWN,
		       "the daemon of partition %s runs, but has not answered for %d s; it may be "
		       "stopped, or the machine overloaded",
		       partition, ARRIVE_PATIENCE_SEC);
}

static int arrive_connect(const struct shim *shim, const char *partition, struct wire **ret,
			  struct vc_err *err)
{
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/%s/vcd.sock", shim->instance->dir, partition);
	r = wire_connect(path, ARRIVE_PATIENCE_SEC, ret, err);
	if (r == -EAGAIN)
		return arrive_silent(partition, err);
	if (r == -ENOENT || r == -ECONNREFUSED)
		return err_set(
			err, EHOSTDOWN,
			"partition %s is down: its daemon does not run; 'vcctl up' starts it",
			partition);
	return r;
}

int arrive_ask(const struct shim *shim, const char *partition, struct wire **ret,
	       struct vc_err *err)
{
	struct timeval patience = { .tv_sec = ARRIVE_PATIENCE_SEC }, forever = { 0 };
	_cleanup_(wire_freep) struct wire *wire = NULL;
	Vc__Arrive body = VC__ARRIVE__INIT;
	struct wire_msg answer;
	Vc__Msg msg = VC__MSG__INIT;
	int r = arrive_connect(shim, partition, &wire, err);

	if (r < 0)
		return r;
	setsockopt(wire_fd(wire), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	body.job = shim->job;
	body.uid = shim->start->creds->uid;
	msg.body_case = VC__MSG__BODY_ARRIVE;
	msg.arrive = &body;
	r = wire_send(wire, &msg, NULL, 0, err);
	if (r == 0)
		r = wire_recv(wire, &answer, err);
	if (r == -EAGAIN)
		return arrive_silent(partition, err);
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
	setsockopt(wire_fd(wire), SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
	*ret = steal_ptr(wire);
	return 0;
}
