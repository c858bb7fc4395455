// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * jobfile.c - job.json, which a job's shim writes, for processes that cannot ask a daemon
 *
 * A job's images exist from before the freeze of a move until the job runs again, and while it is
 * parked. job.json shows that at every moment, unlike a message of the shim, which takes time.
 */
#include "partition/jobfile.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/statedir.h"
#include "common/trust.h"
#include "partition/cgroup/cgroup.h"
#include "partition/partition.h"

#define JOBFILE_MAX 65536

int jobfile_read(int dirfd, unsigned int job, struct jobfile *ret)
{
	_cleanup_free_ char *text = NULL;
	json_auto_t *json = NULL;
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), STATE_JOB, job);
	if (faccessat(dirfd, path, F_OK, 0) < 0)
		return -ENOENT;
	snprintf(path, sizeof(path), STATE_JOB_FILE, job);
	len = trust_read_all(dirfd, path, JOBFILE_MAX, &text);
	json = len > 0 ? json_loadb(text, (size_t)len, 0, NULL) : NULL;
	ret->shim = (pid_t)json_integer_value(json_object_get(json, "shim_pid"));
	ret->program = (pid_t)json_integer_value(json_object_get(json, "pid"));
	return 0;
}

bool jobfile_has_shim(const struct jobfile *file, struct cg *cg)
{
	char group[64];

	return file->shim > 0 && cg_procs_group(cg, file->shim, group, sizeof(group)) == 0 &&
	       !strcmp(group, PARTITION_SHIMS_GROUP);
}

bool jobfile_is_away(int dirfd, struct cg *cg, unsigned int job)
{
	struct jobfile file;
	char path[64];

	snprintf(path, sizeof(path), STATE_IMAGES_JOB, job);
	return faccessat(dirfd, path, F_OK, 0) == 0 && jobfile_read(dirfd, job, &file) == 0 &&
	       jobfile_has_shim(&file, cg);
}
