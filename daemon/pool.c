// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pool.c - shims started ahead of need
 *
 * Most of what a start costs is a shim's own start-up: loading, reading the
 * instance, and above all the job's group: a process that changes its cgroup
 * waits for the kernel's readers of that group, 0.3 to 2 ms in each hierarchy. So
 * a shim is started ahead and waits inside of a group, which gets the job's number
 * at the start (partition/cgroup/idle.c). The pool holds a few idle shims and is
 * filled up again when the daemon has nothing better to do; a burst beyond it starts
 * shims on demand.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "libmig/kernel/sight.h"
#include "partition/partition.h"

#define POOL_SIZE 4
#define POOL_FILL_USEC 2000
#define POOL_SHIM_FD 3

static _Noreturn void pool_child(const struct daemon *daemon, const char *binary, int fd)
{
	char *argv[] = { (char *)"vcshim", NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGCHLD, SIG_DFL);
	setenv("VCRUN_STATE_DIR", daemon->instance->dir, 1);
	sight_hand_over();
	if (cg_entry_enter(daemon->shims_entry) < 0)
		_exit(126);
	if (fd == POOL_SHIM_FD ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, POOL_SHIM_FD) < 0)
		_exit(126);
	execv(binary, argv);
	_exit(127);
}

/* Has a fresh shim make and enter a group now. */
static void pool_prepare(struct daemon *daemon, struct conn *conn)
{
	Vc__Prepare body = VC__PREPARE__INIT;
	Vc__Msg msg = VC__MSG__INIT;

	conn->idle = true;
	daemon->n_idle_shims++;
	body.partition = (char *)daemon->name;
	msg.body_case = VC__MSG__BODY_PREPARE;
	msg.prepare = &body;
	conn_send(conn, &msg, NULL, 0);
}

static int pool_spawn(struct daemon *daemon, struct conn **ret, struct vc_err *err)
{
	const char *env = getenv("VCRUN_VCSHIM"), *binary = env ? env : VC_LIBEXECDIR "/vcshim";
	_cleanup_close_ int theirs = -1;
	int pair[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "start a shim: socketpair");
	theirs = pair[1];
	pid = fork();
	if (pid < 0) {
		r = err_sys(err, errno, "start a shim: fork");
		close(pair[0]);
		return r;
	}
	if (pid == 0)
		pool_child(daemon, binary, theirs);
	r = conn_new(daemon, pair[0], ret, err);
	if (r == 0)
		pool_prepare(daemon, *ret);
	return r;
}

static void pool_fill_later(struct daemon *daemon)
{
	struct timeval delay = { .tv_usec = POOL_FILL_USEC };

	if (!evtimer_pending(daemon->pool_event, NULL))
		event_add(daemon->pool_event, &delay);
}

/* One at a time, so that requests come in between. */
static void pool_on_fill(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *daemon = ctx;
	struct conn *conn;
	struct vc_err err;

	if (daemon->n_idle_shims >= POOL_SIZE)
		return;
	if (pool_spawn(daemon, &conn, &err) < 0)
		log_warn("%s", err.text);
	else
		pool_fill_later(daemon);
}

int pool_start(struct daemon *daemon, struct vc_err *err)
{
	const char *env = getenv("VCRUN_VCSHIM"), *binary = env ? env : VC_LIBEXECDIR "/vcshim";
	int r;

	if (access(binary, X_OK) < 0)
		return err_sys(err, errno, "%s", binary);
	if (!sight_get()->peek)
		log_warn("interrupted waits of moved jobs begin anew: %s", sight_get()->why.text);
	r = cg_entry_open(daemon->cg, PARTITION_SHIMS_GROUP, &daemon->shims_entry, err);
	if (r < 0)
		return r;
	daemon->pool_event = evtimer_new(daemon->base, pool_on_fill, daemon);
	if (!daemon->pool_event)
		return err_sys(err, ENOMEM, "shims");
	pool_fill_later(daemon);
	return 0;
}

void pool_stop(struct daemon *daemon)
{
	if (daemon->pool_event)
		event_free(daemon->pool_event);
	daemon->pool_event = NULL;
	cg_entry_free(daemon->shims_entry);
}

int pool_take(struct daemon *daemon, struct conn **ret, uint32_t *ret_job, struct vc_err *err)
{
	struct conn *conn;

	TAILQ_FOREACH(conn, &daemon->conns, link)
		if (conn->idle)
			break;
	if (!conn) {
		int r = pool_spawn(daemon, &conn, err);

		if (r < 0)
			return r;
	}
	/* Now, so that numbers are in the order of starts, over all partitions. */
	*ret_job = board_next_job(daemon->board);
	conn->idle = false;
	daemon->n_idle_shims--;
	pool_fill_later(daemon);
	*ret = conn;
	return 0;
}
