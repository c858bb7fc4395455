// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * status.c - "how are partitions, jobs, moves?"
 *
 * Partitions are read from the board, so any daemon can tell of all. Jobs are
 * only this daemon's, with their use of CPU and memory read from their groups now.
 * Callers other than root see their own jobs and moves.
 *
 * An answer is made item by item, in pieces of about a millisecond; other users are served in
 * between. A cursor keeps the place by what does not change: a slot, a job's or a move's number.
 */
#include "daemon/request/status.h"

#include <errno.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "daemon/alive.h"
#include "daemon/conn.h"
#include "daemon/daemon.h"
#include "daemon/job.h"
#include "daemon/moves.h"
#include "daemon/request/request.h"
#include "partition/partition.h"

#define STATUS_PIECE_USEC 1000
#define STATUS_PIECE_ITEMS 256
#define STATUS_MOVES_LOOKED 256 /* moves, of whomever, that are looked at before the clock is */

/* What an answer can consist of, in this order. */
enum {
	STATUS_PARTITIONS,
	STATUS_JOBS,
	STATUS_MOVES,
	STATUS_DEVICES,
	STATUS_REGIONS,
	STATUS_N_PARTS,
};

/* What is wanted, and how far the answer is. */
struct status {
	struct conn_answer answer; /* first: it is this */
	bool wanted[STATUS_N_PARTS];
	unsigned int part; /* the one under way */
	uint64_t cursor;   /* in it */
	struct status_devices *devices;
};

/* One message, and what is freed with it. */
struct status_piece {
	Vc__StatusReply reply;
	Vc__Partition parts[STATUS_PIECE_ITEMS], *part_list[STATUS_PIECE_ITEMS];
	Vc__Job jobs[STATUS_PIECE_ITEMS], *job_list[STATUS_PIECE_ITEMS];
	Vc__Moved *moves[STATUS_PIECE_ITEMS];
	Vc__Device *devices[STATUS_PIECE_ITEMS];
	Vc__Region *regions[STATUS_PIECE_ITEMS];
};

static void status_fill_partition(struct daemon *daemon, uint32_t slot, Vc__Partition *out)
{
	struct partition_spec *spec = &daemon->instance->config->parts[slot];
	enum cg_memory_hold held;
	struct cg_memory memory;
	enum alive alive;
	struct board_sample sample;

	alive = alive_look(daemon, slot, &sample);
	vc__partition__init(out);
	out->name = spec->name;
	out->state = (char *)alive_name(alive);
	out->cpus = spec->cpus;
	out->mems = spec->mems;
	out->exclusive = (char *)partition_exclusive_name(sample.exclusive);
	out->kept_by = (char *)cg_cpus_get_keeper(daemon->cg, spec->name);
	if (cg_hold_get(daemon->cg, spec->name, &held) == 0)
		out->memory_held = (char *)partition_hold_name(held);
	out->has_cpu_pct = out->has_group_cpu_pct = out->has_mem_used_bytes = out->has_jobs =
		out->has_mem_charged_bytes = out->has_runnable = out->has_pending =
			out->has_pending_mem_bytes = true;
	out->cpu_pct = sample.load.cpu_pct;
	out->group_cpu_pct = sample.load.group_cpu_pct;
	out->mem_used_bytes = sample.load.mem_used_bytes;
	out->mem_charged_bytes = sample.load.mem_charged_bytes;
	if (cg_memory_read(daemon->cg, spec->name, &memory) < 0)
		memory.limit_bytes = spec->memory_bytes;
	out->has_mem_limit_bytes = memory.limit_bytes != CG_NO_LIMIT;
	out->mem_limit_bytes = memory.limit_bytes;
	out->jobs = sample.load.jobs;
	out->runnable = sample.load.runnable;
	out->pending = sample.load.pending;
	out->pending_mem_bytes = sample.load.pending_mem_bytes;
}

static void status_fill_job(struct daemon *daemon, const struct job *job, Vc__Job *out)
{
	const Vc__JobState *state = job->state;
	struct cg_memory memory = { 0 };
	int parent = job_parent(job);
	uint64_t cpu_usec = 0;
	char group[64];

	partition_job_group(state->partition, state->job, group, sizeof(group));
	cg_memory_read(daemon->cg, group, &memory);
	cg_stat_cpu_usec(daemon->cg, group, &cpu_usec);
	vc__job__init(out);
	out->id = state->job;
	out->name = state->name;
	out->has_pid = out->has_uid = out->has_moves = out->has_cpu_usec = out->has_rss_bytes =
		out->has_started_usec = true;
	out->pid = state->pid;
	out->uid = state->uid;
	out->partition = state->partition;
	out->has_state = true;
	out->state = state->state;
	out->reason = state->reason;
	out->n_argv = state->n_argv;
	out->argv = state->argv;
	out->moves = state->moves;
	out->cpu_usec = state->cpu_base_usec + cpu_usec;
	out->rss_bytes = memory.rss_bytes;
	out->started_usec = state->started_usec;
	out->parent = parent >= 0 ? daemon->instance->config->parts[parent].name : NULL;
	out->has_parent_job = state->has_parent_job;
	out->parent_job = state->parent_job;
	if (job->balance.advice >= 0)
		out->advice = daemon->instance->config->parts[job->balance.advice].name;
}

/*
 * Each adds an item, or finds that there is nothing at the cursor's place. 1: there is more; 0:
 * that was all of it; -errno.
 */

static int status_add_partition(struct conn *conn, struct status *status,
				struct status_piece *piece)
{
	const struct config *config = conn->daemon->instance->config;
	uint32_t slot = (uint32_t)status->cursor;
	size_t n = piece->reply.n_partitions;

	if (slot >= config->n_parts)
		return 0;
	status->cursor++;
	if (spec_is_free(&config->parts[slot]))
		return 1;
	status_fill_partition(conn->daemon, slot, &piece->parts[n]);
	piece->part_list[n] = &piece->parts[n];
	piece->reply.n_partitions++;
	return 1;
}

static int status_add_job(struct conn *conn, struct status *status, struct status_piece *piece)
{
	size_t n = piece->reply.n_jobs;
	const struct job *job;

	TAILQ_FOREACH(job, &conn->daemon->jobs, link)
		if (job->number > status->cursor && job_visible(job, conn->uid))
			break;
	if (!job)
		return 0;
	status->cursor = job->number;
	status_fill_job(conn->daemon, job, &piece->jobs[n]);
	piece->job_list[n] = &piece->jobs[n];
	piece->reply.n_jobs++;
	return 1;
}

static int status_add_move(struct conn *conn, struct status *status, struct status_piece *piece)
{
	for (int i = 0; i < STATUS_MOVES_LOOKED; i++) {
		const Vc__Moved *move = moves_next(conn->daemon, &status->cursor);

		if (!move)
			return moves_read(conn->daemon);
		if (conn->uid != 0 && move->uid != conn->uid)
			continue;
		piece->moves[piece->reply.n_moves++] = (Vc__Moved *)move;
		break;
	}
	return 1;
}

static int status_add_device(struct conn *conn, struct status *status, struct status_piece *piece)
{
	int r = 0;

	if (!status->devices)
		r = status_devices_new(conn->daemon, &status->devices);
	return r < 0 ? r : status_devices_add(conn->daemon, status->devices, &piece->reply);
}

static int status_add_region(struct conn *conn, struct status *status, struct status_piece *piece)
{
	return status_regions_add(conn->daemon, (size_t)status->cursor++, &piece->reply);
}

static int (*const status_add[STATUS_N_PARTS])(struct conn *conn, struct status *status,
					       struct status_piece *piece) = {
	[STATUS_PARTITIONS] = status_add_partition, [STATUS_JOBS] = status_add_job,
	[STATUS_MOVES] = status_add_move,           [STATUS_DEVICES] = status_add_device,
	[STATUS_REGIONS] = status_add_region,
};

/* Fills the piece until it is large enough. As status_add: whether there is more. */
static int status_fill(struct conn *conn, struct status *status, struct status_piece *piece)
{
	uint64_t begun = clock_mono_usec();

	for (int i = 0; status->part < STATUS_N_PARTS; i++) {
		int r = 0;

		if (i == STATUS_PIECE_ITEMS || clock_mono_usec() - begun >= STATUS_PIECE_USEC)
			return 1;
		if (status->wanted[status->part])
			r = status_add[status->part](conn, status, piece);
		if (r < 0)
			return r;
		if (r == 0) {
			status->part++;
			status->cursor = 0;
		}
	}
	return 0;
}

static int status_next(struct conn *conn, struct conn_answer *answer, struct vc_err *err)
{
	struct status *status = (struct status *)answer;
	_cleanup_free_ struct status_piece *piece = malloc(sizeof(*piece));
	Vc__Msg msg = VC__MSG__INIT;
	int r;

	if (!piece)
		return err_sys(err, ENOMEM, "status");
	piece->reply = (Vc__StatusReply)VC__STATUS_REPLY__INIT;
	piece->reply.partitions = piece->part_list;
	piece->reply.jobs = piece->job_list;
	piece->reply.moves = piece->moves;
	piece->reply.devices = piece->devices;
	piece->reply.regions = piece->regions;
	r = status_fill(conn, status, piece);
	if (r >= 0) {
		piece->reply.has_more = piece->reply.more = r > 0;
		msg.body_case = VC__MSG__BODY_STATUS_REPLY;
		msg.status_reply = &piece->reply;
		conn_send(conn, &msg, NULL, 0);
	}
	status_devices_done(&piece->reply);
	status_regions_done(&piece->reply);
	return r < 0 ? err_sys(err, -r, "status") : r;
}

static void status_free(struct conn_answer *answer)
{
	struct status *status = (struct status *)answer;

	status_devices_free(status->devices);
	free(status);
}

int req_status(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	const Vc__Status *wanted = msg->msg->status;
	struct status *status = calloc(1, sizeof(*status));

	if (!status)
		return err_sys(err, ENOMEM, "status");
	status->answer.next = status_next;
	status->answer.free = status_free;
	status->wanted[STATUS_PARTITIONS] = wanted->partitions;
	status->wanted[STATUS_JOBS] = wanted->jobs;
	status->wanted[STATUS_MOVES] = wanted->moves;
	status->wanted[STATUS_DEVICES] = wanted->devices;
	status->wanted[STATUS_REGIONS] = wanted->regions;
	conn_answer(conn, &status->answer);
	return 0;
}
