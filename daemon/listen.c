// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * listen.c - the socket, connections, who is at the other end
 *
 * The socket is open to everybody; what a caller may do is decided by its
 * credentials, which the kernel vouches for. No caller can hold up another: nothing
 * here blocks, a caller that does not read is dropped when its queue is full, one
 * user can have only so many connections, and when descriptors run short the
 * listener rests for a moment instead of spinning.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"

#define LISTEN_BACKLOG 1024
#define LISTEN_PER_USER 256
#define LISTEN_REST_USEC 100000
#define LISTEN_BYTES_PER_USER (64u << 20) /* that wait here, in messages half received or sent */
#define CONN_FIRST_WORD_SEC 30            /* a command that says nothing for so long is dropped */
#define CONN_TURN 8                       /* messages of one connection before the others come */
#define CONN_SMALL 65536                  /* what need not be counted */

/* What all connections of a user keep in our memory. */
static size_t listen_bytes(const struct daemon *daemon, uid_t uid)
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

	if (what & EV_TIMEOUT && !conn->job && !conn->idle_job) {
		conn_free(conn);
		return;
	}
	if (conn->uid != 0 && wire_held(conn->wire) > CONN_SMALL &&
	    listen_bytes(conn->daemon, conn->uid) > LISTEN_BYTES_PER_USER) {
		log_debug("uid %u: its messages fill our memory", (unsigned)conn->uid);
		conn_free(conn);
		return;
	}
	/* Messages that are left wait in the socket, and this is called again. */
	for (int i = 0; i < CONN_TURN; i++) {
		struct wire_msg msg;
		struct vc_err err;
		int r = wire_recv(conn->wire, &msg, &err);

		if (r == -EAGAIN)
			return;
		if (r < 0) {
			/* The log lies in memory: strangers must not be able to fill it. */
			if (r != -ECONNRESET)
				log_debug("uid %u pid %d: %s", (unsigned)conn->uid, (int)conn->pid,
					  err.text);
			conn_free(conn);
			return;
		}
		request_handle(conn, &msg);
		wire_msg_done(&msg);
		if (conn->done) {
			conn_free(conn);
			return;
		}
	}
}

static void conn_on_write(evutil_socket_t fd, short what, void *ctx)
{
	struct conn *conn = ctx;
	int r = wire_flush(conn->wire);

	if (r == -EAGAIN)
		event_add(conn->write_event, NULL);
	else if (r < 0)
		conn_free(conn);
}

int conn_new(struct daemon *daemon, int fd, struct conn **ret, struct vc_err *err)
{
	struct timeval patience = { .tv_sec = CONN_FIRST_WORD_SEC };
	struct conn *conn = calloc(1, sizeof(*conn));
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (!conn) {
		close(fd);
		return err_sys(err, ENOMEM, "connection");
	}
	evutil_make_socket_nonblocking(fd);
	conn->daemon = daemon;
	TAILQ_INSERT_TAIL(&daemon->conns, conn, link);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
		int r = err_sys(err, errno, "who is at the other end");

		close(fd);
		conn_free(conn);
		return r;
	}
	conn->pid = cred.pid;
	conn->uid = cred.uid;
	conn->gid = cred.gid;
	if (wire_new(fd, &conn->wire, err) < 0) {
		conn_free(conn);
		return -ENOMEM;
	}
	wire_refuse_fds(conn->wire);
	conn->read_event = event_new(daemon->base, fd, EV_READ | EV_PERSIST, conn_on_read, conn);
	conn->write_event = event_new(daemon->base, fd, EV_WRITE, conn_on_write, conn);
	if (!conn->read_event || !conn->write_event || event_add(conn->read_event, &patience) < 0) {
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
	if (conn->idle_job)
		conn->daemon->n_idle_shims--;
	job_free(conn->job);
	if (conn->read_event)
		event_free(conn->read_event);
	if (conn->write_event)
		event_free(conn->write_event);
	wire_free(conn->wire);
	TAILQ_REMOVE(&conn->daemon->conns, conn, link);
	free(conn);
}

void conn_send(struct conn *conn, const Vc__Msg *msg, const int *fds, size_t n_fds)
{
	struct vc_err err;

	if (conn->done)
		return;
	if (wire_send(conn->wire, msg, fds, n_fds, &err) < 0) {
		log_info("uid %u pid %d: %s", (unsigned)conn->uid, (int)conn->pid, err.text);
		conn->done = true;
	} else if (wire_pending(conn->wire)) {
		event_add(conn->write_event, NULL);
	}
}

static void conn_sent(struct conn *conn, int r)
{
	if (r < 0)
		conn->done = true;
	else if (wire_pending(conn->wire))
		event_add(conn->write_event, NULL);
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

static unsigned int listen_count(const struct daemon *daemon, uid_t uid)
{
	const struct conn *conn;
	unsigned int n = 0;

	TAILQ_FOREACH(conn, &daemon->conns, link)
	n += conn->uid == uid;
	return n;
}

static void listen_on_accept(evutil_socket_t listen_fd, short what, void *ctx)
{
	struct timeval rest = { .tv_usec = LISTEN_REST_USEC };
	struct daemon *daemon = ctx;
	struct conn *conn;
	struct vc_err err;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			log_warn("accept: %s; resting", strerror(errno));
			event_del(daemon->listen_event);
			event_add(daemon->listen_resume, &rest);
		}
		return;
	}
	if (conn_new(daemon, fd, &conn, &err) < 0) {
		log_warn("accept: %s", err.text);
		return;
	}
	if (conn->uid != 0 && listen_count(daemon, conn->uid) > LISTEN_PER_USER) {
		err_set(&err, EAGAIN, "user %u has %d connections to partition %s already",
			(unsigned)conn->uid, LISTEN_PER_USER, daemon->name);
		conn_error(conn, &err);
		conn_free(conn);
	}
}

static void listen_on_resume(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *daemon = ctx;

	event_add(daemon->listen_event, NULL);
}

int listen_open(struct daemon *daemon, struct vc_err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;

	if (snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s/vcd.sock", daemon->instance->dir,
		     daemon->name) >= (int)sizeof(addr.sun_path))
		return err_set(err, ENAMETOOLONG,
			       "%s/%s/vcd.sock: too long for a socket's path; choose a shorter "
			       "state directory",
			       daemon->instance->dir, daemon->name);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, errno, "socket");
	wire_accept_fds(fd, false);
	/* We hold the partition's lock: a socket that is there is a dead daemon's. */
	unlink(addr.sun_path);
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    chmod(addr.sun_path, 0666) < 0 || listen(fd, LISTEN_BACKLOG) < 0)
		return err_sys(err, errno, "%s", addr.sun_path);
	daemon->listen_fd = steal_fd(&fd);
	daemon->listen_event = event_new(daemon->base, daemon->listen_fd, EV_READ | EV_PERSIST,
					 listen_on_accept, daemon);
	daemon->listen_resume = evtimer_new(daemon->base, listen_on_resume, daemon);
	if (!daemon->listen_event || !daemon->listen_resume)
		return err_sys(err, ENOMEM, "%s", addr.sun_path);
	event_add(daemon->listen_event, NULL);
	return 0;
}

void listen_close(struct daemon *daemon)
{
	char path[PATH_MAX];

	while (!TAILQ_EMPTY(&daemon->conns))
		conn_free(TAILQ_FIRST(&daemon->conns));
	if (daemon->listen_event)
		event_free(daemon->listen_event);
	if (daemon->listen_resume)
		event_free(daemon->listen_resume);
	if (daemon->listen_fd >= 0) {
		snprintf(path, sizeof(path), "%s/%s/vcd.sock", daemon->instance->dir, daemon->name);
		unlink(path);
		close(daemon->listen_fd);
	}
}
