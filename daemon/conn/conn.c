// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * conn.c - one connection: its messages and their answers
 *
 * A message is read when its user is next (turn.c), not when it arrives. No call blocks. A command
 * that does not read its answers is served again after it has read them.
 */
#include "daemon/conn/conn.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "daemon/daemon.h"

#define CONN_BYTES_PER_USER (64u << 20) /* in messages that are half received or half sent */
#define CONN_PATIENCE_SEC 30            /* with a command that sends or reads nothing */
#define CONN_IDLE_USEC 200000           /* with a program that has asked about IPC objects */
#define CONN_SMALL 65536                /* smaller messages are not counted */

static const struct timeval conn_patience = { .tv_sec = CONN_PATIENCE_SEC };
static const struct timeval conn_idle = { .tv_usec = CONN_IDLE_USEC };

bool conn_has_hung_up(const struct conn *conn)
{
	struct pollfd pfd = { .fd = wire_fd(conn->wire) };

	return poll(&pfd, 1, 0) > 0 && pfd.revents & (POLLHUP | POLLERR);
}

bool conn_is_shim(const struct conn *conn)
{
	return conn->job || conn->idle || conn->starting;
}

unsigned int conn_count_jobs(const struct daemon *daemon, uid_t uid)
{
	const struct conn *conn;
	unsigned int n = 0;

	TAILQ_FOREACH(conn, &daemon->conns, link)
		n += (conn->job || conn->starting) && conn->owner == uid;
	return n;
}

/* A shim's messages are at the expense of its job's user. */
static uid_t conn_payer(const struct conn *conn)
{
	return conn->job || conn->starting ? conn->owner : conn->uid;
}

void conn_queue(struct conn *conn)
{
	turn_add(conn->daemon->turns, &conn->turn, conn_payer(conn), conn_is_shim(conn));
}

void conn_owe(struct conn *conn, uint64_t cost_usec)
{
	turn_owe(conn->daemon->turns, conn_payer(conn), cost_usec);
}

/* The bytes of all messages of a user that wait in this daemon's memory. */
static size_t conn_bytes(const struct daemon *daemon, uid_t uid)
{
	const struct conn *conn;
	size_t bytes = 0;

	TAILQ_FOREACH(conn, &daemon->conns, link)
		if (conn->uid == uid)
			bytes += wire_held(conn->wire);
	return bytes;
}

static void conn_on_read(evutil_socket_t fd, short what, void *ctx)
{
	struct conn *conn = ctx;

	if (!(what & EV_TIMEOUT) || conn_is_shim(conn))
		conn_queue(conn);
	else if (conn->on_idle)
		conn->on_idle(conn);
	else
		conn_free(conn);
}

static void conn_await_reader(struct conn *conn)
{
	event_add(conn->write_event, conn_is_shim(conn) ? NULL : &conn_patience);
}

/* A command is read again after it has read its answers, a shim always. */
static void conn_wait(struct conn *conn)
{
	bool shim = conn_is_shim(conn);

	if (wire_pending(conn->wire))
		conn_await_reader(conn);
	if (shim || !wire_pending(conn->wire))
		event_add(conn->read_event, shim            ? NULL
					    : conn->on_idle ? &conn_idle
							    : &conn_patience);
}

static void conn_on_write(evutil_socket_t fd, short what, void *ctx)
{
	struct conn *conn = ctx;
	int r = what & EV_TIMEOUT ? -ETIMEDOUT : wire_flush(conn->wire);

	if (r == -EAGAIN)
		conn_await_reader(conn);
	else if (r < 0)
		conn_free(conn);
	else if (conn->answer)
		conn_queue(conn);
	else if (!conn->turn.ready)
		conn_wait(conn);
}

static void conn_answer_done(struct conn *conn)
{
	struct conn_answer *answer = steal_ptr(conn->answer);

	if (answer)
		answer->free(answer);
}

/* The next piece of a long answer. */
static void conn_go_on(struct conn *conn)
{
	struct vc_err err = { 0 };
	int r = conn->answer->next(conn, conn->answer, &err);

	if (r < 0 && !conn->done)
		conn_error(conn, &err);
	if (r <= 0)
		conn_answer_done(conn);
}

void conn_keep_pending(struct conn *shim, uint64_t mem_bytes)
{
	shim->pending.since_usec = clock_mono_usec();
	shim->pending.mem_bytes = mem_bytes;
}

void conn_end_pending(struct conn *shim)
{
	if (shim->pending.since_usec)
		board_release(shim->daemon->board, shim->daemon->slot, shim->pending.since_usec,
			      clock_mono_usec(), shim->pending.mem_bytes);
	shim->pending.since_usec = 0;
}

/* Handles one message. -EAGAIN: there is none. */
static int conn_take(struct conn *conn)
{
	struct wire_msg msg;
	struct vc_err err;
	int r;

	if (conn->uid != 0 && wire_held(conn->wire) > CONN_SMALL &&
	    conn_bytes(conn->daemon, conn->uid) > CONN_BYTES_PER_USER) {
		log_debug("uid %u: its messages take too much memory", (unsigned)conn->uid);
		conn->done = true;
		return 0;
	}
	r = wire_recv(conn->wire, &msg, &err);
	if (r == -EAGAIN)
		return r;
	if (r < 0) {
		/* The log is in memory, and users must not be able to fill it. */
		if (r != -ECONNRESET)
			log_debug("uid %u pid %d: %s", (unsigned)conn->uid, (int)conn->pid,
				  err.text);
		conn->done = true;
		return 0;
	}
	conn->daemon->handle(conn, &msg);
	wire_msg_done(&msg);
	return 0;
}

/* In a burst of requests the next message comes within a moment. */
static bool conn_poll(struct conn *conn)
{
	return conn->kept && !wire_pending(conn->wire) &&
	       turn_has_time(conn->daemon->turns, &conn->turn) &&
	       wire_spin(conn->wire, &conn->spin);
}

/* Handles one message, or sends one piece of an answer. */
static void conn_serve(struct turn *turn)
{
	struct conn *conn = container_of(turn, struct conn, turn);
	int r = 0;

	if (conn->answer)
		conn_go_on(conn);
	else
		r = conn_take(conn);
	if (conn->done)
		conn_free(conn);
	else if (r == 0 && (conn_is_shim(conn) || !wire_pending(conn->wire)))
		conn_queue(conn);
	else if (r == -EAGAIN && conn_poll(conn))
		conn_queue(conn);
	else
		conn_wait(conn);
}

void conn_answer(struct conn *conn, struct conn_answer *answer)
{
	conn->answer = answer;
}

int conn_new(struct daemon *daemon, int fd, struct conn **ret, struct vc_err *err)
{
	struct conn *conn = calloc(1, sizeof(*conn));
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int r;

	if (!conn) {
		close(fd);
		return err_sys(err, ENOMEM, "connection");
	}
	evutil_make_socket_nonblocking(fd);
	conn->daemon = daemon;
	conn->pidfd = -1;
	conn->turn.serve = conn_serve;
	TAILQ_INSERT_TAIL(&daemon->conns, conn, link);
	r = wire_new(fd, &conn->wire, err);
	if (r == 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		r = err_sys(err, errno, "credentials of a connection");
	if (r < 0) {
		conn_free(conn);
		return r;
	}
	conn->pid = cred.pid;
	conn->uid = cred.uid;
	conn->gid = cred.gid;
	wire_refuse_fds(conn->wire);
	conn->read_event = event_new(daemon->base, fd, EV_READ, conn_on_read, conn);
	conn->write_event = event_new(daemon->base, fd, EV_WRITE, conn_on_write, conn);
	if (turn_join(daemon->turns, &conn->turn, conn->uid) < 0 || !conn->read_event ||
	    !conn->write_event || event_add(conn->read_event, &conn_patience) < 0) {
		conn_free(conn);
		return err_sys(err, ENOMEM, "connection");
	}
	*ret = conn;
	return 0;
}

void conn_free(struct conn *conn)
{
	if (!conn)
		return;
	if (conn->on_free)
		conn->on_free(conn);
	conn_answer_done(conn);
	turn_leave(conn->daemon->turns, &conn->turn);
	if (conn->read_event)
		event_free(conn->read_event);
	if (conn->write_event)
		event_free(conn->write_event);
	conn_end_pending(conn);
	wire_free(conn->wire);
	closep(&conn->pidfd);
	TAILQ_REMOVE(&conn->daemon->conns, conn, link);
	free(conn);
}

void conn_send(struct conn *conn, const Vc__Msg *msg, const int *fds, size_t n_fds)
{
	struct vc_err err;

	if (conn->done)
		return;
	if (wire_send(conn->wire, msg, fds, n_fds, &err) < 0) {
		/* A peer can close its connection at any time. */
		log_debug("uid %u pid %d: %s", (unsigned)conn->uid, (int)conn->pid, err.text);
		conn->done = true;
	} else if (wire_pending(conn->wire)) {
		conn_await_reader(conn);
	}
}

static void conn_sent(struct conn *conn, int r)
{
	if (r < 0)
		conn->done = true;
	else if (wire_pending(conn->wire))
		conn_await_reader(conn);
}

void conn_error(struct conn *conn, const struct vc_err *err)
{
	conn_sent(conn, wire_send_error(conn->wire, err, 125));
}

void conn_ok(struct conn *conn)
{
	conn_sent(conn, wire_send_ok(conn->wire));
}

int conn_groups(const struct conn *conn, gid_t **ret, size_t *ret_n)
{
	socklen_t len = 64 * sizeof(gid_t);
	_cleanup_free_ gid_t *groups = NULL;

	for (;;) {
		gid_t *grown = realloc(groups, len);

		if (!grown)
			return -ENOMEM;
		groups = grown;
		if (getsockopt(wire_fd(conn->wire), SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0)
			break;
		if (errno != ERANGE)
			return -errno;
	}
	*ret_n = len / sizeof(gid_t);
	*ret = steal_ptr(groups);
	return 0;
}
