// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * vcctl-kill.c - sends a signal to all processes of a job
 *
 * For what kill(1) cannot do: a job that is parked has no processes, and one whose
 * program has ended has no PID to be named by. Whose job it is the daemon knows, and its shim
 * sends as the job's user.
 */
#include "cli/vcctl.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"

/* "TERM", "SIGTERM" or "15"; -1: there is none. */
static int kill_parse_signal(const char *text)
{
	const char *name = strncmp(text, "SIG", 3) ? text : text + 3;
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*text >= '0' && *text <= '9' && !*end)
		return number > 0 && number < _NSIG ? (int)number : -1;
	for (int i = 1; i < _NSIG; i++)
		if (sigabbrev_np(i) && !strcmp(sigabbrev_np(i), name))
			return i;
	return -1;
}

static int kill_job(const char *state_dir, const Vc__Job *job, int signal, struct vc_err *err)
{
	Vc__Signal body = VC__SIGNAL__INIT;
	Vc__Msg msg = VC__MSG__INIT;
	struct wire_msg answer;
	struct wire *wire;
	int r = client_open(state_dir, job->partition, &wire, err);

	if (r < 0)
		return r;
	body.signal = signal;
	body.has_job = body.has_everything = body.everything = true;
	body.job = job->id;
	msg.body_case = VC__MSG__BODY_SIGNAL;
	msg.signal = &body;
	r = client_ask(wire, &msg, NULL, 0, &answer, err);
	wire_free(wire);
	if (r == 0)
		wire_msg_done(&answer);
	return r;
}

int vcctl_kill(const struct vcctl *opts)
{
	int signal = opts->signal ? kill_parse_signal(opts->signal) : SIGTERM, failed = 0;
	Vc__Status wanted = VC__STATUS__INIT;
	struct client_status status;
	struct vc_err err;

	if (signal < 0) {
		fprintf(stderr, "vcctl: there is no signal '%s'; 'kill -l' lists them\n",
			opts->signal);
		return EXIT_USAGE_CODE;
	}
	wanted.has_jobs = wanted.jobs = true;
	if (client_status(opts->state_dir, &wanted, &status, &err) < 0) {
		fprintf(stderr, "vcctl: %s\n", err.text);
		return 1;
	}
	for (char **word = opts->words; *word; word++) {
		const Vc__Job *job;
		int r = client_find_job(&status, *word, false, &job, &err);

		if (r == 0)
			r = kill_job(opts->state_dir, job, signal, &err);
		if (r < 0)
			fprintf(stderr, "vcctl: %s\n", err.text);
		failed |= r < 0;
	}
	client_status_done(&status);
	return failed;
}
