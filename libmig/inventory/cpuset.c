// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * cpuset.c - the CPUs of a process's cpuset
 */
#include "libmig/inventory/priv.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"

struct inventory_cpuset {
	char path[PATH_MAX]; /* as /proc/PID/cpuset has it */
	struct cpu_mask cpus;
	bool known;
};

/* Finds the mount of the cpuset hierarchy of cgroup v1, else that of v2. ret_root is the part of
 * the hierarchy that the mount shows. */
static bool cpuset_find_mount(char *ret_dir, char *ret_root, const char **ret_file)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;

	if (file_read_all(AT_FDCWD, "/proc/self/mountinfo", 1 << 22, &text) < 0)
		return false;
	*ret_file = NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char dir[PATH_MAX], root[PATH_MAX], type[32], options[256];
		const char *tail = strstr(line, " - ");
		bool v1;

		if (!tail || sscanf(tail, " - %31s %*s %255s", type, options) != 2)
			continue;
		v1 = !strcmp(type, "cgroup") && strstr(options, "cpuset");
		if (!v1 && (strcmp(type, "cgroup2") || *ret_file))
			continue;
		if (sscanf(line, "%*s %*s %*s %4095s %4095s", root, dir) != 2)
			continue;
		strcpy(ret_dir, dir);
		strcpy(ret_root, root);
		*ret_file = v1 ? "cpuset.effective_cpus" : "cpuset.cpus.effective";
		if (v1)
			break;
	}
	return *ret_file != NULL;
}

static bool cpuset_read(const char *group, struct cpu_mask *ret)
{
	/* The system's hierarchies are mounted once. */
	static char dir[PATH_MAX], root[PATH_MAX];
	static const char *file;
	char path[2 * PATH_MAX + 64], inside[PATH_MAX], text[8192];
	size_t skip;

	if (!file && !cpuset_find_mount(dir, root, &file))
		return false;
	skip = strcmp(root, "/") ? strlen(root) : 0;
	if (strncmp(group, root, skip))
		return false;
	snprintf(inside, sizeof(inside), "%s", group + skip);
	/* On v2 a group without the controller has its nearest ancestor's CPUs. */
	for (;;) {
		char *slash = strrchr(inside, '/');

		snprintf(path, sizeof(path), "%s%s/%s", dir, inside, file);
		if (inventory_read(AT_FDCWD, path, text, sizeof(text)) >= 0)
			return affinity_parse(text, ret) == 0;
		if (!slash)
			break;
		*slash = '\0';
	}
	return inventory_read(AT_FDCWD, "/sys/devices/system/cpu/online", text, sizeof(text)) >=
		       0 &&
	       affinity_parse(text, ret) == 0;
}

const struct cpu_mask *inventory_cpuset_of(struct inventory_scan *scan,
					   const struct inventory_proc *proc)
{
	char group[PATH_MAX];

	if (inventory_read(proc->dirfd, "cpuset", group, sizeof(group)) < 0)
		return NULL;
	group[strcspn(group, "\n")] = '\0';
	if (!scan->cpuset) {
		scan->cpuset = calloc(1, sizeof(*scan->cpuset));
		if (!scan->cpuset)
			return NULL;
	}
	if (strcmp(scan->cpuset->path, group)) {
		scan->cpuset->known = cpuset_read(group, &scan->cpuset->cpus);
		strcpy(scan->cpuset->path, group);
	}
	return scan->cpuset->known ? &scan->cpuset->cpus : NULL;
}
