// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * memory.c - how much memory a group uses and may use
 *
 * A limit below the usage must fail, and never kill. v1's limit file works that way; v2's does not.
 * shrink.c reclaims memory so that a lower limit fits.
 */
#include "partition/cgroup/cgroup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "partition/cgroup/priv.h"

/* v1 writes "no limit" as a number near 2^63. */
static uint64_t memory_limit_value(const char *text)
{
	uint64_t value = strtoull(text, NULL, 10);

	return !strcmp(text, "max") || value >= UINT64_C(1) << 62 ? CG_NO_LIMIT : value;
}

/*
 * The kernel can reclaim page cache without swap. It is on the file lists, clean or dirty, mapped
 * or not; v2 counts shrinkable slabs (inodes, names) too. Everything else is in use: anonymous,
 * shared and locked memory, page tables, stacks, other kernel memory.
 */
uint64_t cg_memory_in_use(const char *stat, uint64_t charged, bool v2)
{
	uint64_t cache = cg_stat_value(stat, v2 ? "inactive_file" : "total_inactive_file") +
			 cg_stat_value(stat, v2 ? "active_file" : "total_active_file") +
			 (v2 ? cg_stat_value(stat, "slab_reclaimable") : 0);

	/* The usage was read before, so the cache may be larger. */
	return charged > cache ? charged - cache : 0;
}

int cg_memory_read(struct cg *cg, const char *path, struct cg_memory *ret)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_MEMORY);
	char group[CG_GROUP_MAX], limit[64], text[8192];
	uint64_t charged, anon, shmem, mapped;
	ssize_t len;
	bool v2;
	int r = cg_group_find(hier, path, group);

	if (r < 0)
		return r;
	v2 = hier->version == 2;
	r = cg_file_read_u64(hier, group, v2 ? "memory.current" : "memory.usage_in_bytes",
			     &charged);
	if (r < 0)
		return r;
	len = cg_file_read(hier, group, v2 ? "memory.max" : "memory.limit_in_bytes", limit,
			   sizeof(limit));
	if (len >= 0)
		len = cg_file_read(hier, group, "memory.stat", text, sizeof(text));
	if (len < 0)
		return (int)len;
	anon = cg_stat_value(text, v2 ? "anon" : "total_rss");
	shmem = cg_stat_value(text, v2 ? "shmem" : "total_shmem");
	mapped = cg_stat_value(text, v2 ? "file_mapped" : "total_mapped_file");
	/* Mapped shared memory counts in both. The overlap is unknown, so the larger counts. */
	*ret = (struct cg_memory){
		.charged_bytes = charged,
		.used_bytes = cg_memory_in_use(text, charged, v2),
		.limit_bytes = memory_limit_value(limit),
		.rss_bytes = anon + (shmem > mapped ? shmem : mapped),
	};
	return 0;
}

static int memory_v2_set(struct cg *cg, const struct cg_hier *hier, const char *group,
			 uint64_t limit, const char *text, struct vc_err *err)
{
	uint64_t used = 0;

	if (!cg_file_exists(hier, group, "memory.max"))
		return err_set(err, EOPNOTSUPP,
			       "the memory controller does not reach %s/%s: a group above holds "
			       "processes itself or does not pass it on",
			       hier->mount, group);
	/* The kernel would kill to enforce a maximum below the usage. */
	if (cg_file_read_u64(hier, group, "memory.current", &used) == 0 && used > limit)
		return err_set(err, EBUSY, "%s/%s uses %" PRIu64 " bytes, more than %" PRIu64,
			       hier->mount, group, used, limit);
	return cg_lib_set(cg, hier, group, "memory.max", text, err);
}

static int memory_v1_set(struct cg *cg, const struct cg_hier *hier, const char *group,
			 uint64_t limit, const char *text, struct vc_err *err)
{
	int r = cg_lib_set(cg, hier, group, "memory.limit_in_bytes", text, err);
	uint64_t used = 0;

	if (r != -EBUSY)
		return r;
	cg_file_read_u64(hier, group, "memory.usage_in_bytes", &used);
	return err_set(err, EBUSY,
		       "%s/%s uses %" PRIu64 " bytes and cannot be brought below %" PRIu64,
		       hier->mount, group, used, limit);
}

int cg_memory_set(struct cg *cg, const char *path, uint64_t limit_bytes, struct vc_err *err)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_MEMORY);
	char group[CG_GROUP_MAX], text[32];
	int r = cg_group_check_path(path, err);

	if (r < 0)
		return r;
	if (!hier && limit_bytes == CG_NO_LIMIT)
		return 0;
	if (!hier)
		return err_set(err, EOPNOTSUPP, "this machine has no memory controller");
	r = cg_group_of(hier, path, group);
	if (r < 0)
		return err_sys(err, -r, "cannot limit the memory of \"%s\"", path);
	if (!cg_file_exists(hier, group, "cgroup.procs"))
		return err_set(err, ENOENT, "there is no group \"%s\" in %s", path, hier->mount);
	snprintf(text, sizeof(text), "%" PRIu64, limit_bytes);
	if (hier->version == 2)
		r = memory_v2_set(cg, hier, group, limit_bytes,
				  limit_bytes == CG_NO_LIMIT ? "max" : text, err);
	else
		r = memory_v1_set(cg, hier, group, limit_bytes,
				  limit_bytes == CG_NO_LIMIT ? "-1" : text, err);
	/* A killed cg_shrink_memory() may have left these. */
	if (r == 0)
		cg_file_write(hier, group,
			      hier->version == 2 ? "memory.high" : "memory.oom_control",
			      hier->version == 2 ? "max" : "0");
	return r;
}

int cg_memory_oom_kills(struct cg *cg, const char *path, uint64_t *ret_n)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_MEMORY);
	char group[CG_GROUP_MAX], text[512];
	const char *line;
	int r = hier ? cg_group_of(hier, path, group) : -EOPNOTSUPP;
	ssize_t len;

	if (r < 0)
		return r;
	len = cg_file_read(hier, group, hier->version == 2 ? "memory.events" : "memory.oom_control",
			   text, sizeof(text));
	if (len < 0)
		return (int)len;
	/* v1 has it from Linux 4.13 on. */
	line = strstr(text, "oom_kill ");
	if (!line || sscanf(line, "oom_kill %" SCNu64, ret_n) != 1)
		return -ENOENT;
	return 0;
}
