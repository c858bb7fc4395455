// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * kept.c - a connection that a program keeps for a burst of requests about IPC objects
 *
 * A connection has the rights that its maker had when it was made. The program can give up rights
 * later. It can also be replaced: by exec, by another process with its PID, by a move. So the
 * kernel names the sender of each message after the first, and a pidfd tells whether the process
 * lives. If either has changed, the daemon refuses the message (-ESTALE) and does nothing, and the
 * program connects again. Groups do not come with a message. They count for the first one only. If
 * a later one is refused, the program repeats it with a new connection (ipcmap/door/conn.c).
 *
 * A program cannot know that a request was its last one, so the daemon ends an idle connection. It
 * first stops receiving and then serves the received messages. So every message that the program
 * could send is answered, and no other has been carried out.
 */
#include "daemon/conn/kept.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/proc.h"
#include "daemon/conn/conn.h"
#include "daemon/daemon.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* Returns a pidfd of the process, or -errno. Since Linux 6.5 the socket knows the process. */
static int kept_pidfd(const struct conn *conn)
{
	socklen_t len = sizeof(int);
	int pidfd;

	if (getsockopt(wire_fd(conn->wire), SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) < 0) {
		if (errno != ENOPROTOOPT)
			return -errno;
		pidfd = (int)syscall(SYS_pidfd_open, conn->pid, 0);
	}
	return pidfd < 0 ? -errno : pidfd;
}

static bool kept_lives(const struct conn *conn)
{
	return syscall(SYS_pidfd_send_signal, conn->pidfd, 0, NULL, 0) == 0;
}

static int kept_stale(struct vc_err *err)
{
	return err_set(
		err, ESTALE,
		"the process that made this connection has ended or changed its user; connect "
		"anew");
}

static bool kept_is_idle(const struct conn *conn)
{
	return conn->kept && !conn->turn.ready && !conn->answer && !wire_pending(conn->wire);
}

/* Ends an idle connection, unless a message has just come. Returns true if conn is gone. */
static bool kept_retire(struct conn *conn)
{
	int bytes = 0;

	if (!kept_is_idle(conn))
		return false;
	shutdown(wire_fd(conn->wire), SHUT_RD);
	if (ioctl(wire_fd(conn->wire), FIONREAD, &bytes) < 0 || bytes == 0) {
		conn_free(conn);
		return true;
	}
	conn_queue(conn);
	return false;
}

/* The client asks again. Until then an idle connection may have made room. */
static int kept_full(struct daemon *daemon, struct vc_err *err)
{
	kept_retire_one(daemon, NULL);
	return err_set(err, EAGAIN, "partition %s: its daemon has no descriptor left",
		       daemon->name);
}

/* Admits the first message. */
static int kept_begin(struct conn *conn, struct vc_err *err)
{
	int pidfd;

	if (conn->pid <= 0)
		return 0;
	pidfd = kept_pidfd(conn);
	if (pidfd == -EMFILE || pidfd == -ENFILE)
		return kept_full(conn->daemon, err);
	if (pidfd < 0)
		return kept_stale(err);
	closep(&conn->pidfd);
	conn->pidfd = pidfd;
	/* Identifies the process by its PID, which it must still have afterwards. */
	conn->start = proc_identity(conn->pid, NULL);
	if (!kept_lives(conn))
		return kept_stale(err);
	if (!conn->start)
		return kept_full(conn->daemon, err);
	wire_ask_sender(conn->wire);
	wire_read_ahead(conn->wire);
	conn->kept = true;
	conn->on_idle = kept_retire;
	return 0;
}

int kept_admit(struct conn *conn, const struct wire_msg *msg, struct vc_err *err)
{
	if (!conn->kept)
		return kept_begin(conn, err);
	if (msg->sender.pid != conn->pid || msg->sender.uid != conn->uid ||
	    msg->sender.gid != conn->gid || !kept_lives(conn))
		return kept_stale(err);
	conn->used = true;
	return 0;
}

bool kept_retire_one(struct daemon *daemon, const struct turn_user *user)
{
	struct conn *conn;

	TAILQ_FOREACH(conn, &daemon->conns, link)
		if ((!user || conn->turn.user == user) && kept_retire(conn))
			return true;
	return false;
}
