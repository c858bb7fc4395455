// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * jobs.c - finds the jobs of an instance without asking its daemons
 *
 * The kernel's groups tell which jobs have processes. A parked job has none, but its shim lives.
 */
#include "admin/priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/array.h"
#include "partition/jobfile.h"
#include "partition/partition.h"

static bool jobs_has(const pid_t *pids, size_t n, pid_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* Adds the job of a group if there is one: a shim that waits for its job has a group but no file.
 */
static int jobs_add(const struct instance *in, struct cg *cg, const char *group,
		    struct found_job **jobs, size_t *n_jobs, struct vc_err *err)
{
	struct found_job found = { .id = 0 }, *added;
	_cleanup_free_ pid_t *pids = NULL;
	struct jobfile file;
	size_t n = 0;

	if (partition_parse_group(group, found.partition, sizeof(found.partition), &found.id) < 0 ||
	    jobfile_read(in->dirfd, found.id, &file) < 0 ||
	    cg_procs_list(cg, group, &pids, &n, NULL) < 0 ||
	    (n == 0 && !jobfile_has_shim(&file, cg)))
		return 0;
	added = array_add(jobs, n_jobs);
	if (!added)
		return err_sys(err, ENOMEM, "jobs");
	found.ending = !jobs_has(pids, n, file.program);
	*added = found;
	return 0;
}

static int jobs_add_all(const struct instance *in, struct cg *cg, const char *partition,
			struct found_job **jobs, size_t *n_jobs, struct vc_err *err)
{
	char **names = NULL;
	size_t n = 0;
	int r;

	if (!*partition || !cg_group_exists(cg, partition))
		return 0;
	r = cg_group_children(cg, partition, &names, &n, err);
	for (size_t i = 0; i < n; i++) {
		char group[256];

		snprintf(group, sizeof(group), "%s/%s", partition, names[i]);
		if (r == 0)
			r = jobs_add(in, cg, group, jobs, n_jobs, err);
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
		int r = jobs_add_all(in, cg, in->config->parts[i].name, &jobs, &n, err);

		if (r < 0)
			return r;
	}
	*ret = steal_ptr(jobs);
	*ret_n = n;
	return 0;
}
