// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * client.c - the vcrun that waits for the job
 *
 * Its socket came with the Start message. It hands over the program's descriptors, is told
 * what becomes of the program, and tells which signals and window sizes to pass on. It may
 * vanish at any time.
 */
#include "shim/shim.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"

void client_drop(struct shim *shim)
{
	if (!shim->client)
		return;
	if (shim->client_event)
		event_free(shim->client_event);
	wire_free(shim->client);
	shim->client = NULL;
}

static void client_tell(struct shim *shim, Vc__Msg *msg, const int *fds, size_t n_fds)
{
	if (shim->client && wire_send(shim->client, msg, fds, n_fds, NULL) < 0)
		client_drop(shim);
}

void client_ready(struct shim *shim)
{
	Vc__Ready body = VC__READY__INIT;
	Vc__Msg msg = WIRE_MSG(READY, ready, &body);

	client_tell(shim, &msg, NULL, 0);
}

void client_started(struct shim *shim)
{
	Vc__Started body = VC__STARTED__INIT;
	Vc__Msg msg = WIRE_MSG(STARTED, started, &body);

	body.job = shim->job;
	body.pid = shim->program;
	client_tell(shim, &msg, &shim->master_fd, shim->master_fd >= 0);
	shim->unconfirmed = false;
	if (shim->start->run->detach)
		client_drop(shim);
}

void client_confirmed(struct shim *shim)
{
	if (shim->unconfirmed)
		client_started(shim);
}

void client_stopped(struct shim *shim, int signal)
{
	Vc__Stopped body = VC__STOPPED__INIT;
	Vc__Msg msg = WIRE_MSG(STOPPED, stopped, &body);

	body.signal = signal;
	client_tell(shim, &msg, NULL, 0);
}

void client_exited(struct shim *shim)
{
	Vc__Exited body = VC__EXITED__INIT;
	Vc__Msg msg = WIRE_MSG(EXITED, exited, &body);

	client_confirmed(shim);
	body.status = shim->status;
	client_tell(shim, &msg, NULL, 0);
	client_drop(shim);
}

static void client_resize(struct shim *shim, const Vc__Resize *request)
{
	struct winsize size = { .ws_row = (unsigned short)request->rows,
				.ws_col = (unsigned short)request->cols };

	if (shim->master_fd >= 0)
		ioctl(shim->master_fd, TIOCSWINSZ, &size);
}

static void client_signal(struct shim *shim, const Vc__Signal *request)
{
	const struct signal_order order = { .signal = request->signal, .group = request->group };
	bool held;

	signal_take(shim, &order, &held, NULL);
}

/*
 * The command is gone without a word. A job without a terminal goes on alone; one
 * with a terminal gets what a vanished terminal gives: a hangup. The kernel signals
 * that to the session's leader only, and leaves the rest to the leader's end; ours is
 * vcinit, which lives on, so the foreground is told from here.
 */
static void client_gone(struct shim *shim)
{
	pid_t foreground;
	bool held;

	client_drop(shim);
	if (shim->state == VC__STATE__STARTING)
		job_end(shim);
	if (shim->master_fd < 0)
		return;
	log_info("job %u: its terminal is gone", shim->job);
	foreground = tcgetpgrp(shim->master_fd);
	close(steal_fd(&shim->master_fd));
	if (shim->state == VC__STATE__PARKED) {
		signal_take(shim, &(struct signal_order){ .signal = SIGHUP }, &held, NULL);
	} else if (foreground > 1) {
		signal_kill(shim, -foreground, SIGHUP);
		signal_kill(shim, -foreground, SIGCONT);
	}
}

static void client_on_read(evutil_socket_t fd, short what, void *ctx)
{
	struct shim *shim = ctx;

	while (shim->client) {
		struct wire_msg msg;
		int r = wire_recv(shim->client, &msg, NULL);

		if (r == -EAGAIN)
			return;
		if (r < 0) {
			client_gone(shim);
			return;
		}
		if (msg.msg->body_case == VC__MSG__BODY_SIGNAL)
			client_signal(shim, msg.msg->signal);
		else if (msg.msg->body_case == VC__MSG__BODY_STDIO &&
			 shim->state == VC__STATE__STARTING)
			job_begin(shim, msg.fds, msg.n_fds);
		else if (msg.msg->body_case == VC__MSG__BODY_RESIZE)
			client_resize(shim, msg.msg->resize);
		wire_msg_done(&msg);
	}
}

int client_open(struct shim *shim, int fd, struct vc_err *err)
{
	int r = wire_new(fd, &shim->client, err);

	if (r < 0)
		return r;
	evutil_make_socket_nonblocking(fd);
	/* As the daemon's it took no descriptors. */
	wire_accept_fds(fd, true);
	shim->client_event = event_new(shim->base, fd, EV_READ | EV_PERSIST, client_on_read, shim);
	if (!shim->client_event || event_add(shim->client_event, NULL) < 0)
		return err_sys(err, ENOMEM, "connection");
	return 0;
}
