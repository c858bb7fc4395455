// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * stat.c - what a group uses: CPU time, and time lost to pressure
 *
 * This runs several times a second for every partition and job. It reads one file each, without a
 * library, and keeps nothing open.
 */
#include "partition/cgroup/cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "partition/cgroup/priv.h"

uint64_t cg_stat_value(const char *text, const char *key)
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

int cg_stat_cpu_usec(struct cg *cg, const char *path, uint64_t *ret_usec)
{
	const struct cg_hier *hier = cg_tracking(cg);
	char group[CG_GROUP_MAX], text[2048];
	uint64_t nsec;
	int r;

	/* v2 counts CPU time in every group, with or without the cpu controller. */
	if (hier->version == 2) {
		ssize_t len;

		r = cg_group_find(hier, path, group);
		if (r < 0)
			return r;
		len = cg_file_read(hier, group, "cpu.stat", text, sizeof(text));
		if (len < 0)
			return (int)len;
		*ret_usec = cg_stat_value(text, "usage_usec");
		return 0;
	}
	hier = cg_hier_of(cg, CG_CPUACCT);
	r = cg_group_find(hier, path, group);
	if (r == 0)
		r = cg_file_read_u64(hier, group, "cpuacct.usage", &nsec);
	if (r == 0)
		*ret_usec = nsec / 1000;
	return r;
}

int cg_stat_pressure_pct(struct cg *cg, const char *path, const char *resource, double *ret_pct)
{
	const struct cg_hier *hier = cg_tracking(cg);
	char group[CG_GROUP_MAX], file[32], text[256];
	int r = cg_group_find(hier, path, group);

	if (r < 0)
		return r;
	if (hier->version != 2 ||
	    snprintf(file, sizeof(file), "%s.pressure", resource) >= (int)sizeof(file) ||
	    cg_file_read(hier, group, file, text, sizeof(text)) < 0 ||
	    sscanf(text, "some avg10=%lf", ret_pct) != 1)
		return -ENOENT;
	return 0;
}
