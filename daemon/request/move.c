// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * move.c - moves a job, and sends a signal to a job
 *
 * The daemon finds the job, checks its owner and chooses the target. The job's shim does the rest,
 * and answers the command itself.
 */
#include <errno.h>
#include <signal.h>

#include "daemon/alive.h"
#include "daemon/conn/conn.h"
#include "daemon/daemon.h"
#include "daemon/decide.h"
#include "daemon/job/job.h"
#include "daemon/job/order.h"
#include "daemon/request/request.h"

#define MOVE_COST_USEC 10000 /* of a move that its shim refuses after a look at the job */

static int move_target(struct conn *conn, const struct job *job, const Vc__Move *move,
		       char *ret_note, size_t note_size, struct vc_err *err)
{
	struct daemon *daemon = conn->daemon;
	struct board_sample sample;
	int to;

	if (!move->to || !*move->to)
		return decide_move(daemon, move->policy, job, ret_note, note_size, err);
	to = instance_find(daemon->instance, move->to);
	if (to < 0)
		return err_set(err, EINVAL, "there is no partition %s; 'vcctl list' names them",
			       move->to);
	if (alive_look(daemon, (uint32_t)to, &sample) == ALIVE_DOWN)
		return err_set(
			err, EHOSTDOWN,
			"partition %s is down: its daemon does not run; 'vcctl up' starts it",
			move->to);
	return to;
}

/* The shim has the command's socket now; or it has hung up, because the job is in another
 * partition. */
static int move_check_sent(struct conn *conn, const struct job *job, struct vc_err *err)
{
	if (job->conn->done)
		return err_set(err, EAGAIN, "job %u is changing its partition; try again",
			       job->state->job);
	conn->done = true;
	return 0;
}

/* The policy wants the job where it is. */
static void move_answer_stays(struct conn *conn, const struct job *job, const char *note)
{
	Vc__Moved body = VC__MOVED__INIT;
	Vc__Msg answer = WIRE_MSG(MOVED, moved, &body);

	body.job = job->state->job;
	body.from = body.to = (char *)conn->daemon->name;
	body.engine = (char *)"none";
	body.result = (char *)"stays";
	body.reason = (char *)"the policy wants it where it is";
	body.note = note[0] ? (char *)note : NULL;
	conn_send(conn, &answer, NULL, 0);
}

int req_move(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	const Vc__Move *move = msg->msg->move;
	char note[sizeof(err->text)] = "";
	struct job *job;
	int to, r = job_find_for(conn->daemon, conn->uid, move->has_pid, move->job, move->pid, &job,
				 err);

	if (r == 0)
		r = order_check(job, err);
	if (r < 0)
		return r;
	to = move_target(conn, job, move, note, sizeof(note), err);
	if (to < 0)
		return err_add(err, "move job %u", job->state->job);
	if (to == (int)conn->daemon->slot && !(move->to && *move->to)) {
		move_answer_stays(conn, job, note);
		return 0;
	}
	conn_owe(conn, MOVE_COST_USEC);
	order_move(job, (uint32_t)to, note[0] ? note : NULL, move, wire_fd(conn->wire));
	return move_check_sent(conn, job, err);
}

int req_signal(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	Vc__Msg order = VC__MSG__INIT;
	struct job *job;
	int command = wire_fd(conn->wire);
	int r = job_find_for(conn->daemon, conn->uid, false, msg->msg->signal->job, 0, &job, err);

	if (r == 0)
		r = order_check(job, err);
	if (r < 0)
		return r;
	if (msg->msg->signal->signal <= 0 || msg->msg->signal->signal >= _NSIG)
		return err_set(err, EINVAL, "there is no signal %d", msg->msg->signal->signal);
	order.body_case = VC__MSG__BODY_SIGNAL;
	order.signal = msg->msg->signal;
	/* The shim answers when the signal is delivered: after the move, if it moves the job now.
	 */
	conn_send(job->conn, &order, &command, 1);
	return move_check_sent(conn, job, err);
}
