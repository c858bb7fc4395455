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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "partition/partition.h"
#include "shim/launch.h"
#include "shim/report.h"

#define SHIM_DAEMON_FD 3
#define SHIM_REDIAL_USEC 100000
#define SHIM_ARGV_BYTES 4096
#define SHIM_KILL_USEC 10000000u
/* When to leave the job's group: later than most short programs run. */
#define SHIM_SETTLE_USEC 50000

static void shim_on_daemon(evutil_socket_t fd, short what, void *ctx);
static void shim_on_client(evutil_socket_t fd, short what, void *ctx);

/* The daemon's connection. */

static void shim_drop_daemon(struct shim *shim)
{
	if (!shim->daemon)
		return;
	event_free(shim->daemon_event);
	event_free(shim->daemon_write_event);
	wire_free(shim->daemon);
	shim->daemon = NULL;
}

static void shim_on_daemon_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct shim *shim = ctx;

	if (wire_flush(shim->daemon) == -EAGAIN)
		event_add(shim->daemon_write_event, NULL);
}

static void shim_use_daemon(struct shim *shim, struct wire *wire)
{
	shim->daemon = wire;
	evutil_make_socket_nonblocking(wire_fd(wire));
	shim->daemon_event =
		event_new(shim->base, wire_fd(wire), EV_READ | EV_PERSIST, shim_on_daemon, shim);
	shim->daemon_write_event =
		event_new(shim->base, wire_fd(wire), EV_WRITE, shim_on_daemon_writable, shim);
	if (!shim->daemon_event || !shim->daemon_write_event)
		fatal("out of memory");
	event_add(shim->daemon_event, NULL);
}

static void shim_redial_later(struct shim *shim)
{
	struct timeval delay = { .tv_usec = SHIM_REDIAL_USEC };

	event_add(shim->retry, &delay);
}

/* Connects to the daemon of the job's partition and tells it of the job. */
void shim_dial(struct shim *shim)
{
	char path[PATH_MAX];
	struct wire *wire;

	shim_drop_daemon(shim);
	snprintf(path, sizeof(path), "%s/%s/vcd.sock", shim->instance->dir, shim->partition);
	if (wire_connect(path, &wire, NULL) < 0) {
		shim_redial_later(shim);
		return;
	}
	shim_use_daemon(shim, wire);
	record_send(shim);
}

static void shim_on_retry(evutil_socket_t fd, short what, void *ctx)
{
	shim_dial(ctx);
}

static void shim_on_settle(evutil_socket_t fd, short what, void *ctx)
{
	shim_leave_group(ctx);
}

static void shim_on_unpark(evutil_socket_t fd, short what, void *ctx)
{
	shim_try_unpark(ctx);
}

void shim_set_state(struct shim *shim, enum job_state state)
{
	shim->state = state;
	record_send(shim);
}

/* The vcrun that waits. */

static void shim_drop_client(struct shim *shim)
{
	if (!shim->client)
		return;
	event_free(shim->client_event);
	wire_free(shim->client);
	shim->client = NULL;
}

static void shim_tell_client(struct shim *shim, Vc__Msg *msg, const int *fds, size_t n_fds)
{
	if (shim->client && wire_send(shim->client, msg, fds, n_fds, NULL) < 0)
		shim_drop_client(shim);
}

static void shim_tell_started(struct shim *shim)
{
	Vc__Started body = VC__STARTED__INIT;
	Vc__Msg msg = VC__MSG__INIT;

	body.job = shim->job;
	body.pid = shim->program;
	msg.body_case = VC__MSG__BODY_STARTED;
	msg.started = &body;
	shim_tell_client(shim, &msg, &shim->master_fd, shim->master_fd >= 0);
}

static void shim_tell_stopped(struct shim *shim, int signal)
{
	Vc__Stopped body = VC__STOPPED__INIT;
	Vc__Msg msg = VC__MSG__INIT;

	body.signal = signal;
	msg.body_case = VC__MSG__BODY_STOPPED;
	msg.stopped = &body;
	shim_tell_client(shim, &msg, NULL, 0);
}

static void shim_tell_exited(struct shim *shim)
{
	Vc__Exited body = VC__EXITED__INIT;
	Vc__Msg msg = VC__MSG__INIT;

	body.status = shim->status;
	msg.body_case = VC__MSG__BODY_EXITED;
	msg.exited = &body;
	shim_tell_client(shim, &msg, NULL, 0);
	shim_drop_client(shim);
}

/* The program's fate is known: from vcinit's report, or because vcinit is gone. */
static void shim_program_ended(struct shim *shim, int status)
{
	if (shim->program_ended)
		return;
	shim->program_ended = true;
	shim->status = status;
	shim_tell_exited(shim);
}

static void shim_signal(struct shim *shim, const Vc__Signal *request)
{
	if (shim->program_ended || request->signal <= 0 || request->signal >= _NSIG)
		return;
	if (request->everything) {
		char group[64];
		pid_t *pids = NULL;
		size_t n = 0;

		partition_job_group(shim->partition, shim->job, group, sizeof(group));
		if (cg_pids(shim->cg, group, &pids, &n, NULL) == 0)
			for (size_t i = 0; i < n; i++)
				if (pids[i] != shim->root)
					kill(pids[i], request->signal);
		free(pids);
	} else {
		kill(request->group ? -shim->program : shim->program, request->signal);
	}
}

static void shim_resize(struct shim *shim, const Vc__Resize *request)
{
	struct winsize size = { .ws_row = (unsigned short)request->rows,
				.ws_col = (unsigned short)request->cols };

	if (shim->master_fd >= 0)
		ioctl(shim->master_fd, TIOCSWINSZ, &size);
}

/* The command is gone without a word. A job without a terminal goes on alone; one
 * with a terminal gets what a vanished terminal gives: a hangup. */
static void shim_client_gone(struct shim *shim)
{
	shim_drop_client(shim);
	if (shim->master_fd < 0)
		return;
	log_info("job %u: its terminal is gone", shim->job);
	close(steal_fd(&shim->master_fd));
}

static void shim_on_client(evutil_socket_t fd, short what, void *ctx)
{
	struct shim *shim = ctx;

	while (shim->client) {
		struct wire_msg msg;
		int r = wire_recv(shim->client, &msg, NULL);

		if (r == -EAGAIN)
			return;
		if (r < 0) {
			shim_client_gone(shim);
			return;
		}
		if (msg.msg->body_case == VC__MSG__BODY_SIGNAL)
			shim_signal(shim, msg.msg->signal);
		else if (msg.msg->body_case == VC__MSG__BODY_RESIZE)
			shim_resize(shim, msg.msg->resize);
		wire_msg_done(&msg);
	}
}

/* The job. */

/*
 * Before there is a job: makes its group, and waits inside of it, so that the job
 * is born there. shim_leave_group() is the way out, once the job runs and nobody
 * waits for an answer.
 */
static int shim_prepare(struct shim *shim, const Vc__Prepare *prepare, struct vc_err *err)
{
	char group[64];
	int r;

	shim->job = prepare->job;
	snprintf(shim->partition, sizeof(shim->partition), "%s", prepare->partition);
	partition_job_group(shim->partition, shim->job, group, sizeof(group));
	r = cg_create(shim->cg, group, err);
	if (r == 0)
		r = cg_attach(shim->cg, group, 0, err);
	shim->in_group = true;
	return r;
}

void shim_leave_group(struct shim *shim)
{
	struct vc_err err;

	if (!shim->in_group)
		return;
	if (cg_attach(shim->cg, PARTITION_SHIMS_GROUP, 0, &err) < 0)
		log_warn("job %u: %s", shim->job, err.text);
	shim->in_group = false;
}

static void shim_remove_group(struct shim *shim)
{
	struct vc_err err;
	char group[64];

	shim_leave_group(shim);
	partition_job_group(shim->partition, shim->job, group, sizeof(group));
	if (cg_kill(shim->cg, group, SHIM_KILL_USEC, &err) < 0)
		log_warn("job %u: %s", shim->job, err.text);
	while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
		;
	if (cg_remove(shim->cg, group, &err) < 0)
		log_warn("job %u: %s", shim->job, err.text);
}

static void shim_end(struct shim *shim)
{
	shim_remove_group(shim);
	record_remove(shim);
	shim_set_state(shim, JOB_ENDED);
	log_stage("exit", shim->job);
	event_base_loopbreak(shim->base);
}

static void shim_on_report(evutil_socket_t fd, short what, void *ctx)
{
	struct shim *shim = ctx;
	struct report report;
	ssize_t n = read(fd, &report, sizeof(report));

	if (n != (ssize_t)sizeof(report)) {
		event_del(shim->report_event);
		return;
	}
	switch (report.kind) {
	case REPORT_STOPPED:
		shim_tell_stopped(shim, report.value);
		shim_set_state(shim, JOB_STOPPED);
		break;
	case REPORT_CONTINUED:
		shim_set_state(shim, JOB_RUNNING);
		break;
	case REPORT_EXITED:
		shim_program_ended(shim, report.value);
		shim_set_state(shim, JOB_LINGERING);
		break;
	default:
		break;
	}
}

static void shim_on_child(evutil_socket_t fd, short what, void *ctx)
{
	struct shim *shim = ctx;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
		if (pid != shim->root)
			continue;
		/* A report may be in the pipe still; it knows better than vcinit's status. */
		if (shim->report_fd >= 0)
			shim_on_report(shim->report_fd, EV_READ, shim);
		shim_program_ended(shim, status);
		shim_end(shim);
		return;
	}
}

/* Notes which pipes, sockets and files came from outside: the mover must hand
 * them over again, even when the job holds both of their ends. */
static void shim_note_given(struct shim *shim, const int *stdio)
{
	for (int i = 0; i < 3; i++) {
		struct stat st;

		if (fstat(stdio[i], &st) == 0 &&
		    (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || S_ISREG(st.st_mode)))
			shim->given[shim->n_given++] =
				(struct inventory_given){ .dev = st.st_dev, .ino = st.st_ino };
	}
}

/* The environment has done its duty, and of the arguments the first ones are kept
 * for vcstat: a shim lives long, and its daemon has one copy of this a job. */
static void shim_trim_start(Vc__Run *run)
{
	size_t kept = 0, n = 0;

	for (size_t i = 0; i < run->n_env; i++)
		free(run->env[i].data);
	free(run->env);
	run->env = NULL;
	run->n_env = 0;
	while (n < run->n_argv && kept + run->argv[n].len < SHIM_ARGV_BYTES)
		kept += run->argv[n++].len;
	for (size_t i = n; i < run->n_argv; i++)
		free(run->argv[i].data);
	run->n_argv = n;
}

static int shim_launch(struct shim *shim, const int *fds, unsigned int *ret_exit_status,
		       struct vc_err *err)
{
	const char *vcinit = getenv("VCRUN_VCINIT");
	struct launch how = { .start = shim->start,
			      .stdio = { fds[0], fds[1], fds[2] },
			      .cwd = fds[3],
			      .vcinit = vcinit ? vcinit : VC_LIBEXECDIR "/vcinit" };
	struct launched launched;
	int r = launch_job(&how, &launched, ret_exit_status, err);

	if (r < 0)
		return r;
	shim_note_given(shim, fds);
	shim->root = launched.root;
	shim->program = launched.program;
	shim->report_fd = launched.report_fd;
	shim->master_fd = launched.master_fd;
	shim->started_usec = clock_real_usec();
	shim->placed_usec = clock_mono_usec();
	shim_trim_start(shim->start->run);
	return 0;
}

/* Takes the Start message and its descriptors: the command's socket, stdin,
 * stdout, stderr, current directory. */
static int shim_start(struct shim *shim, struct wire_msg *msg, struct vc_err *err)
{
	struct timeval settle = { .tv_usec = SHIM_SETTLE_USEC };
	unsigned int exit_status = 125;
	int r;

	if (shim->start || !shim->job || msg->n_fds != 5)
		return err_set(err, EPROTO, "a Start that does not fit");
	/* The message is kept for the job's arguments; msg gives up what it owns. */
	shim->start = steal_ptr(msg->msg->start);
	msg->msg->body_case = VC__MSG__BODY__NOT_SET;
	log_stage("launch", shim->job);
	r = wire_new(msg->fds[0], &shim->client, err);
	msg->fds[0] = -1;
	if (r < 0)
		return r;
	evutil_make_socket_nonblocking(wire_fd(shim->client));
	shim->client_event = event_new(shim->base, wire_fd(shim->client), EV_READ | EV_PERSIST,
				       shim_on_client, shim);
	shim->state = JOB_STARTING;
	r = shim_launch(shim, msg->fds + 1, &exit_status, err);
	if (r < 0) {
		wire_send_error(shim->client, err, exit_status);
		shim_end(shim);
		return r;
	}
	event_add(shim->client_event, NULL);
	shim->report_event =
		event_new(shim->base, shim->report_fd, EV_READ | EV_PERSIST, shim_on_report, shim);
	event_add(shim->report_event, NULL);
	shim_tell_started(shim);
	if (shim->start->run->detach)
		shim_drop_client(shim);
	if (record_save(shim, err) < 0)
		log_warn("job %u: %s", shim->job, err->text);
	shim_set_state(shim, JOB_RUNNING);
	event_add(shim->settle, &settle);
	return 0;
}

static void shim_move_from(struct shim *shim, struct wire_msg *msg)
{
	struct wire *command = NULL;

	if (msg->n_fds == 1) {
		wire_new(msg->fds[0], &command, NULL);
		msg->fds[0] = -1;
	}
	shim_move(shim, msg->msg->move, command);
	wire_free(command);
}

static void shim_handle(struct shim *shim, struct wire_msg *msg)
{
	struct vc_err err;

	switch (msg->msg->body_case) {
	case VC__MSG__BODY_PREPARE:
		if (shim_prepare(shim, msg->msg->prepare, &err) < 0)
			log_warn("job %u: %s", shim->job, err.text);
		break;
	case VC__MSG__BODY_START:
		if (shim_start(shim, msg, &err) < 0)
			log_info("job %u: %s", shim->job, err.text);
		break;
	case VC__MSG__BODY_MOVE:
		shim_leave_group(shim);
		if (shim->start)
			shim_move_from(shim, msg);
		break;
	case VC__MSG__BODY_SIGNAL:
		if (shim->start)
			shim_signal(shim, msg->msg->signal);
		break;
	default:
		log_warn("message %d from the daemon is none for a shim", msg->msg->body_case);
		break;
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
				shim_end(shim);
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

	if (instance_open(instance_dir(NULL), &shim->instance, &err) < 0)
		fatal("%s", err.text);
	if (cg_open(NULL, shim->instance->cgroup_base, &shim->cg, &err) < 0)
		fatal("%s", err.text);
	shim->base = event_base_new();
	if (!shim->base || wire_new(SHIM_DAEMON_FD, &wire, &err) < 0)
		fatal("out of memory");
	fcntl(SHIM_DAEMON_FD, F_SETFD, FD_CLOEXEC);
	shim_use_daemon(shim, wire);
	shim->retry = evtimer_new(shim->base, shim_on_retry, shim);
	shim->settle = evtimer_new(shim->base, shim_on_settle, shim);
	shim->unpark = evtimer_new(shim->base, shim_on_unpark, shim);
	child = evsignal_new(shim->base, SIGCHLD, shim_on_child, shim);
	if (!shim->retry || !shim->settle || !shim->unpark || !child)
		fatal("out of memory");
	event_add(child, NULL);
	shim->child_event = child;
}

static void shim_done(struct shim *shim)
{
	shim_drop_client(shim);
	shim_drop_daemon(shim);
	if (shim->report_event)
		event_free(shim->report_event);
	event_free(shim->retry);
	event_free(shim->settle);
	event_free(shim->unpark);
	event_free(shim->child_event);
	event_base_free(shim->base);
	if (shim->start)
		vc__start__free_unpacked(shim->start, NULL);
	if (shim->report_fd >= 0)
		close(shim->report_fd);
	if (shim->master_fd >= 0)
		close(shim->master_fd);
	cg_free(shim->cg);
	instance_free(shim->instance);
}

int main(int argc, char **argv)
{
	struct shim shim = { .master_fd = -1, .report_fd = -1 };

	log_open("vcshim", LOG_LEVEL_INFO);
	if (argc != 1 || fcntl(SHIM_DAEMON_FD, F_GETFD) < 0)
		fatal("vcshim is started by vcd, not by hand");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	setsid();
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	file_write(AT_FDCWD, "/proc/self/oom_score_adj", "-1000");
	shim_init(&shim);
	event_base_dispatch(shim.base);
	shim_done(&shim);
	return 0;
}
