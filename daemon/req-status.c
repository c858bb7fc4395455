// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * req-status.c - "how are partitions, jobs, moves?"
 *
 * Partitions are read from the board, so any daemon can tell of all. Jobs are
 * only this daemon's, with their use of CPU and memory read from their groups now.
 * Callers other than root see their own jobs and moves.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/trust.h"
#include "partition/partition.h"

/* How much of moves.jsonl is looked at: some thousand moves. */
#define STATUS_MOVES_BYTES (1u << 20)

/* What a reply is made of, freed in one place. */
struct status {
	Vc__StatusReply reply;
	Vc__Partition *parts, **part_list;
	Vc__Job *jobs, **job_list;
	Vc__Moved **moves;
	size_t n_moves;
};

static void status_fill_partition(struct daemon *daemon, uint32_t slot, Vc__Partition *out)
{
	struct partition_spec *spec = &daemon->instance->config->parts[slot];
	enum cg_memory_hold held;
	struct board_sample sample;

	board_read(daemon->board, slot, clock_mono_usec(), &sample);
	vc__partition__init(out);
	out->name = spec->name;
	out->state = (char *)(sample.load.flags & VC_LOAD_UP ? "up" : "down");
	out->cpus = spec->cpus;
	out->mems = spec->mems;
	out->exclusive = (char *)partition_exclusive_name(sample.exclusive);
	if (cg_get_memory_hold(daemon->cg, spec->name, &held) == 0)
		out->memory_held = (char *)partition_hold_name(held);
	out->has_cpu_pct = out->has_group_cpu_pct = out->has_mem_used_bytes = out->has_jobs =
		out->has_runnable = out->has_pending = true;
	out->cpu_pct = sample.load.cpu_pct;
	out->group_cpu_pct = sample.load.group_cpu_pct;
	out->mem_used_bytes = sample.load.mem_used_bytes;
	out->has_mem_limit_bytes = spec->memory_bytes != CG_NO_LIMIT;
	out->mem_limit_bytes = spec->memory_bytes;
	out->jobs = sample.load.jobs;
	out->runnable = sample.load.runnable;
	out->pending = sample.load.pending;
}

static int status_partitions(struct daemon *daemon, struct status *status)
{
	const struct config *config = daemon->instance->config;
	uint32_t n = (uint32_t)config->n_parts, shown = 0;

	status->parts = calloc(n, sizeof(*status->parts));
	status->part_list = calloc(n, sizeof(*status->part_list));
	if (!status->parts || !status->part_list)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		if (spec_is_free(&config->parts[i]))
			continue;
		status_fill_partition(daemon, i, &status->parts[shown]);
		status->part_list[shown] = &status->parts[shown];
		shown++;
	}
	status->reply.n_partitions = shown;
	status->reply.partitions = status->part_list;
	return 0;
}

static void status_fill_job(struct daemon *daemon, const struct job *job, Vc__Job *out)
{
	const Vc__JobState *state = job->state;
	struct cg_memory memory = { 0 };
	uint64_t cpu_usec = 0;
	char group[64];

	partition_job_group(state->partition, state->job, group, sizeof(group));
	cg_memory_read(daemon->cg, group, &memory);
	cg_cpu_usec(daemon->cg, group, &cpu_usec);
	vc__job__init(out);
	out->id = state->job;
	out->name = state->name;
	out->has_pid = out->has_uid = out->has_moves = out->has_cpu_usec = out->has_rss_bytes =
		out->has_started_usec = true;
	out->pid = state->pid;
	out->uid = state->uid;
	out->partition = state->partition;
	out->state = state->state;
	out->n_argv = state->n_argv;
	out->argv = state->argv;
	out->moves = state->moves;
	out->cpu_usec = state->cpu_base_usec + cpu_usec;
	out->rss_bytes = memory.rss_bytes;
	out->started_usec = state->started_usec;
	if (job->balance.advice >= 0)
		out->advice = daemon->instance->config->parts[job->balance.advice].name;
}

static int status_jobs(struct conn *conn, struct status *status)
{
	struct daemon *daemon = conn->daemon;
	const struct job *job;
	size_t n = 0;

	TAILQ_FOREACH(job, &daemon->jobs, link)
	n++;
	status->jobs = calloc(n + 1, sizeof(*status->jobs));
	status->job_list = calloc(n + 1, sizeof(*status->job_list));
	if (!status->jobs || !status->job_list)
		return -ENOMEM;
	n = 0;
	TAILQ_FOREACH(job, &daemon->jobs, link)
	{
		if (!job_visible(job, conn))
			continue;
		status_fill_job(daemon, job, &status->jobs[n]);
		status->job_list[n] = &status->jobs[n];
		n++;
	}
	status->reply.n_jobs = n;
	status->reply.jobs = status->job_list;
	return 0;
}

static char *status_text(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return strdup(text ? text : "");
}

static uint64_t status_number(const json_t *json, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(json, key));

	return value > 0 ? (uint64_t)value : 0;
}

/* One line of moves.jsonl. The shims write it, but a torn line must not hurt. */
static Vc__Moved *status_parse_move(const char *line, size_t len, const struct conn *conn)
{
	json_t *json = json_loadb(line, len, 0, NULL);
	Vc__Moved *move = calloc(1, sizeof(*move));

	if (!json || !move || (conn->uid != 0 && status_number(json, "uid") != conn->uid)) {
		json_decref(json);
		free(move);
		return NULL;
	}
	vc__moved__init(move);
	move->job = (uint32_t)status_number(json, "job");
	move->from = status_text(json, "from");
	move->to = status_text(json, "to");
	move->engine = status_text(json, "engine");
	move->result = status_text(json, "result");
	move->reason = status_text(json, "reason");
	move->has_downtime_usec = move->has_total_usec = move->has_image_bytes = move->has_at_usec =
		true;
	move->downtime_usec = status_number(json, "downtime_usec");
	move->total_usec = status_number(json, "total_usec");
	move->image_bytes = status_number(json, "image_bytes");
	move->at_usec = status_number(json, "at");
	json_decref(json);
	return move;
}

static int status_moves(struct conn *conn, struct status *status)
{
	_cleanup_free_ char *text = malloc(STATUS_MOVES_BYTES + 1);
	_cleanup_close_ int fd = -1;
	char *line, *end;
	ssize_t n;
	off_t size;

	fd = trust_openat(conn->daemon->instance->dirfd, "moves.jsonl", O_RDONLY, 0);
	if (!text)
		return -ENOMEM;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	size = lseek(fd, 0, SEEK_END);
	n = pread(fd, text, STATUS_MOVES_BYTES,
		  size > (off_t)STATUS_MOVES_BYTES ? size - (off_t)STATUS_MOVES_BYTES : 0);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	line = text;
	if (size > (off_t)STATUS_MOVES_BYTES)
		line = strchr(text, '\n') ? strchr(text, '\n') + 1 : text + n;
	for (; (end = strchr(line, '\n')); line = end + 1) {
		Vc__Moved *move = status_parse_move(line, (size_t)(end - line), conn);
		Vc__Moved **grown;

		if (!move)
			continue;
		grown = realloc(status->moves, (status->n_moves + 1) * sizeof(*grown));
		if (!grown) {
			vc__moved__free_unpacked(move, NULL);
			return -ENOMEM;
		}
		status->moves = grown;
		status->moves[status->n_moves++] = move;
	}
	status->reply.n_moves = status->n_moves;
	status->reply.moves = status->moves;
	return 0;
}

int req_status(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	const Vc__Status *wanted = msg->msg->status;
	struct status status = { .reply = VC__STATUS_REPLY__INIT };
	Vc__Msg answer = VC__MSG__INIT;
	int r = 0;

	if (wanted->partitions)
		r = status_partitions(conn->daemon, &status);
	if (r == 0 && wanted->jobs)
		r = status_jobs(conn, &status);
	if (r == 0 && wanted->moves)
		r = status_moves(conn, &status);
	if (r == 0 && wanted->devices)
		r = status_devices(conn->daemon, &status.reply);
	if (r == 0 && wanted->regions)
		r = status_regions(conn->daemon, &status.reply);
	if (r == 0) {
		answer.body_case = VC__MSG__BODY_STATUS_REPLY;
		answer.status_reply = &status.reply;
		conn_send(conn, &answer, NULL, 0);
	}
	status_devices_done(&status.reply);
	status_regions_done(&status.reply);
	free(status.parts);
	free(status.part_list);
	free(status.jobs);
	free(status.job_list);
	for (size_t i = 0; i < status.n_moves; i++)
		vc__moved__free_unpacked(status.moves[i], NULL);
	free(status.moves);
	return r < 0 ? err_sys(err, -r, "status") : 0;
}
