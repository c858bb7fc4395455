// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * partition.c - a partition's life: made from its spec, checked, removed
 *
 * One function makes and adopts a partition. Each step succeeds when its result exists, and sets
 * the limits again. So a group that a crash left gets its spec while its jobs run on. When a step
 * fails, only a new group is removed.
 */
#include "partition/partition.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "partition/device/irq.h"
#include "partition/topology.h"

#define JOB_PREFIX "job-"
#define ADOPT_SHRINK_USEC 2000000
#define WITNESS_KILL_USEC 1000000

/* A group that a crash left may use more than its spec allows. */
static int partition_set_memory(struct cg *cg, const struct partition_spec *spec,
				struct vc_err *err)
{
	const struct cg_shrink how = {
		.deadline_usec = clock_mono_usec() + ADOPT_SHRINK_USEC,
		.swap = spec->mode == MEMORY_PAGEABLE,
	};
	enum cg_memory_hold obtained;
	int r = cg_memory_set(cg, spec->name, spec->memory_bytes, err);

	if (r == -EBUSY)
		r = cg_shrink_memory(cg, spec->name, spec->memory_bytes, &how, err);
	return r < 0 ? r
		     : cg_hold_set(cg, spec->name, spec->mode == MEMORY_FIXED, spec->memory_bytes,
				   &obtained, err);
}

int partition_set_cpus(struct cg *cg, const struct partition_spec *spec, bool exclusive,
		       enum cg_exclusive *ret_obtained, struct vc_err *err)
{
	int r = topology_check_cpus(spec->cpus, NULL, 0, NULL, err);

	return r < 0 ? r
		     : cg_cpus_set(cg, spec->name, spec->cpus, spec->mems, exclusive, ret_obtained,
				   err);
}

int partition_create(struct cg *cg, const struct partition_spec *spec,
		     enum cg_exclusive *ret_obtained, struct vc_err *err)
{
	bool adopted = cg_group_exists(cg, spec->name);
	enum cg_exclusive obtained;
	int r = cg_group_create(cg, spec->name, err);

	if (r == 0)
		r = partition_set_cpus(cg, spec, spec->exclusive, &obtained, err);
	if (r == 0)
		r = partition_set_memory(cg, spec, err);
	if (r == 0) {
		*ret_obtained = obtained;
		return 0;
	}
	if (!adopted)
		cg_group_remove(cg, spec->name, NULL);
	err_add(err, "partition %s", spec->name);
	return r;
}

void partition_count_kept(struct cg *cg, const struct partition_spec *spec,
			  struct partition_kept *kept)
{
	if (spec_is_free(spec) || !spec->exclusive || !cg_group_exists(cg, spec->name))
		return;
	kept->asked++;
	kept->kept += cg_cpus_get_keeper(cg, spec->name) != NULL;
}

void partition_keep_all_or_none(struct cg *cg, const struct partition_kept *kept)
{
	if (kept->kept > 0 && kept->kept < kept->asked)
		cg_cpus_share_kept(cg);
}

void partition_route(const struct partition_spec *spec, int state)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (spec->devices && root >= 0)
		irq_route_devices(root, state, spec->devices, spec->cpus);
}

void partition_unroute(const struct partition_spec *spec, int state)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (!spec)
		irq_restore_all(root, state);
	else if (spec->devices)
		irq_restore_devices(root, state, spec->devices);
}

int partition_destroy(struct cg *cg, const char *name, struct vc_err *err)
{
	char group[64];
	int r;

	/* A killed daemon leaves its witness. */
	cg_procs_kill(cg, partition_witness_group(name, group, sizeof(group)), WITNESS_KILL_USEC,
		      NULL);
	r = cg_group_remove(cg, name, err);
	if (r < 0)
		err_add(err, "partition %s", name);
	return r;
}

char *partition_job_group(const char *partition, unsigned int job, char *buf, size_t size)
{
	snprintf(buf, size, "%s/" JOB_PREFIX "%u", partition, job);
	return buf;
}

char *partition_idle_group(const char *partition, pid_t shim, char *buf, size_t size)
{
	snprintf(buf, size, "%s/idle-%d", partition, (int)shim);
	return buf;
}

char *partition_witness_group(const char *partition, char *buf, size_t size)
{
	snprintf(buf, size, "%s/witness", partition);
	return buf;
}

int partition_parse_group(const char *path, char *ret_partition, size_t size, unsigned int *ret_job)
{
	const char *slash = strchr(path, '/');
	const char *number;
	unsigned long job;
	char *end;

	if (!slash || slash == path || strncmp(slash + 1, JOB_PREFIX, strlen(JOB_PREFIX)))
		return -EINVAL;
	number = slash + 1 + strlen(JOB_PREFIX);
	if (*number < '1' || *number > '9')
		return -EINVAL;
	errno = 0;
	job = strtoul(number, &end, 10);
	if (errno || job > UINT32_MAX || (*end && *end != '/') || (size_t)(slash - path) >= size)
		return -EINVAL;
	memcpy(ret_partition, path, (size_t)(slash - path));
	ret_partition[slash - path] = '\0';
	*ret_job = (unsigned int)job;
	return 0;
}

const char *partition_exclusive_name(enum cg_exclusive obtained)
{
	switch (obtained) {
	case CG_DEDICATED:
		return "dedicated";
	case CG_ADVISORY:
		return "advisory";
	case CG_SHARED:
		break;
	}
	return "shared";
}

const char *partition_hold_name(enum cg_memory_hold obtained)
{
	switch (obtained) {
	case CG_HOLD_FIXED:
		return "fixed";
	case CG_HOLD_UNPAGED:
		return "unswapped";
	case CG_HOLD_NONE:
		break;
	}
	return "pageable";
}
