// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * run.c - starts a program here
 *
 * The daemon passes the caller's credentials, from the kernel, and checks whether the caller may
 * have one more job. The shim does all else. It also looks at the caller's process, which can take
 * as long as its user likes (common/proc.h). The shim gets the caller's socket, asks it for the
 * program's descriptors, and answers there: after that the daemon can die without harm to the job.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "daemon/conn/conn.h"
#include "daemon/daemon.h"
#include "daemon/job/job.h"
#include "daemon/job/pool.h"
#include "daemon/job/usage.h"
#include "daemon/request/request.h"

#define RUN_NAME_MAX 64
#define RUN_COST_USEC 2000 /* of a shim that is started and ends */

/* Names are shown in tables and JSON, and typed on command lines: printable, and not a number. */
static int run_check_name(const char *name, struct vc_err *err)
{
	size_t len = name ? strlen(name) : 0;

	if (!name)
		return 0;
	if (!text_is_name(name))
		return err_set(
			err, EINVAL,
			"a job's name is UTF-8, without blanks, control characters and others "
			"that do not show");
	if (len > RUN_NAME_MAX || strspn(name, "0123456789") == len)
		return err_set(err, EINVAL,
			       "'%.*s' is no name for a job: give 1 to %d bytes, not all digits",
			       RUN_NAME_MAX, name, RUN_NAME_MAX);
	return 0;
}

/* An empty text can have no address. */
static bool run_has_nul(const ProtobufCBinaryData *text)
{
	return text->len > 0 && memchr(text->data, '\0', text->len);
}

static int run_check(const struct conn *conn, const struct wire_msg *msg, struct vc_err *err)
{
	unsigned int most = conn->daemon->instance->config->max_jobs_per_user;
	const Vc__Run *run = msg->msg->run;

	if (run->n_argv == 0 || run->argv[0].len == 0)
		return err_set(err, EINVAL, "no program is named");
	for (size_t i = 0; i < run->n_argv; i++)
		if (run_has_nul(&run->argv[i]))
			return err_set(err, EINVAL, "argument %zu has a NUL byte", i);
	for (size_t i = 0; i < run->n_env; i++)
		if (run_has_nul(&run->env[i]))
			return err_set(err, EINVAL, "an environment variable has a NUL byte");
	if (conn->uid != 0 && conn_count_jobs(conn->daemon, conn->uid) >= most)
		return err_set(err, EAGAIN,
			       "you have %u jobs in partition %s, as many as allowed; end some, or "
			       "have max-jobs-per-user raised",
			       most, conn->daemon->name);
	if (conn->pid <= 0)
		return err_set(err, EPERM,
			       "you are in another PID namespace than vcd; run vcrun "
			       "outside of your container");
	return run_check_name(run->name, err);
}

int req_run(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	struct daemon *daemon = conn->daemon;
	_cleanup_free_ gid_t *groups = NULL;
	_cleanup_free_ uint32_t *list = NULL;
	Vc__Creds creds = VC__CREDS__INIT;
	Vc__Start start = VC__START__INIT;
	Vc__Msg order = WIRE_MSG(START, start, &start);
	struct conn *shim;
	uint64_t mem_bytes;
	uint32_t job;
	int parent;
	int r = run_check(conn, msg, err), command = wire_fd(conn->wire);

	if (r < 0)
		return r;
	r = conn_groups(conn, &groups, &creds.n_groups);
	list = calloc(creds.n_groups + 1, sizeof(*list));
	if (r < 0 || !list)
		return err_sys(err, r < 0 ? -r : ENOMEM, "your groups");
	for (size_t i = 0; i < creds.n_groups; i++)
		list[i] = groups[i];
	creds.groups = list;
	creds.uid = conn->uid;
	creds.gid = conn->gid;
	r = pool_take(daemon, &shim, &job, err);
	if (r < 0)
		return r;
	conn_owe(conn, RUN_COST_USEC);
	start.job = job;
	start.run = msg->msg->run;
	start.creds = &creds;
	start.peer_pid = conn->pid;
	parent = job_origin(daemon, conn->pid, &start.parent_job);
	start.parent = parent >= 0 ? daemon->instance->config->parts[parent].name : NULL;
	start.has_parent_job = start.parent_job != 0;
	log_stage("run", job);
	conn_send(shim, &order, &command, 1);
	if (shim->done)
		return err_set(err, EAGAIN, "the job's shim has ended; try again");
	shim->starting = true;
	shim->owner = conn->uid;
	mem_bytes = usage_expect(daemon, conn->uid, start.run->memory_bytes, start.run->argv,
				 start.run->n_argv);
	if (!start.run->placed)
		board_reserve(daemon->board, daemon->slot, clock_mono_usec(), mem_bytes);
	conn_keep_pending(shim, mem_bytes);
	conn->done = true;
	return 0;
}
