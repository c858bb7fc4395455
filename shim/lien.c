// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lien.c - memory of the job that is charged to a partition where the job is no longer
 *
 * A live move cannot take the charge of all memory along. What stays is charged to the job's group
 * at the source, which is kept for it: it has no processes, and is used again if the job comes
 * back. It is removed when little is left, and at the job's end.
 */
#include <string.h>

#include "common/log.h"
#include "partition/partition.h"
#include "shim/shim.h"

#define LIEN_LEAST_BYTES (1u << 20) /* less is the kernel's own, and is left to the partition */

static uint64_t lien_at(const struct shim *shim, const char *group)
{
	struct cg_memory memory = { 0 };

	if (!cg_group_exists(shim->cg, group))
		return 0;
	cg_memory_read(shim->cg, group, &memory);
	return memory.used_bytes;
}

uint64_t lien_settle(const struct shim *shim, bool all)
{
	const struct config *config = shim->instance->config;
	uint64_t sum = 0;

	for (size_t i = 0; i < config->n_parts; i++) {
		const char *partition = config->parts[i].name;
		struct vc_err err;
		char group[64];
		uint64_t bytes;

		if (spec_is_free(&config->parts[i]) || !strcmp(partition, shim->partition))
			continue;
		partition_job_group(partition, shim->job, group, sizeof(group));
		bytes = lien_at(shim, group);
		if (bytes >= LIEN_LEAST_BYTES && !all)
			sum += bytes;
		else if (cg_group_remove(shim->cg, group, &err) < 0)
			log_warn("job %u: %s", shim->job, err.text);
	}
	return sum;
}
