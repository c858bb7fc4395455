// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * snapshot.c - the data that vcstat shows, item by item; IPC objects: daemon/ipc/list.c
 *
 * Partitions come from the board, so each daemon has those of the whole instance. Jobs are only
 * this daemon's; their use of CPU and memory is read from their groups. A new kind of item is a row
 * of snapshot_sources[].
 */
#include "daemon/snapshot/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "daemon/alive.h"
#include "daemon/daemon.h"
#include "daemon/job/job.h"
#include "daemon/job/moves.h"
#include "partition/partition.h"
#include "wire/wire.h"

static int next_partition(struct snapshot *snapshot, struct snapshot_item *item)
{
	const struct config *config = snapshot->daemon->instance->config;

	if (snapshot->cursor >= config->n_parts)
		return 0;
	item->cursor = snapshot->cursor++;
	if (spec_is_free(&config->parts[item->cursor]))
		item->kind = SNAPSHOT_NONE;
	return 1;
}

static int fill_partition(struct snapshot *snapshot, struct snapshot_item *item)
{
	struct daemon *daemon = snapshot->daemon;
	uint32_t slot = (uint32_t)item->cursor;
	Vc__Partition *out = &item->partition;
	struct partition_spec *spec = &daemon->instance->config->parts[slot];
	enum cg_memory_hold held;
	struct cg_memory memory;
	enum alive alive;
	struct board_sample sample;

	vc__partition__init(out);
	alive = alive_look(daemon, slot, &sample);
	out->name = spec->name;
	out->state = (char *)alive_name(alive);
	out->cpus = spec->cpus;
	out->mems = spec->mems;
	out->exclusive = (char *)partition_exclusive_name(sample.exclusive);
	out->kept_by = (char *)cg_cpus_get_keeper(daemon->cg, spec->name);
	if (cg_hold_get(daemon->cg, spec->name, &held) == 0)
		out->memory_held = (char *)partition_hold_name(held);
	WIRE_SET(out, cpu_pct, sample.load.cpu_pct);
	WIRE_SET(out, group_cpu_pct, sample.load.group_cpu_pct);
	WIRE_SET(out, mem_used_bytes, sample.load.mem_used_bytes);
	WIRE_SET(out, mem_charged_bytes, sample.load.mem_charged_bytes);
	if (cg_memory_read(daemon->cg, spec->name, &memory) < 0)
		memory.limit_bytes = spec->memory_bytes;
	out->has_mem_limit_bytes = memory.limit_bytes != CG_NO_LIMIT;
	out->mem_limit_bytes = memory.limit_bytes;
	WIRE_SET(out, jobs, sample.load.jobs);
	WIRE_SET(out, runnable, sample.load.runnable);
	WIRE_SET(out, pending, sample.load.pending);
	WIRE_SET(out, pending_mem_bytes, sample.load.pending_mem_bytes);
	return 0;
}

static int next_job(struct snapshot *snapshot, struct snapshot_item *item)
{
	const struct job *job;

	TAILQ_FOREACH(job, &snapshot->daemon->jobs, link)
		if (job->number > snapshot->cursor)
			break;
	if (!job)
		return 0;
	snapshot->cursor = job->number;
	item->job = job;
	item->private = true;
	item->uid = job->state->uid;
	return 1;
}

static int fill_job(struct snapshot *snapshot, struct snapshot_item *item)
{
	struct daemon *daemon = snapshot->daemon;
	const struct job *job = item->job;
	Vc__Job *out = &item->job_info;
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
	WIRE_SET(out, pid, state->pid);
	WIRE_SET(out, uid, state->uid);
	out->partition = state->partition;
	WIRE_SET(out, state, state->state);
	out->reason = state->reason;
	out->n_argv = state->n_argv;
	out->argv = state->argv;
	WIRE_SET(out, moves, state->moves);
	WIRE_SET(out, cpu_usec, state->cpu_base_usec + cpu_usec);
	WIRE_SET(out, rss_bytes, memory.rss_bytes);
	WIRE_SET(out, lien_bytes, state->lien_bytes);
	WIRE_SET(out, started_usec, state->started_usec);
	out->parent = parent >= 0 ? daemon->instance->config->parts[parent].name : NULL;
	out->has_parent_job = state->has_parent_job;
	out->parent_job = state->parent_job;
	if (job->balance.advice >= 0)
		out->advice = daemon->instance->config->parts[job->balance.advice].name;
	return 0;
}

static int next_move(struct snapshot *snapshot, struct snapshot_item *item)
{
	item->move = moves_next(snapshot->daemon, &snapshot->cursor);
	if (!item->move) {
		item->kind = SNAPSHOT_NONE;
		return moves_read(snapshot->daemon);
	}
	item->private = true;
	item->uid = item->move->uid;
	return 1;
}

static const struct snapshot_source partition_source = { .next = next_partition,
							 .fill = fill_partition };
static const struct snapshot_source job_source = { .next = next_job, .fill = fill_job };
static const struct snapshot_source move_source = { .next = next_move };

static const struct snapshot_source *const snapshot_sources[SNAPSHOT_N] = {
	[SNAPSHOT_PARTITION] = &partition_source,
	[SNAPSHOT_JOB] = &job_source,
	[SNAPSHOT_MOVE] = &move_source,
	[SNAPSHOT_DEVICE] = &snapshot_device_source,
	[SNAPSHOT_REGION] = &snapshot_region_source,
};

struct snapshot *snapshot_new(struct daemon *daemon, const bool wanted[SNAPSHOT_N])
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (!snapshot)
		return NULL;
	snapshot->daemon = daemon;
	memcpy(snapshot->wanted, wanted, sizeof(snapshot->wanted));
	return snapshot;
}

void snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	snapshot_devices_free(snapshot->devices);
	free(snapshot);
}

int snapshot_next(struct snapshot *snapshot, struct snapshot_item *ret)
{
	for (; snapshot->kind < SNAPSHOT_N; snapshot->kind++, snapshot->cursor = 0) {
		int r = 0;

		*ret = (struct snapshot_item){ .kind = snapshot->kind };
		if (snapshot->wanted[snapshot->kind])
			r = snapshot_sources[snapshot->kind]->next(snapshot, ret);
		if (r != 0)
			return r;
	}
	return 0;
}

int snapshot_fill(struct snapshot *snapshot, struct snapshot_item *item)
{
	const struct snapshot_source *source = snapshot_sources[item->kind];

	return source->fill ? source->fill(snapshot, item) : 0;
}

void snapshot_done(struct snapshot_item *item)
{
	if (snapshot_sources[item->kind]->done)
		snapshot_sources[item->kind]->done(item);
}
