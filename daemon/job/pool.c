// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pool.c - shims started ahead of need
 *
 * Most of the cost of a start is the start of a shim: loading, reading the instance, and above all
 * the job's group. A process that changes its cgroup waits for the kernel's readers of that group,
 * 0.3 to 2 ms in each hierarchy. Therefore a shim is started in advance and waits in a group, which
 * gets the job's number at the start (partition/cgroup/idle.c). The pool has a few idle shims and
 * is filled again when the daemon is idle. A larger burst starts shims on demand.
 */
#include "daemon/job/pool.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/conn/conn.h"
#include "daemon/daemon.h"
#include "daemon/part.h"
#include "libmig/kernel/sight.h"
#include "partition/partition.h"

#define POOL_SIZE 4
#define POOL_FILL_USEC 2000
#define POOL_SHIM_FD 3

struct pool {
	const char *binary;
	struct cg_entry *group; /* of idle shims */
	struct event *event;
	struct conn *idle[POOL_SIZE + 1]; /* the oldest first; one more while it is taken */
	size_t n_idle;
};

static _Noreturn void pool_child(const struct daemon *daemon, int fd)
{
	char *argv[] = { (char *)"vcshim", NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGCHLD, SIG_DFL);
	setenv("VCRUN_STATE_DIR", daemon->instance->dir, 1);
	sight_hand_over();
	if (cg_entry_enter(daemon->pool->group) < 0)
		_exit(126);
	if (fd == POOL_SHIM_FD ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, POOL_SHIM_FD) < 0)
		_exit(126);
	execv(daemon->pool->binary, argv);
	_exit(127);
}

static void pool_remove(struct conn *conn)
{
	struct pool *pool = conn->daemon->pool;
	size_t i = 0;

	while (pool->idle[i] != conn)
		i++;
	memmove(&pool->idle[i], &pool->idle[i + 1], (--pool->n_idle - i) * sizeof(struct conn *));
	conn->idle = false;
	conn->on_free = NULL;
}

/* A new shim makes its group and enters it. */
static void pool_prepare(struct daemon *daemon, struct conn *conn)
{
	struct pool *pool = daemon->pool;
	Vc__Prepare body = VC__PREPARE__INIT;
	Vc__Msg msg = WIRE_MSG(PREPARE, prepare, &body);

	conn->idle = true;
	conn->on_free = pool_remove;
	pool->idle[pool->n_idle++] = conn;
	body.partition = (char *)daemon->name;
	conn_send(conn, &msg, NULL, 0);
}

static int pool_spawn(struct daemon *daemon, struct conn **ret, struct vc_err *err)
{
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
		pool_child(daemon, theirs);
	r = conn_new(daemon, pair[0], ret, err);
	if (r == 0)
		pool_prepare(daemon, *ret);
	return r;
}

static void pool_fill_later(struct pool *pool)
{
	struct timeval delay = { .tv_usec = POOL_FILL_USEC };

	if (!evtimer_pending(pool->event, NULL))
		event_add(pool->event, &delay);
}

/* One at a time, so that requests come in between. */
static void pool_on_fill(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *daemon = ctx;
	struct conn *conn;
	struct vc_err err;

	if (daemon->pool->n_idle >= POOL_SIZE)
		return;
	if (pool_spawn(daemon, &conn, &err) < 0)
		log_warn("%s", err.text);
	else
		pool_fill_later(daemon->pool);
}

static int pool_start(struct daemon *daemon, struct vc_err *err)
{
	struct pool *pool = daemon->pool = calloc(1, sizeof(*pool));
	const char *env = getenv("VCRUN_VCSHIM");
	int r;

	if (!pool)
		return err_sys(err, ENOMEM, "shims");
	pool->binary = env ? env : VC_LIBEXECDIR "/vcshim";
	if (access(pool->binary, X_OK) < 0)
		return err_sys(err, errno, "%s", pool->binary);
	if (!sight_get()->peek)
		log_warn("interrupted waits of moved jobs begin anew: %s", sight_get()->why.text);
	r = cg_entry_open(daemon->cg, PARTITION_SHIMS_GROUP, &pool->group, err);
	if (r < 0)
		return r;
	pool->event = evtimer_new(daemon->base, pool_on_fill, daemon);
	if (!pool->event)
		return err_sys(err, ENOMEM, "shims");
	pool_fill_later(pool);
	return 0;
}

static void pool_stop(struct daemon *daemon)
{
	struct pool *pool = daemon->pool;

	if (!pool)
		return;
	while (pool->n_idle > 0)
		conn_free(pool->idle[0]);
	if (pool->event)
		event_free(pool->event);
	cg_entry_free(pool->group);
	free(pool);
	daemon->pool = NULL;
}

int pool_take(struct daemon *daemon, struct conn **ret, uint32_t *ret_job, struct vc_err *err)
{
	struct pool *pool = daemon->pool;
	struct conn *conn;
	int r = pool->n_idle > 0 ? 0 : pool_spawn(daemon, &conn, err);

	if (r < 0)
		return r;
	conn = pool->idle[0];
	pool_remove(conn);
	/* The number is taken now, so that numbers are in the order of starts in all partitions. */
	*ret_job = board_next_job(daemon->board);
	pool_fill_later(pool);
	*ret = conn;
	return 0;
}

const struct part pool_part = { "pool", pool_start, pool_stop };
