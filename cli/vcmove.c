// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * vcmove.c - moves running jobs to another partition
 *
 * The request goes to the daemon of the partition where the job is; the answer
 * comes from the job's shim, over the same socket.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/columns.h"
#include "cli/json.h"
#include "cli/options.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/duration.h"
#include "common/log.h"
#include "common/text.h"
#include "wire/moved.h"

#define VCMOVE_LONG_USEC 1000000u
#define VCMOVE_LIEN_BYTES (1u << 20) /* less is not worth a line */

struct vcmove {
	const char *state_dir, *to, *policy, *engine;
	bool json, by_pid, quiet, progress, estimate;
	bool has_max_stop; /* else as configured */
	uint64_t max_stop_usec;
};

static const char vcmove_before[] =
	"Usage: vcmove [OPTION]... JOB|PID...\n"
	"Move running jobs to another partition; see vcmove(1). A job is named by its\n"
	"number, its name, or the PID of any of its processes.\n\n";
static const char vcmove_after[] =
	"\nExit status: 0 if all jobs were moved or stay by their policy; 1 if one was not\n"
	"moved, and runs where it was; 2 for a usage error.\n";

/* Shows the step of a move that takes longer than a second. job NULL: clears the line. */
static void vcmove_show(const char *job, const char *step, unsigned int sec)
{
	if (job)
		fprintf(stderr, "\rmoving %s: %s%s%u s\033[K", job, step, *step ? ", " : "", sec);
	else
		fputs("\r\033[K", stderr);
}

static void vcmove_show_estimate(FILE *out, const char *job, const char *how,
				 const Vc__Estimate *estimate)
{
	char stop[32], bytes[32], threads[48] = "";

	if (estimate->threads > estimate->processes)
		snprintf(threads, sizeof(threads), ", %" PRIu64 " threads", estimate->threads);
	fprintf(out, "%s %s for about %s: %s of memory, %" PRIu64 " process%s%s\n", job, how,
		duration_about(estimate->stop_usec, stop, sizeof(stop)),
		columns_bytes(estimate->bytes, bytes, sizeof(bytes)), estimate->processes,
		estimate->processes == 1 ? "" : "es", threads);
}

/* Waits for the answer, and shows the step of the move on a terminal. */
static int vcmove_await(struct wire *wire, const char *job, struct wire_msg *ret,
			struct vc_err *err)
{
	bool terminal = isatty(STDERR_FILENO);
	struct pollfd pfd = { .fd = wire_fd(wire), .events = POLLIN };
	char step[32] = "";
	unsigned int sec = 0;
	int r = 0;

	for (uint64_t begun = clock_mono_usec();;) {
		uint64_t next = begun + (sec + UINT64_C(1)) * 1000000, now = clock_mono_usec();

		if (poll(&pfd, 1,
			 !terminal    ? -1
			 : next > now ? (int)((next - now) / 1000) + 1
				      : 0) == 0) {
			vcmove_show(job, step, ++sec);
			continue;
		}
		r = wire_recv(wire, ret, err);
		if (r < 0 || ret->msg->body_case != VC__MSG__BODY_PROGRESS)
			break;
		snprintf(step, sizeof(step), "%s", ret->msg->progress->step);
		if (ret->msg->progress->estimate &&
		    ret->msg->progress->estimate->stop_usec >= VCMOVE_LONG_USEC) {
			fputs("vcmove: ", stderr);
			vcmove_show_estimate(stderr, job, "will stand still",
					     ret->msg->progress->estimate);
		}
		wire_msg_done(ret);
	}
	if (sec > 0)
		vcmove_show(NULL, NULL, 0);
	return r;
}

/* Orders the move from the daemon of a partition. */
static int vcmove_ask(const struct vcmove *opts, const char *partition, uint32_t job, pid_t pid,
		      struct wire_msg *ret, struct vc_err *err)
{
	struct wire *wire;
	Vc__Move body = VC__MOVE__INIT;
	Vc__Msg msg = WIRE_MSG(MOVE, move, &body);
	char word[32];
	int r = client_open(opts->state_dir, partition, &wire, err);

	if (r < 0)
		return r;
	body.has_job = pid == 0;
	body.job = job;
	body.has_pid = pid != 0;
	body.pid = pid;
	body.to = (char *)opts->to;
	body.policy = (char *)opts->policy;
	body.engine = (char *)opts->engine;
	body.has_estimate = body.estimate = opts->estimate;
	body.has_max_stop_usec = opts->has_max_stop;
	body.max_stop_usec = opts->max_stop_usec;
	body.has_progress = body.progress = opts->progress;
	snprintf(word, sizeof(word), pid ? "pid %u" : "job %u", pid ? (unsigned)pid : job);
	r = client_order(wire, partition, &msg, err);
	if (r == 0)
		r = opts->progress ? vcmove_await(wire, word, ret, err) : wire_recv(wire, ret, err);
	if (r == 0)
		r = client_answer(ret, err);
	wire_free(wire);
	if (r == -ECONNRESET)
		return err_set(
			err, ESRCH,
			"the job has ended, or another command has moved it; see 'vcstat jobs'");
	if (r == 0 && ret->msg->body_case != VC__MSG__BODY_MOVED) {
		wire_msg_done(ret);
		return err_set(err, EPROTO, "the daemon sent an unexpected answer");
	}
	return r;
}

/* Finds the job of a process that is not a job's program, by asking each daemon. err already says
 * that no job has this number. */
static int vcmove_ask_all(const struct vcmove *opts, const char *word,
			  const struct client_status *status, struct wire_msg *ret,
			  struct vc_err *err)
{
	char *end, **names;
	long pid = strtol(word, &end, 10);
	size_t n;
	int r;

	if (!*word || *end || pid <= 0 || pid > INT32_MAX)
		return -ENOENT;
	r = client_partitions(opts->state_dir, &names, &n, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		r = vcmove_ask(opts, names[i], 0, (pid_t)pid, ret, err);
		if (r != -ENOENT && r != -EHOSTDOWN && r != -ETIMEDOUT)
			break;
	}
	client_names_free(names, n);
	if (r == -ENOENT || r == -EHOSTDOWN || r == -ETIMEDOUT)
		return err_set(err, ENOENT,
			       "no job or job process has the number %s%s%s; 'vcstat jobs' lists "
			       "them",
			       word, status->silent.code ? ", as far as can be seen: " : "",
			       status->silent.text);
	return r;
}

static void vcmove_print(const Vc__Moved *moved, bool quiet)
{
	char downtime[32], total[32], bytes[32], step[32], job[32];

	if (moved->note)
		text_hide_controls(moved->note);
	if (moved->reason)
		text_hide_controls(moved->reason);
	if (moved->note)
		fprintf(stderr, "vcmove: %s\n", moved->note);
	if (!strcmp(moved->result, "estimated")) {
		printf("from %s to %s: ", moved->from, moved->to);
		snprintf(job, sizeof(job), "job %u", moved->job);
		vcmove_show_estimate(stdout, job, "would stand still", moved->estimate);
		return;
	}
	if (!strcmp(moved->result, "stays")) {
		if (!quiet)
			printf("job %u stays in %s: %s\n", moved->job, moved->to, moved->reason);
		return;
	}
	if (strcmp(moved->result, "moved")) {
		fprintf(stderr, "vcmove: %s\n", moved->reason ? moved->reason : moved->result);
		fprintf(stderr, "vcmove: job %u %s\n", moved->job,
			!strcmp(moved->result, "parked")
				? "is parked: it exists only in its images. It runs again when "
				  "the obstacle is gone; 'vcctl kill' ends it"
				: "continues to run where it was");
		return;
	}
	if (quiet)
		return;
	printf("job %u moved from %s to %s by %s: stopped for %s, %s in all", moved->job,
	       moved->from, moved->to, moved->engine,
	       columns_usec(moved->downtime_usec, downtime, sizeof(downtime)),
	       columns_usec(moved->total_usec, total, sizeof(total)));
	if (moved->image_bytes > 0)
		printf(", %s of images", columns_bytes(moved->image_bytes, bytes, sizeof(bytes)));
	if (moved->engine_reason)
		printf("\n  %s: %s", moved->engine, moved->engine_reason);
	if (moved->lien_bytes >= VCMOVE_LIEN_BYTES)
		printf("\n  %s of its memory stay charged to %s",
		       columns_bytes(moved->lien_bytes, bytes, sizeof(bytes)), moved->from);
	fputs("\n ", stdout);
	for (size_t i = 0; i < moved->n_steps; i++)
		printf(" %s %s", moved->steps[i]->name,
		       columns_usec(moved->steps[i]->usec, step, sizeof(step)));
	putchar('\n');
}

/* A daemon that does not answer vcmove would not answer the job's shim either. */
static int vcmove_check_target(const struct vcmove *opts, const struct client_status *status,
			       struct vc_err *err)
{
	struct wire *wire;
	int r = opts->to && status->silent.code ? client_open(opts->state_dir, opts->to, &wire, err)
						: -ENOENT;

	if (r == 0)
		wire_free(wire);
	return r == -ETIMEDOUT ? r : 0;
}

static int vcmove_one(const struct vcmove *opts, const char *word)
{
	Vc__Status wanted = VC__STATUS__INIT;
	struct client_status status;
	const Vc__Job *job;
	struct wire_msg answer;
	struct vc_err err;
	int r;

	/* Read for each job, because the previous move changes the list. */
	wanted.has_jobs = wanted.jobs = true;
	if (client_status(opts->state_dir, &wanted, &status, &err) < 0) {
		fprintf(stderr, "vcmove: %s\n", err.text);
		return 1;
	}
	r = client_find_job(&status, word, opts->by_pid, &job, &err);
	if (r == 0) {
		r = vcmove_check_target(opts, &status, &err);
		if (r == 0)
			r = vcmove_ask(opts, job->partition, job->id, 0, &answer, &err);
	} else if (r == -ENOENT) {
		r = vcmove_ask_all(opts, word, &status, &answer, &err);
	}
	client_status_done(&status);
	if (r < 0) {
		fprintf(stderr, "vcmove: %s\n", err.text);
		return 1;
	}
	r = strcmp(answer.msg->moved->result, opts->estimate ? "estimated" : "moved") != 0 &&
	    strcmp(answer.msg->moved->result, "stays") != 0;
	if (opts->json)
		json_print(moved_to_json(answer.msg->moved));
	else
		vcmove_print(answer.msg->moved, opts->quiet);
	wire_msg_done(&answer);
	return r;
}

static void vcmove_parse_time(const char *text, void *value)
{
	struct vcmove *opts = value;

	if (duration_parse(text, &opts->max_stop_usec) < 0) {
		fprintf(stderr,
			"vcmove: --max-stop=%s is not a time; give one such as 500ms or 30s\n",
			text);
		exit(EXIT_USAGE_CODE);
	}
	opts->has_max_stop = true;
}

int main(int argc, char **argv)
{
	struct vcmove opts = { .engine = getenv("VCRUN_ENGINE") };
	const struct option_row rows[] = {
		{ 't', "to", "PARTITION",
		  "the target (default: a policy chooses another partition)", .text = &opts.to },
		{ 'p', "policy", "POLICY", "the policy that chooses the target",
		  .text = &opts.policy },
		{ 0, "engine", "ENGINE", "live, criu or auto; see vcmove(1)",
		  .text = &opts.engine },
		{ 0, "max-stop", "TIME",
		  "refuse a move that is expected to stop the job longer,\n"
		  "such as 500ms or 30s; 0: no limit, whatever is configured",
		  .parse = vcmove_parse_time, .value = &opts },
		{ 0, "estimate", NULL, "do not move; print for how long a move would stop the job",
		  .flag = &opts.estimate },
		{ 0, "pid", NULL, "take numbers as PIDs, never as job numbers",
		  .flag = &opts.by_pid },
		{ 0, "json", NULL, "print a JSON object for each move", .flag = &opts.json },
		{ 'q', "quiet", NULL, "print nothing about a move that succeeds",
		  .flag = &opts.quiet },
	};
	const struct options options = { .command = "vcmove",
					 .before = vcmove_before,
					 .after = vcmove_after,
					 .rows = rows,
					 .n_rows = ARRAY_SIZE(rows),
					 .exit_status = EXIT_USAGE_CODE };
	int words, failed = 0;

	log_open("vcmove", LOG_LEVEL_WARN);
	words = options_parse(&options, argc, argv, &opts.state_dir);
	if (words >= argc)
		options_misused(&options);
	if (opts.to && !*opts.to) {
		fputs("vcmove: --to= names no partition; 'vcctl list' does\n", stderr);
		return EXIT_USAGE_CODE;
	}
	if (opts.to && opts.policy) {
		fputs("vcmove: --to and --policy exclude each other: give one of them\n", stderr);
		return EXIT_USAGE_CODE;
	}
	opts.progress = !opts.quiet && !opts.estimate;
	for (int i = words; i < argc; i++)
		failed |= vcmove_one(&opts, argv[i]);
	return failed;
}
