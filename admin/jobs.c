// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * jobs.c - finds the jobs of an instance without asking its daemons
 *
 * The kernel's groups tell which jobs have processes. A parked job has none; the shim that its
 * record names must live.
 */
#include "admin/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/trust.h"
#include "partition/partition.h"

/* A shim that waits for its job has a group, but no record. */
static bool jobs_has_record(const struct instance *in, unsigned int id)
{
	char path[64];

	snprintf(path, sizeof(path), "jobs/%u", id);
	return faccessat(in->dirfd, path, F_OK, 0) == 0;
}

/* What the job's shim has written down; NULL: nothing yet. */
static json_t *jobs_record(const struct instance *in, unsigned int id)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "jobs/%u/job.json", id);
	len = trust_read_all(in->dirfd, path, 65536, &text);
	return len > 0 ? json_loadb(text, (size_t)len, 0, NULL) : NULL;
}

/* A parked job has no process; its shim holds the images that it lives in. */
static bool jobs_shim_lives(const json_t *record, struct cg *cg)
{
	pid_t pid = (pid_t)json_integer_value(json_object_get(record, "shim_pid"));
	char group[64];

	return pid > 0 && cg_procs_group(cg, pid, group, sizeof(group)) == 0 &&
	       !strcmp(group, PARTITION_SHIMS_GROUP);
}

static bool jobs_has_program(const json_t *record, const pid_t *pids, size_t n)
{
	pid_t pid = (pid_t)json_integer_value(json_object_get(record, "pid"));

	for (size_t i = 0; i < n; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

static int jobs_add(const struct instance *in, struct cg *cg, const char *partition,
		    struct found_job **jobs, size_t *n_jobs, struct vc_err *err)
{
	char **names = NULL;
	size_t n = 0;
	int r;

	if (!*partition || !cg_group_exists(cg, partition))
		return 0;
	r = cg_group_children(cg, partition, &names, &n, err);
	for (size_t i = 0; i < n; i++) {
		char path[256], parsed[PARTITION_NAME_MAX];
		json_auto_t *record = NULL;
		struct found_job *grown;
		pid_t *pids = NULL;
		size_t n_pids = 0;
		unsigned int id = 0;
		bool found = false;

		snprintf(path, sizeof(path), "%s/%s", partition, names[i]);
		if (r == 0 && partition_parse_group(path, parsed, sizeof(parsed), &id) == 0 &&
		    jobs_has_record(in, id) && cg_procs_list(cg, path, &pids, &n_pids, NULL) == 0) {
			record = jobs_record(in, id);
			found = n_pids > 0 || jobs_shim_lives(record, cg);
		}
		if (found) {
			grown = realloc(*jobs, (*n_jobs + 1) * sizeof(*grown));
			if (grown) {
				*jobs = grown;
				snprintf(grown[*n_jobs].partition, sizeof(grown->partition), "%s",
					 parsed);
				grown[*n_jobs].ending = !jobs_has_program(record, pids, n_pids);
				grown[(*n_jobs)++].id = id;
			} else {
				r = err_sys(err, ENOMEM, "jobs");
			}
		}
		free(pids);
		free(names[i]);
	}
	free(names);
	return r;
}

int jobs_find(const struct instance *in, struct cg *cg, struct found_job **ret, size_t *ret_n,
	      struct vc_err *err)
{
	_cleanup_free_ struct found_job *jobs = NULL;
	size_t n = 0;

	for (size_t i = 0; i < in->config->n_parts; i++) {
		int r = jobs_add(in, cg, in->config->parts[i].name, &jobs, &n, err);

		if (r < 0)
			return r;
	}
	*ret = steal_ptr(jobs);
	*ret_n = n;
	return 0;
}
