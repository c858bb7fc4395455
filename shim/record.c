// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * record.c - the job's state: for the daemon, and for the state directory
 *
 * The daemon gets the whole state with every change and keeps no other: a daemon
 * that comes back knows all of a job after one message. job.json is for the case
 * that no daemon is there to ask: vcctl finds the job's shim and group by it.
 */
#include "shim/shim.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/log.h"
#include "common/statedir.h"
#include "common/trust.h"
#include "partition/partition.h"
#include "wire/args.h"
#include "wire/moved.h"

/* One line of moves.jsonl is one write; readers keep this many bytes of the past. */
#define RECORD_MOVES_MAX (4u << 20)

void record_send(struct shim *shim)
{
	ProtobufCBinaryData argv[ARGS_MAX];
	Vc__JobState body = VC__JOB_STATE__INIT;
	Vc__Msg msg = WIRE_MSG(JOB_STATE, job_state, &body);
	struct vc_err err;

	if (!shim->daemon || !shim->start)
		return;
	body.job = shim->job;
	body.name = shim->start->run->name;
	WIRE_SET(&body, pid, shim->program);
	WIRE_SET(&body, shim_pid, getpid());
	WIRE_SET(&body, uid, shim->start->creds->uid);
	WIRE_SET(&body, moves, shim->moves);
	body.partition = shim->partition;
	WIRE_SET(&body, state, shim->state);
	body.n_argv = args_cut(shim->start->run->argv, shim->start->run->n_argv, argv);
	body.argv = argv;
	WIRE_SET(&body, cpu_base_usec, shim->cpu_base_usec);
	WIRE_SET(&body, started_usec, shim->started_usec);
	WIRE_SET(&body, at_usec, shim->placed_usec);
	WIRE_SET(&body, lien_bytes, shim->lien_bytes);
	body.has_downtime_usec = body.has_image_bytes = shim->moves > 0;
	body.downtime_usec = shim->move_downtime_usec;
	body.image_bytes = shim->move_image_bytes;
	body.reason = shim->state == VC__STATE__PARKED ? shim->parked_why.text : NULL;
	body.has_empty = body.empty = shim->empty;
	body.parent = shim->start->parent;
	body.has_parent_job = shim->start->has_parent_job;
	body.parent_job = shim->start->parent_job;
	body.has_confirm = body.confirm = shim->unconfirmed;
	if (wire_send(shim->daemon, &msg, NULL, 0, &err) < 0)
		log_warn("job %u: to the daemon: %s", shim->job, err.text);
	else if (wire_pending(shim->daemon))
		event_add(shim->daemon_write_event, NULL);
}

int record_save(const struct shim *shim, struct vc_err *err)
{
	char dir[32], path[48], group[64];
	json_auto_t *json = NULL;
	_cleanup_free_ char *text = NULL;
	int r;

	snprintf(dir, sizeof(dir), STATE_JOB, shim->job);
	snprintf(path, sizeof(path), "%s/job.json", dir);
	if (mkdirat(shim->instance->dirfd, dir, 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "%s/%s", shim->instance->dir, dir);
	json = json_pack("{s:I, s:s, s:s, s:i, s:i, s:i, s:I, s:s*}", "id", (json_int_t)shim->job,
			 "partition", shim->partition, "group",
			 partition_job_group(shim->partition, shim->job, group, sizeof(group)),
			 "shim_pid", (int)getpid(), "root_pid", (int)shim->root, "pid",
			 (int)shim->program, "uid", (json_int_t)shim->start->creds->uid,
			 "moving_to", shim->moving_to[0] ? shim->moving_to : NULL);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	if (!text)
		return err_sys(err, ENOMEM, "%s/%s", shim->instance->dir, path);
	r = file_replace(shim->instance->dirfd, path, text, strlen(text), 0600);
	return r < 0 ? err_sys(err, -r, "%s/%s", shim->instance->dir, path) : 0;
}

void record_remove(const struct shim *shim)
{
	char dir[32];

	snprintf(dir, sizeof(dir), STATE_JOB, shim->job);
	file_remove_tree(shim->instance->dirfd, dir);
}

void record_move(const struct shim *shim, const Vc__Moved *moved)
{
	json_auto_t *json = moved_to_json(moved);
	_cleanup_free_ char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	int r = text ? trust_append(shim->instance->dirfd, STATE_MOVES, text, 0600) : -ENOMEM;

	if (r < 0)
		log_warn("job %u: its move is not in %s/" STATE_MOVES ": %s", shim->job,
			 shim->instance->dir, strerror(-r));
}
