// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * orphan.c - jobs whose shim was killed while it moved them live
 *
 * The job's record then has "moving_to", and the job's processes are in the groups of two
 * partitions. A daemon finishes the move, or undoes it if the target refuses: when it starts, and
 * after the connection of a shim was lost. It does not matter which daemon does it.
 */
#include "daemon/job/orphan.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/log.h"
#include "common/proc.h"
#include "common/statedir.h"
#include "common/trust.h"
#include "daemon/daemon.h"
#include "daemon/part.h"
#include "partition/jobfile.h"
#include "partition/partition.h"

#define ORPHAN_LOOK_USEC 200000 /* after the connection, for the shim to end */

struct orphans {
	struct event *look;
};

/* Another process can have its PID. */
static bool orphan_shim_lives(const struct daemon *daemon, pid_t shim)
{
	const struct jobfile file = { .shim = shim };
	char state;

	return jobfile_has_shim(&file, daemon->cg) && proc_look(shim, &state, NULL) == 0 &&
	       state != 'Z' && state != 'X';
}

/* The processes of both groups go to one. Returns that partition; NULL: the job is gone. */
static const char *orphan_gather(const struct daemon *daemon, unsigned int job, const char *from,
				 const char *to)
{
	char source[64], target[64];
	struct vc_err err;

	partition_job_group(from, job, source, sizeof(source));
	partition_job_group(to, job, target, sizeof(target));
	if (cg_transfer(daemon->cg, source, target, &err) == 0) {
		cg_group_remove(daemon->cg, source, NULL);
		return to;
	}
	log_warn("job %u: %s", job, err.text);
	if (cg_transfer(daemon->cg, target, source, &err) < 0)
		return NULL;
	cg_group_remove(daemon->cg, target, NULL);
	return from;
}

static void orphan_save(const struct daemon *daemon, unsigned int job, json_t *record,
			const char *path, const char *place)
{
	_cleanup_free_ char *text = NULL;
	char group[64];
	int r;

	partition_job_group(place, job, group, sizeof(group));
	json_object_set_new(record, "partition", json_string(place));
	json_object_set_new(record, "group", json_string(group));
	json_object_del(record, "moving_to");
	text = json_dumps(record, JSON_COMPACT);
	r = text ? file_replace(daemon->instance->dirfd, path, text, strlen(text), 0600) : -ENOMEM;
	if (r < 0)
		log_warn("job %u: %s: %s", job, path, strerror(-r));
}

static void orphan_look_at(const struct daemon *daemon, unsigned int job)
{
	_cleanup_free_ char *text = NULL;
	json_auto_t *record = NULL;
	const char *from, *to, *place;
	char path[48];
	ssize_t len;

	snprintf(path, sizeof(path), STATE_JOB_FILE, job);
	len = trust_read_all(daemon->instance->dirfd, path, 65536, &text);
	record = len > 0 ? json_loadb(text, (size_t)len, 0, NULL) : NULL;
	from = json_string_value(json_object_get(record, "partition"));
	to = json_string_value(json_object_get(record, "moving_to"));
	if (!from || !to ||
	    orphan_shim_lives(daemon,
			      (pid_t)json_integer_value(json_object_get(record, "shim_pid"))))
		return;
	place = orphan_gather(daemon, job, from, to);
	if (!place)
		return;
	log_warn("job %u: its shim was killed on the way from %s to %s; the job is in %s", job,
		 from, to, place);
	orphan_save(daemon, job, record, path, place);
}

static void orphan_look(evutil_socket_t fd, short what, void *ctx)
{
	const struct daemon *daemon = ctx;
	int dirfd = openat(daemon->instance->dirfd, STATE_JOBS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = dirfd < 0 ? NULL : fdopendir(dirfd);
	const struct dirent *entry;

	/* Another daemon is at it. */
	if (!dir || flock(dirfd, LOCK_EX | LOCK_NB) < 0)
		return;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			orphan_look_at(daemon, (unsigned int)strtoul(entry->d_name, NULL, 10));
}

void orphan_expect(const struct daemon *daemon)
{
	struct timeval delay = { .tv_usec = ORPHAN_LOOK_USEC };

	if (daemon->orphans && !event_pending(daemon->orphans->look, EV_TIMEOUT, NULL))
		event_add(daemon->orphans->look, &delay);
}

static void orphan_stop(struct daemon *daemon)
{
	if (!daemon->orphans)
		return;
	if (daemon->orphans->look)
		event_free(daemon->orphans->look);
	free(daemon->orphans);
	daemon->orphans = NULL;
}

static int orphan_start(struct daemon *daemon, struct vc_err *err)
{
	daemon->orphans = calloc(1, sizeof(*daemon->orphans));
	if (daemon->orphans)
		daemon->orphans->look = evtimer_new(daemon->base, orphan_look, daemon);
	if (!daemon->orphans || !daemon->orphans->look)
		return err_sys(err, ENOMEM, "orphans");
	orphan_look(-1, 0, daemon);
	return 0;
}

const struct part orphan_part = { "orphan", orphan_start, orphan_stop };
