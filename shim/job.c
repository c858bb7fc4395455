// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * job.c - the job's life in its shim: prepared, started, reported on, ended
 */
#include "shim/shim.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "partition/change/failure.h"
#include "partition/partition.h"
#include "shim/launch.h"
#include "shim/report.h"
#include "wire/args.h"

#define JOB_KILL_USEC 10000000u
/* When to leave the job's group: later than most short programs run. */
#define JOB_SETTLE_USEC 50000
/* How long a command may take to hand over the program's descriptors. */
#define JOB_STDIO_SEC 30

static void job_note(const struct shim *shim, enum failure_kind kind)
{
	int slot = instance_find(shim->instance, shim->partition);

	if (slot >= 0)
		failure_note_at(shim->instance->dirfd, (uint32_t)slot, kind);
}

/* Signals that programs are ended by for what they have done themselves. */
static void job_note_crash(const struct shim *shim)
{
	static const int signals[] = { SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS };

	for (size_t i = 0; WIFSIGNALED(shim->status) && i < ARRAY_SIZE(signals); i++)
		if (WTERMSIG(shim->status) == signals[i])
			job_note(shim, FAILURE_CRASH);
}

/* The program's fate is known: from vcinit's report, or because vcinit is gone. */
static void job_program_ended(struct shim *shim, int status)
{
	if (shim->program_ended)
		return;
	shim->program_ended = true;
	shim->status = status;
	job_note_crash(shim);
	client_exited(shim);
}

/* The job's group; before it has its number, the one that waits. */
static char *job_group(const struct shim *shim, char *buf, size_t size)
{
	return shim->named ? partition_job_group(shim->partition, shim->job, buf, size)
			   : partition_idle_group(shim->partition, getpid(), buf, size);
}

/*
 * Before there is a job: makes its group, as far as it can be renamed, and waits inside of it,
 * so that the job is born there. job_leave_group() is the way out, once the job runs and nobody
 * waits for an answer.
 */
int job_prepare(struct shim *shim, const Vc__Prepare *prepare, struct vc_err *err)
{
	char group[64];
	int r;

	snprintf(shim->partition, sizeof(shim->partition), "%s", prepare->partition);
	r = cg_idle_enter(shim->cg, job_group(shim, group, sizeof(group)), err);
	shim->in_group = r == 0;
	return r;
}

/* The group gets the job's number. What failed when it was prepared may work now. */
static int job_name_group(struct shim *shim, struct vc_err *err)
{
	char idle[64], group[64];
	int r;

	job_group(shim, idle, sizeof(idle));
	partition_job_group(shim->partition, shim->job, group, sizeof(group));
	if (shim->in_group) {
		r = cg_idle_become(shim->cg, idle, group, &shim->unified, err);
		shim->named = r == 0;
		return r;
	}
	cg_group_remove(shim->cg, idle, NULL);
	r = cg_group_create(shim->cg, group, err);
	shim->named = r == 0;
	if (r == 0)
		r = cg_entry_attach(shim->cg, group, 0, err);
	shim->in_group = r == 0;
	return r;
}

void job_leave_group(struct shim *shim)
{
	struct vc_err err;

	if (!shim->in_group)
		return;
	if (cg_entry_attach(shim->cg, PARTITION_SHIMS_GROUP, 0, &err) < 0)
		log_warn("job %u: %s", shim->job, err.text);
	shim->in_group = false;
}

static void job_remove_group(struct shim *shim)
{
	uint64_t n_ooms = 0;
	struct vc_err err;
	char group[64];

	job_leave_group(shim);
	job_group(shim, group, sizeof(group));
	if (shim->named && cg_memory_oom_kills(shim->cg, group, &n_ooms) == 0 && n_ooms > 0)
		job_note(shim, FAILURE_OOM);
	if (shim->named && cg_procs_kill(shim->cg, group, JOB_KILL_USEC, &err) < 0)
		log_warn("job %u: %s", shim->job, err.text);
	while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
		;
	if (cg_group_remove(shim->cg, group, &err) < 0)
		log_warn("job %u: %s", shim->job, err.text);
	lien_settle(shim, true);
}

void job_end(struct shim *shim)
{
	/* To clear away takes longer than to start the next program. */
	shim->empty = true;
	record_send(shim);
	job_remove_group(shim);
	record_remove(shim);
	shim_set_state(shim, VC__STATE__ENDED);
	log_stage("exit", shim->job);
	event_base_loopbreak(shim->base);
}

void job_end_parked(struct shim *shim, int signal)
{
	shim_drop_parked(shim);
	job_program_ended(shim, signal);
	job_end(shim);
}

static void job_on_report(evutil_socket_t fd, short what, void *ctx)
{
	struct shim *shim = ctx;
	struct report report;
	ssize_t n = read(fd, &report, sizeof(report));

	if (n < 0 && errno == EAGAIN)
		return;
	if (n != (ssize_t)sizeof(report)) {
		event_del(shim->report_event);
		return;
	}
	switch (report.kind) {
	case REPORT_STOPPED:
		client_stopped(shim, report.value);
		shim_set_state(shim, VC__STATE__STOPPED);
		break;
	case REPORT_CONTINUED:
		shim_set_state(shim, VC__STATE__RUNNING);
		break;
	case REPORT_EXITED:
		job_program_ended(shim, report.value);
		shim_set_state(shim, VC__STATE__LINGERING);
		break;
	default:
		break;
	}
}

void job_on_child(evutil_socket_t fd, short what, void *ctx)
{
	struct shim *shim = ctx;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
		/* Of a parked job what dies is a copy that did not come to life. */
		if (pid != shim->root || shim->parked)
			continue;
		/* A report may be in the pipe still; it knows better than vcinit's status. */
		if (shim->report_fd >= 0)
			job_on_report(shim->report_fd, EV_READ, shim);
		job_program_ended(shim, status);
		job_end(shim);
		return;
	}
}

/* The environment has done its duty, and of the arguments the first ones are kept
 * for vcstat: a shim lives long, and its daemon has one copy of this a job. */
static void job_trim(Vc__Run *run)
{
	ProtobufCBinaryData kept[ARGS_MAX];
	size_t n = args_cut(run->argv, run->n_argv, kept);

	for (size_t i = 0; i < run->n_env; i++)
		free(run->env[i].data);
	free(run->env);
	run->env = NULL;
	run->n_env = 0;
	for (size_t i = n; i < run->n_argv; i++)
		free(run->argv[i].data);
	run->n_argv = n;
}

static int job_launch(struct shim *shim, const int *fds, unsigned int *ret_exit_status,
		      struct vc_err *err)
{
	const char *vcinit = getenv("VCRUN_VCINIT");
	struct launch how = { .start = shim->start,
			      .stdio = { fds[0], fds[1], fds[2] },
			      .cwd = fds[3],
			      .client = wire_fd(shim->client),
			      .unified = shim->unified,
			      .vcinit = vcinit ? vcinit : VC_LIBEXECDIR "/vcinit" };
	struct launched launched;
	int r = launch_job(&how, &launched, ret_exit_status, err);

	if (r < 0)
		return r;
	shim->root = launched.root;
	shim->program = launched.program;
	shim->report_fd = launched.report_fd;
	shim->master_fd = launched.master_fd;
	shim->started_usec = clock_real_usec();
	shim->placed_usec = clock_mono_usec();
	job_trim(shim->start->run);
	return 0;
}

int job_start(struct shim *shim, struct wire_msg *msg, struct vc_err *err)
{
	struct timeval patience = { .tv_sec = JOB_STDIO_SEC };
	int r;

	if (shim->start || !shim->partition[0] || msg->n_fds != 1)
		return err_set(err, EPROTO, "a Start that does not fit");
	/* The message is kept for the job's arguments; msg gives up what it owns. */
	shim->start = steal_ptr(msg->msg->start);
	shim->job = shim->start->job;
	msg->msg->body_case = VC__MSG__BODY__NOT_SET;
	log_stage("launch", shim->job);
	r = client_open(shim, msg->fds[0], err);
	msg->fds[0] = -1;
	if (r < 0)
		return r;
	shim->state = VC__STATE__STARTING;
	event_add(shim->settle, &patience);
	client_ready(shim);
	if (!shim->client)
		job_end(shim);
	return 0;
}

static void job_refuse(struct shim *shim, const struct vc_err *err, unsigned int exit_status)
{
	log_info("job %u: %s", shim->job, err->text);
	if (shim->client)
		wire_send_error(shim->client, err, exit_status);
	job_end(shim);
}

/* A daemon that was stopped since it gave the order does not keep its command waiting. */
static void job_await_confirmation(struct shim *shim)
{
	struct timeval patience = { .tv_sec = 1 };

	if (shim->unconfirmed && !shim->settled)
		event_add(shim->settle, &patience);
	else
		client_confirmed(shim);
	shim->settled = true;
}

/* The job runs, and most short ones have ended; or it waits for its descriptors in vain. */
void job_on_settle(evutil_socket_t fd, short what, void *ctx)
{
	struct shim *shim = ctx;
	struct vc_err err;

	if (shim->state != VC__STATE__STARTING) {
		job_leave_group(shim);
		job_await_confirmation(shim);
		return;
	}
	err_set(&err, ETIMEDOUT, "the program's descriptors were not handed over within %d s",
		JOB_STDIO_SEC);
	job_refuse(shim, &err, 125);
}

void job_begin(struct shim *shim, const int *fds, size_t n_fds)
{
	struct timeval settle = { .tv_usec = JOB_SETTLE_USEC };
	unsigned int exit_status = 125;
	struct vc_err err;
	int r = n_fds == 4
			? 0
			: err_set(&err, EPROTO, "a Stdio with %zu descriptors; it takes 4", n_fds);

	if (r == 0)
		r = job_name_group(shim, &err);
	if (r == 0)
		r = job_launch(shim, fds, &exit_status, &err);
	if (r < 0) {
		job_refuse(shim, &err, exit_status);
		return;
	}
	shim->report_event =
		event_new(shim->base, shim->report_fd, EV_READ | EV_PERSIST, job_on_report, shim);
	event_add(shim->report_event, NULL);
	/* Who has detached may ask for the job at once, so the daemon is to know it first. */
	shim->unconfirmed = shim->start->run->detach && shim->daemon;
	if (!shim->unconfirmed)
		client_started(shim);
	if (record_save(shim, &err) < 0)
		log_warn("job %u: %s", shim->job, err.text);
	shim_set_state(shim, VC__STATE__RUNNING);
	signal_wake(shim);
	event_add(shim->settle, &settle);
}
