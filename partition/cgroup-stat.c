// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * cgroup-stat.c - what a group uses: CPU time, memory, time lost to pressure
 *
 * Read several times a second for every partition and job: one file each, no
 * library, nothing kept open.
 */
#include "partition/cgroup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "partition/cgroup-priv.h"

/* The number after "key " at the start of a line; 0 when there is no such line. */
static uint64_t stat_value(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text; *line;) {
		if (!strncmp(line, key, len) && line[len] == ' ')
			return strtoull(line + len + 1, NULL, 10);
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return 0;
}

static int find(const struct cg_hier *hier, const char *path, char group[static CG_GROUP_MAX])
{
	int r = cg_check_path(path, NULL);

	if (r < 0)
		return r;
	return hier ? cg_group(hier, path, group) : -EOPNOTSUPP;
}

int cg_cpu_usec(struct cg *cg, const char *path, uint64_t *ret_usec)
{
	const struct cg_hier *hier = cg_tracking(cg);
	char group[CG_GROUP_MAX], text[2048];
	uint64_t nsec;
	int r;

	/* v2 counts CPU time in every group, with or without the cpu controller. */
	if (hier->version == 2) {
		ssize_t len;

		r = find(hier, path, group);
		if (r < 0)
			return r;
		len = cg_read(hier, group, "cpu.stat", text, sizeof(text));
		if (len < 0)
			return (int)len;
		*ret_usec = stat_value(text, "usage_usec");
		return 0;
	}
	hier = cg_hier_of(cg, CG_CPUACCT);
	r = find(hier, path, group);
	if (r == 0)
		r = cg_read_u64(hier, group, "cpuacct.usage", &nsec);
	if (r == 0)
		*ret_usec = nsec / 1000;
	return r;
}

/* v1 has no "none" but a number of pages near 2^63. */
static uint64_t limit_value(const char *text)
{
	uint64_t value = strtoull(text, NULL, 10);

	return !strcmp(text, "max") || value >= UINT64_C(1) << 62 ? CG_NO_LIMIT : value;
}

int cg_memory_read(struct cg *cg, const char *path, struct cg_memory *ret)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_MEMORY);
	char group[CG_GROUP_MAX], limit[64], text[8192];
	uint64_t used, anon, shmem, mapped;
	ssize_t len;
	bool v2;
	int r = find(hier, path, group);

	if (r < 0)
		return r;
	v2 = hier->version == 2;
	r = cg_read_u64(hier, group, v2 ? "memory.current" : "memory.usage_in_bytes", &used);
	if (r < 0)
		return r;
	len = cg_read(hier, group, v2 ? "memory.max" : "memory.limit_in_bytes", limit,
		      sizeof(limit));
	if (len >= 0)
		len = cg_read(hier, group, "memory.stat", text, sizeof(text));
	if (len < 0)
		return (int)len;
	anon = stat_value(text, v2 ? "anon" : "total_rss");
	shmem = stat_value(text, v2 ? "shmem" : "total_shmem");
	mapped = stat_value(text, v2 ? "file_mapped" : "total_mapped_file");
	/* Mapped shared memory stands in both, by how much is not told: the larger. */
	*ret = (struct cg_memory){
		.used_bytes = used,
		.limit_bytes = limit_value(limit),
		.rss_bytes = anon + (shmem > mapped ? shmem : mapped),
	};
	return 0;
}

int cg_pressure_pct(struct cg *cg, const char *path, const char *resource, double *ret_pct)
{
	const struct cg_hier *hier = cg_tracking(cg);
	char group[CG_GROUP_MAX], file[32], text[256];
	int r = find(hier, path, group);

	if (r < 0)
		return r;
	if (hier->version != 2 ||
	    snprintf(file, sizeof(file), "%s.pressure", resource) >= (int)sizeof(file) ||
	    cg_read(hier, group, file, text, sizeof(text)) < 0 ||
	    sscanf(text, "some avg10=%lf", ret_pct) != 1)
		return -ENOENT;
	return 0;
}
