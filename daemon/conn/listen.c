// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * listen.c - the socket: who may connect
 *
 * Every user can connect. The credentials of a caller, which come from the kernel, decide what it
 * may do. The number of a user's connections is limited. If descriptors run short, the listener
 * pauses for a moment.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/conn/conn.h"
#include "daemon/conn/kept.h"
#include "daemon/daemon.h"
#include "daemon/part.h"
#include "wire/locate.h"

#define LISTEN_BACKLOG 1024
#define LISTEN_PER_USER 256
#define LISTEN_REST_USEC 100000
#define LISTEN_AT_ONCE 32 /* connections that are accepted before other events are handled */

struct listener {
	int fd;
	struct event *event, *resume;
};

/* Returns 0, or -errno of accept(2). A connection that fails after that is not an error here. */
static int listen_accept(struct daemon *daemon)
{
	struct conn *conn;
	struct vc_err err;
	int fd = accept4(daemon->listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (conn_new(daemon, fd, &conn, &err) < 0) {
		log_warn("accept: %s", err.text);
		return 0;
	}
	if (conn->uid != 0 && turn_count_conns(&conn->turn) > LISTEN_PER_USER &&
	    !kept_retire_one(daemon, conn->turn.user)) {
		err_set(&err, EAGAIN, "user %u has %d connections to partition %s already",
			(unsigned)conn->uid, LISTEN_PER_USER, daemon->name);
		conn_error(conn, &err);
		conn_free(conn);
	}
	return 0;
}

static void listen_on_accept(evutil_socket_t listen_fd, short what, void *ctx)
{
	struct timeval rest = { .tv_usec = LISTEN_REST_USEC };
	struct daemon *daemon = ctx;
	struct listener *listener = daemon->listener;
	int r = 0;

	for (int i = 0; r == 0 && i < LISTEN_AT_ONCE; i++)
		r = listen_accept(daemon);
	if (r == -EMFILE && kept_retire_one(daemon, NULL)) {
		event_active(listener->event, EV_READ, 0);
	} else if (r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -ENOBUFS) {
		log_warn("accept: %s; resting", strerror(-r));
		event_del(listener->event);
		event_add(listener->resume, &rest);
	}
}

static void listen_on_resume(evutil_socket_t fd, short what, void *ctx)
{
	struct listener *listener = ctx;

	event_add(listener->event, NULL);
}

static int listen_bind(const struct daemon *daemon, struct vc_err *err)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un addr;
	int r = locate_socket(daemon->instance->dir, daemon->name, &addr, err);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, errno, "socket");
	wire_accept_fds(fd, false);
	/* This daemon has the partition's lock, so an existing socket is a dead daemon's. */
	unlink(addr.sun_path);
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    chmod(addr.sun_path, 0666) < 0 || listen(fd, LISTEN_BACKLOG) < 0)
		return err_sys(err, errno, "%s", addr.sun_path);
	return steal_fd(&fd);
}

static int listen_start(struct daemon *daemon, struct vc_err *err)
{
	struct listener *listener = daemon->listener = calloc(1, sizeof(*listener));

	if (!listener)
		return err_sys(err, ENOMEM, "socket");
	listener->fd = listen_bind(daemon, err);
	if (listener->fd < 0)
		return listener->fd;
	listener->event = event_new(daemon->base, listener->fd, EV_READ | EV_PERSIST,
				    listen_on_accept, daemon);
	listener->resume = evtimer_new(daemon->base, listen_on_resume, listener);
	if (!listener->event || !listener->resume)
		return err_sys(err, ENOMEM, "socket");
	event_add(listener->event, NULL);
	return 0;
}

static void listen_stop(struct daemon *daemon)
{
	struct listener *listener = daemon->listener;
	struct sockaddr_un addr;

	while (!TAILQ_EMPTY(&daemon->conns))
		conn_free(TAILQ_FIRST(&daemon->conns));
	if (!listener)
		return;
	if (listener->event)
		event_free(listener->event);
	if (listener->resume)
		event_free(listener->resume);
	if (listener->fd >= 0) {
		if (locate_socket(daemon->instance->dir, daemon->name, &addr, NULL) == 0)
			unlink(addr.sun_path);
		close(listener->fd);
	}
	free(listener);
	daemon->listener = NULL;
}

const struct part listen_part = { "listen", listen_start, listen_stop };
