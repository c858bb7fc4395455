// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * kill.c - sends a signal to all processes of a job
 *
 * kill(1) cannot do this for a parked job, which has no processes, or for a job whose program has
 * ended, which has no PID. The daemon knows the job's user, and the shim sends the signal as that
 * user. The shim answers when the signal is delivered, so this command waits for the end of a move.
 */
#include "cli/vcctl/vcctl.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "common/clock.h"
#include "common/text.h"

/* The time that a job may take from one daemon to another. */
#define KILL_PATIENCE_USEC 2000000u
#define KILL_PAUSE_USEC 20000

/* Parses "TERM", "SIGTERM" or "15". Returns -1 for another word. */
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
	Vc__Msg msg = WIRE_MSG(SIGNAL, signal, &body);
	struct wire_msg answer;
	struct wire *wire;
	int r = client_open(state_dir, job->partition, &wire, err);

	if (r < 0)
		return r;
	body.signal = signal;
	body.has_job = body.has_everything = body.everything = true;
	body.job = job->id;
	r = client_order(wire, job->partition, &msg, err);
	/* The shim answers; if the job is being moved, after the move. */
	if (r == 0)
		r = wire_recv(wire, &answer, err);
	if (r == 0)
		r = client_answer(&answer, err);
	wire_free(wire);
	if (r < 0)
		return r;
	if (answer.msg->body_case == VC__MSG__BODY_OK && answer.msg->ok->note) {
		text_hide_controls(answer.msg->ok->note);
		fprintf(stderr, "vcctl: job %u: %s\n", job->id, answer.msg->ok->note);
	}
	wire_msg_done(&answer);
	return 0;
}

static int kill_find(const char *state_dir, const char *word, struct client_status *ret,
		     const Vc__Job **ret_job, struct vc_err *err)
{
	Vc__Status wanted = VC__STATUS__INIT;
	int r;

	wanted.has_jobs = wanted.jobs = true;
	r = client_status(state_dir, &wanted, ret, err);
	if (r < 0)
		return r;
	r = client_find_job(ret, word, false, ret_job, err);
	if (r < 0)
		client_status_done(ret);
	return r;
}

/* Whether the job moved to another daemon after it was found, so that the order was not executed.
 */
static bool kill_may_retry(int r)
{
	return r == -ENOENT || r == -EAGAIN || r == -ECONNRESET || r == -EPIPE;
}

static int kill_word(const char *state_dir, const char *word, int signal, struct vc_err *err)
{
	uint64_t deadline = clock_mono_usec() + KILL_PATIENCE_USEC;
	bool seen = false, told = false;

	for (;;) {
		struct client_status status;
		const Vc__Job *job;
		int r = kill_find(state_dir, word, &status, &job, err);

		if (r < 0 && !seen)
			return r;
		if (r == 0) {
			seen = true;
			if (!told && job->state == VC__STATE__MOVING)
				fprintf(stderr,
					"vcctl: job %u is being moved, and gets the signal "
					"afterwards\n",
					job->id);
			told = true;
			r = kill_job(state_dir, job, signal, err);
			client_status_done(&status);
		}
		if (!kill_may_retry(r) || clock_mono_usec() > deadline)
			return r;
		clock_sleep_usec(KILL_PAUSE_USEC);
	}
}

int vcctl_kill(const struct vcctl *opts)
{
	int signal = opts->signal ? kill_parse_signal(opts->signal) : SIGTERM, failed = 0;
	struct vc_err err;

	if (signal < 0) {
		fprintf(stderr, "vcctl: there is no signal '%s'; 'kill -l' lists them\n",
			opts->signal);
		return EXIT_USAGE_CODE;
	}
	for (char **word = opts->words; *word; word++) {
		int r = kill_word(opts->admin.state_dir, *word, signal, &err);

		if (r < 0)
			fprintf(stderr, "vcctl: %s\n", err.text);
		failed |= r < 0;
	}
	return failed;
}
