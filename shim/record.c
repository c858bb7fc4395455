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
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/trust.h"
#include "common/log.h"
#include "partition/partition.h"

/* One line of moves.jsonl is one write; readers keep this many bytes of the past. */
#define RECORD_MOVES "moves.jsonl"
#define RECORD_MOVES_MAX (4u << 20)

const char *job_state_name(enum job_state state)
{
	static const char *const names[] = {
#define X(id, name) [JOB_##id] = name,
		JOB_STATES(X)
#undef X
	};

	return names[state];
}

void record_send(struct shim *shim)
{
	Vc__JobState body = VC__JOB_STATE__INIT;
	Vc__Msg msg = VC__MSG__INIT;
	struct vc_err err;

	if (!shim->daemon || !shim->start)
		return;
	body.job = shim->job;
	body.name = shim->start->run->name;
	body.has_pid = body.has_shim_pid = body.has_uid = body.has_moves = true;
	body.pid = shim->program;
	body.shim_pid = getpid();
	body.uid = shim->start->creds->uid;
	body.moves = shim->moves;
	body.partition = shim->partition;
	body.state = (char *)job_state_name(shim->state);
	body.n_argv = shim->start->run->n_argv;
	body.argv = shim->start->run->argv;
	body.has_cpu_base_usec = body.has_started_usec = body.has_at_usec = true;
	body.cpu_base_usec = shim->cpu_base_usec;
	body.started_usec = shim->started_usec;
	body.at_usec = shim->placed_usec;
	body.has_downtime_usec = body.has_image_bytes = shim->moves > 0;
	body.downtime_usec = shim->move_downtime_usec;
	body.image_bytes = shim->move_image_bytes;
	msg.body_case = VC__MSG__BODY_JOB_STATE;
	msg.job_state = &body;
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

	snprintf(dir, sizeof(dir), "jobs/%u", shim->job);
	snprintf(path, sizeof(path), "%s/job.json", dir);
	if (mkdirat(shim->instance->dirfd, dir, 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "%s/%s", shim->instance->dir, dir);
	json = json_pack("{s:I, s:s, s:s, s:i, s:i, s:i, s:I}", "id", (json_int_t)shim->job,
			 "partition", shim->partition, "group",
			 partition_job_group(shim->partition, shim->job, group, sizeof(group)),
			 "shim_pid", (int)getpid(), "root_pid", (int)shim->root, "pid",
			 (int)shim->program, "uid", (json_int_t)shim->start->creds->uid);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	if (!text)
		return err_sys(err, ENOMEM, "%s/%s", shim->instance->dir, path);
	r = file_replace(shim->instance->dirfd, path, text, strlen(text), 0600);
	return r < 0 ? err_sys(err, -r, "%s/%s", shim->instance->dir, path) : 0;
}

void record_remove(const struct shim *shim)
{
	char dir[32];

	snprintf(dir, sizeof(dir), "jobs/%u", shim->job);
	file_remove_tree(shim->instance->dirfd, dir);
}

/* A reason may quote a file's name, which is bytes; JSON's strings are UTF-8. */
static json_t *record_text(const char *text)
{
	_cleanup_free_ char *clean = NULL;
	json_t *json = text ? json_string(text) : NULL;

	if (json || !text)
		return json;
	clean = strdup(text);
	for (char *c = clean; c && *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return clean ? json_string(clean) : NULL;
}

static json_t *record_move_json(const Vc__Moved *moved)
{
	json_t *steps = json_object();

	for (size_t i = 0; i < moved->n_steps; i++)
		json_object_set_new(steps, moved->steps[i]->name,
				    json_integer((json_int_t)moved->steps[i]->usec));
	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o*, s:o}", "job",
			 (json_int_t)moved->job, "from", moved->from, "to", moved->to, "engine",
			 moved->engine, "result", moved->result, "downtime_usec",
			 (json_int_t)moved->downtime_usec, "total_usec",
			 (json_int_t)moved->total_usec, "image_bytes",
			 (json_int_t)moved->image_bytes, "at", (json_int_t)moved->at_usec, "uid",
			 (json_int_t)moved->uid, "reason", record_text(moved->reason), "steps",
			 steps);
}

/* A disk that was full has cut the last line: what follows is to begin one of its own. */
static bool record_is_torn(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char last;

	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

void record_move(const struct shim *shim, const Vc__Moved *moved)
{
	json_auto_t *json = record_move_json(moved);
	_cleanup_free_ char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	_cleanup_free_ char *line = NULL;
	_cleanup_close_ int fd = -1;
	int state = shim->instance->dirfd;
	struct stat st;

	if (fstatat(state, RECORD_MOVES, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_size > RECORD_MOVES_MAX)
		renameat(state, RECORD_MOVES, state, RECORD_MOVES ".1");
	fd = trust_openat(state, RECORD_MOVES, O_RDWR | O_APPEND | O_CREAT, 0600);
	errno = fd < 0 ? -fd : 0;
	if (!text || fd < 0 ||
	    asprintf(&line, "%s%s\n", record_is_torn(fd) ? "\n" : "", text) < 0 ||
	    write(fd, line, strlen(line)) < 0)
		log_warn("job %u: its move is not in %s/" RECORD_MOVES ": %s", shim->job,
			 shim->instance->dir, strerror(errno));
}
