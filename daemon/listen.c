// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * listen.c - the socket: who may connect
 *
 * The socket is open to everybody; what a caller may do is decided by its
 * credentials, which the kernel vouches for. One user can have only so many connections, and when
 * descriptors run short the listener rests for a moment instead of spinning.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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
#define LISTEN_AT_ONCE 32 /* connections that are accepted before anything else is done */

/* 0, or -errno of accept(2); what becomes of the connection does not matter. */
static int listen_accept(struct daemon *daemon)
{
	struct conn *conn;
	struct vc_err err;
	int fd = accept4(daemon->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (conn_new(daemon, fd, &conn, &err) < 0) {
		log_warn("accept: %s", err.text);
		return 0;
	}
	if (conn->uid != 0 && conn->user->n_conns > LISTEN_PER_USER &&
	    !kept_retire_one(daemon, conn->user)) {
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
	int r = 0;

	for (int i = 0; r == 0 && i < LISTEN_AT_ONCE; i++)
		r = listen_accept(daemon);
	if (r == -EMFILE && kept_retire_one(daemon, NULL)) {
		event_active(daemon->listen_event, EV_READ, 0);
	} else if (r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -ENOBUFS) {
		log_warn("accept: %s; resting", strerror(-r));
		event_del(daemon->listen_event);
		event_add(daemon->listen_resume, &rest);
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
