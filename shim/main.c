// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * main.c - vcshim: the long-lived parent of one job
 *
 * Started idle by its daemon with a connection on a descriptor; a Start message
 * gives it its job. From then on it needs nobody: it waits for the job, passes
 * signals and the exit status between job and vcrun, moves the job when told, and
 * redials the daemon of its partition for as long as that takes. It ends with the job.
 */
#include "shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/log.h"
#include "common/statedir.h"
#include "wire/locate.h"

#define SHIM_DAEMON_FD 3
#define SHIM_REDIAL_USEC 100000

static void shim_on_daemon(evutil_socket_t fd, short what, void *ctx);

/* The daemon's connection. */

static void shim_drop_daemon(struct shim *shim)
{
	if (!shim->daemon)
		return;
	if (shim->daemon_event)
		event_free(shim->daemon_event);
	if (shim->daemon_write_event)
		event_free(shim->daemon_write_event);
	wire_free(shim->daemon);
	shim->daemon = NULL;
	client_confirmed(shim);
}

static void shim_on_daemon_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct shim *shim = ctx;

	if (wire_flush(shim->daemon) == -EAGAIN)
		event_add(shim->daemon_write_event, NULL);
}

/* The shim owns the connection from here on, also on failure. */
static int shim_use_daemon(struct shim *shim, struct wire *wire)
{
	shim->daemon = wire;
	evutil_make_socket_nonblocking(wire_fd(wire));
	shim->daemon_event =
		event_new(shim->base, wire_fd(wire), EV_READ | EV_PERSIST, shim_on_daemon, shim);
	shim->daemon_write_event =
		event_new(shim->base, wire_fd(wire), EV_WRITE, shim_on_daemon_writable, shim);
	if (!shim->daemon_event || !shim->daemon_write_event) {
		shim_drop_daemon(shim);
		return -ENOMEM;
	}
	event_add(shim->daemon_event, NULL);
	return 0;
}

static void shim_redial_later(struct shim *shim)
{
	struct timeval delay = { .tv_usec = SHIM_REDIAL_USEC };

	event_add(shim->retry, &delay);
}

/*
 * What the daemon has sent on a connection that is to be closed is kept. From the shutdown on
 * its sends fail, so each order is either read here or known to the daemon as not sent.
 */
static void shim_keep_orders(struct shim *shim)
{
	struct order *order = NULL;

	if (!shim->daemon || shutdown(wire_fd(shim->daemon), SHUT_RD) < 0)
		return;
	while ((order = calloc(1, sizeof(*order))) &&
	       wire_recv(shim->daemon, &order->msg, NULL) == 0)
		STAILQ_INSERT_TAIL(&shim->orders, order, link);
	free(order);
	if (!STAILQ_EMPTY(&shim->orders))
		event_active(shim->orders_event, EV_TIMEOUT, 0);
}

void shim_join(struct shim *shim, struct wire *wire)
{
	shim_keep_orders(shim);
	shim_drop_daemon(shim);
	if (shim_use_daemon(shim, wire) < 0) {
		shim_redial_later(shim);
		return;
	}
	record_send(shim);
}

/* Connects to the daemon of the job's partition and tells it of the job. */
static void shim_dial(struct shim *shim)
{
	struct wire *wire;

	shim_keep_orders(shim);
	shim_drop_daemon(shim);
	if (locate_connect(shim->instance->dir, shim->partition, 0, &wire, NULL) < 0) {
		shim_redial_later(shim);
		return;
	}
	shim_join(shim, wire);
}

static void shim_on_retry(evutil_socket_t fd, short what, void *ctx)
{
	shim_dial(ctx);
}

static void shim_on_unpark(evutil_socket_t fd, short what, void *ctx)
{
	shim_try_unpark(ctx);
}

void shim_set_state(struct shim *shim, Vc__State state)
{
	shim->state = state;
	record_send(shim);
}

/* The command that waits for the answer; NULL: none does. */
static struct wire *shim_take_command(struct wire_msg *msg)
{
	struct wire *command = NULL;

	if (msg->n_fds == 1) {
		wire_new(msg->fds[0], &command, NULL);
		msg->fds[0] = -1;
	}
	return command;
}

static void shim_move_from(struct shim *shim, struct wire_msg *msg)
{
	struct wire *command = shim_take_command(msg);

	shim_move(shim, msg->msg->move, command);
	wire_free(command);
}

static void shim_signal_from(struct shim *shim, struct wire_msg *msg)
{
	const struct signal_order order = { .signal = msg->msg->signal->signal,
					    .group = msg->msg->signal->group,
					    .everything = msg->msg->signal->everything };
	struct wire *command = shim_take_command(msg);
	struct vc_err err;
	bool held;
	int r = signal_take(shim, &order, &held, &err);

	if (command && r < 0)
		wire_send_error(command, &err, 1);
	else if (command)
		wire_send_note(command,
			       held ? "it is parked, and gets the signal when it runs again"
				    : NULL);
	wire_free(command);
}

static void shim_handle(struct shim *shim, struct wire_msg *msg)
{
	struct vc_err err;

	switch (msg->msg->body_case) {
	case VC__MSG__BODY_PREPARE:
		if (job_prepare(shim, msg->msg->prepare, &err) < 0)
			log_warn("job %u: %s", shim->job, err.text);
		break;
	case VC__MSG__BODY_START:
		if (job_start(shim, msg, &err) < 0)
			log_info("job %u: %s", shim->job, err.text);
		break;
	case VC__MSG__BODY_MOVE:
		job_leave_group(shim);
		if (shim->start)
			shim_move_from(shim, msg);
		break;
	case VC__MSG__BODY_SIGNAL:
		if (shim->start)
			shim_signal_from(shim, msg);
		break;
	case VC__MSG__BODY_OK:
		client_confirmed(shim);
		break;
	default:
		log_warn("message %d from the daemon is none for a shim", msg->msg->body_case);
		break;
	}
}

static void shim_on_orders(evutil_socket_t fd, short what, void *ctx)
{
	struct shim *shim = ctx;
	struct order *order;

	while ((order = STAILQ_FIRST(&shim->orders))) {
		STAILQ_REMOVE_HEAD(&shim->orders, link);
		shim_handle(shim, &order->msg);
		wire_msg_done(&order->msg);
		free(order);
	}
}

static void shim_on_daemon(evutil_socket_t fd, short what, void *ctx)
{
	struct shim *shim = ctx;
	struct wire *wire = shim->daemon;

	/* A move changes the connection under our feet. */
	while (shim->daemon == wire) {
		struct wire_msg msg;
		struct vc_err err;
		int r = wire_recv(shim->daemon, &msg, &err);

		if (r == -EAGAIN)
			return;
		if (r < 0) {
			shim_drop_daemon(shim);
			if (!shim->start)
				job_end(shim);
			else
				shim_redial_later(shim);
			return;
		}
		shim_handle(shim, &msg);
		wire_msg_done(&msg);
	}
}

static void shim_init(struct shim *shim)
{
	struct event *child;
	struct wire *wire;
	struct vc_err err;

	if (instance_open(statedir_choose(NULL), &shim->instance, &err) < 0)
		fatal("%s", err.text);
	if (cg_open(NULL, shim->instance->cgroup_base, &shim->cg, &err) < 0)
		fatal("%s", err.text);
	shim->base = event_base_new();
	if (!shim->base || wire_new(SHIM_DAEMON_FD, &wire, &err) < 0)
		fatal("out of memory");
	fcntl(SHIM_DAEMON_FD, F_SETFD, FD_CLOEXEC);
	if (shim_use_daemon(shim, wire) < 0)
		fatal("out of memory");
	shim->retry = evtimer_new(shim->base, shim_on_retry, shim);
	shim->settle = evtimer_new(shim->base, job_on_settle, shim);
	shim->unpark = evtimer_new(shim->base, shim_on_unpark, shim);
	shim->orders_event = evtimer_new(shim->base, shim_on_orders, shim);
	STAILQ_INIT(&shim->orders);
	child = evsignal_new(shim->base, SIGCHLD, job_on_child, shim);
	shim->keys[0] = evsignal_new(shim->base, SIGINT, signal_on_key, shim);
	shim->keys[1] = evsignal_new(shim->base, SIGQUIT, signal_on_key, shim);
	if (!shim->retry || !shim->settle || !shim->unpark || !shim->orders_event || !child ||
	    !shim->keys[0] || !shim->keys[1])
		fatal("out of memory");
	event_add(child, NULL);
	shim->child_event = child;
	event_add(shim->keys[0], NULL);
	event_add(shim->keys[1], NULL);
}

static void shim_done(struct shim *shim)
{
	client_drop(shim);
	shim_drop_daemon(shim);
	if (shim->report_event)
		event_free(shim->report_event);
	event_free(shim->retry);
	event_free(shim->settle);
	event_free(shim->unpark);
	event_free(shim->orders_event);
	event_free(shim->child_event);
	event_free(shim->keys[0]);
	event_free(shim->keys[1]);
	event_base_free(shim->base);
	if (shim->start)
		vc__start__free_unpacked(shim->start, NULL);
	free(shim->held);
	if (shim->report_fd >= 0)
		close(shim->report_fd);
	if (shim->master_fd >= 0)
		close(shim->master_fd);
	cg_free(shim->cg);
	instance_free(shim->instance);
}

/* The keys of who brought vcrun up are not the job's. What replaces them is empty, this
 * job's alone, and passed on to it with each restore too. */
static void shim_leave_keyring(void)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS &&
	    errno != EPERM)
		fatal("a session keyring of its own: %s", strerror(errno));
}

/* SIGTERM to all in the job's group is for the job, and the shim may still be there.
 * Not SIG_IGN, which criu would inherit: it ends a helper of its own with SIGTERM, and
 * then waits for it. */
static void shim_on_term(int signal)
{
}

int main(int argc, char **argv)
{
	/* The keys of a terminal can reach us: its session is ours, and the job may put us
	 * into its foreground. */
	static const int ignored[] = {
		SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU
	};
	struct shim shim = { .master_fd = -1, .report_fd = -1, .room_fd = -1, .unified = -1 };

	log_open("vcshim", LOG_LEVEL_INFO);
	log_bound();
	if (argc != 1 || fcntl(SHIM_DAEMON_FD, F_GETFD) < 0)
		fatal("vcshim is started by vcd, not by hand");
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGTERM, shim_on_term);
	setsid();
	shim_leave_keyring();
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	file_write(AT_FDCWD, "/proc/self/oom_score_adj", "-1000");
	shim_init(&shim);
	event_base_dispatch(shim.base);
	shim_done(&shim);
	return 0;
}
