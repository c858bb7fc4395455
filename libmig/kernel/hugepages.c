// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hugepages.c - whether the pools have the huge pages that a move takes
 *
 * Huge pages come from a pool of fixed size, one for each size of page and node. A move
 * takes more of them than the job has, in three ways:
 *
 * - CRIU reads a memfd or shared anonymous memory by a private mapping, for which the
 *   kernel reserves as many pages again: one object at a time, during the dump.
 * - SysV segments are made anew while the mover still holds the job's old IPC namespace,
 *   and so the old segments.
 * - Private huge pages that processes share since a fork are each process's own after a
 *   restore.
 *
 * All the rest is freed before it is taken again. But then it comes from the nodes of
 * the target.
 *
 * Sizes and numbers are in /sys/kernel/mm/hugepages/hugepages-NkB and, for each node,
 * in /sys/devices/system/node/nodeN/hugepages.
 */
#include "libmig/kernel/hugepages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"

#define HUGE_SIZES_MAX 8 /* no architecture has more */
#define HUGE_SMAPS_MAX (1 << 26)
#define HUGE_FS_MAGIC 0x958458f6
#define HUGE_POOL "kernel/mm/hugepages"

enum huge_kind { HUGE_PRIVATE, HUGE_SHARED, HUGE_SYSV };

/* Huge memory: an object, or private pages at one place, of however many processes. */
struct huge_memory {
	enum huge_kind kind;
	uint64_t page_kib, kib;
	uint64_t dev, ino; /* PRIVATE: 0, or a number if it is not shared, and where it begins */
	size_t users;
};

struct huge {
	struct huge_memory *all;
	size_t n;
};

struct huge_pool {
	uint64_t page_kib;
	uint64_t total, free, reserved, surplus, surplus_max;
};

static uint64_t huge_number(int dirfd, const char *pool, const char *name)
{
	char path[128];
	uint64_t value = 0;

	if (snprintf(path, sizeof(path), "%s/%s", pool, name) >= (int)sizeof(path))
		return 0;
	return file_read_u64(dirfd, path, &value) < 0 ? 0 : value;
}

/* The pools that have pages, or may get some; how many. */
static size_t huge_read_pools(int sysfs, struct huge_pool pools[HUGE_SIZES_MAX])
{
	_cleanup_closedir_ DIR *dir =
		fdopendir(openat(sysfs, HUGE_POOL, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *entry;
	size_t n = 0;

	while (dir && n < HUGE_SIZES_MAX && (entry = readdir(dir))) {
		struct huge_pool *pool = &pools[n];
		char path[96];

		if (sscanf(entry->d_name, "hugepages-%" SCNu64 "kB", &pool->page_kib) != 1)
			continue;
		snprintf(path, sizeof(path), HUGE_POOL "/hugepages-%" PRIu64 "kB", pool->page_kib);
		pool->total = huge_number(sysfs, path, "nr_hugepages");
		pool->free = huge_number(sysfs, path, "free_hugepages");
		pool->reserved = huge_number(sysfs, path, "resv_hugepages");
		pool->surplus = huge_number(sysfs, path, "surplus_hugepages");
		pool->surplus_max = huge_number(sysfs, path, "nr_overcommit_hugepages");
		n += pool->total > 0 || pool->surplus_max > 0;
	}
	return n;
}

static int huge_add(struct huge *huge, const struct huge_memory *memory)
{
	struct huge_memory *grown;

	for (size_t i = 0; i < huge->n; i++) {
		struct huge_memory *known = &huge->all[i];

		if (known->kind != memory->kind || known->dev != memory->dev ||
		    known->ino != memory->ino || known->page_kib != memory->page_kib)
			continue;
		known->kib = known->kib > memory->kib ? known->kib : memory->kib;
		known->users++;
		return 0;
	}
	grown = reallocarray(huge->all, huge->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	huge->all = grown;
	huge->all[huge->n] = *memory;
	huge->all[huge->n++].users = 1;
	return 0;
}

/* One mapping of /proc/PID/smaps: its first line, then lines with names. */
struct huge_map {
	uint64_t start, end, page_kib, private_kib, ino;
	unsigned int major, minor;
	char range[40];
	bool shared, sysv, huge;
};

static void huge_parse_field(struct huge_map *map, const char *line)
{
	if (sscanf(line, "KernelPageSize: %" SCNu64, &map->page_kib) == 1)
		return;
	if (sscanf(line, "Private_Hugetlb: %" SCNu64, &map->private_kib) == 1)
		return;
	/* The last field of each mapping; "ht" is a huge one. */
	if (!strncmp(line, "VmFlags:", 8))
		map->huge = memmem(line, strcspn(line, "\n"), " ht", 3) != NULL;
}

static bool huge_parse_first(struct huge_map *map, const char *line)
{
	char rights[5];
	int at = 0;

	*map = (struct huge_map){ 0 };
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %x:%x %" SCNu64 " %n", &map->start,
		   &map->end, rights, &map->major, &map->minor, &map->ino, &at) < 6)
		return false;
	snprintf(map->range, sizeof(map->range), "%.*s", (int)strcspn(line, " "), line);
	map->shared = rights[3] == 's';
	map->sysv = at > 0 && !strncmp(line + at, "/SYSV", 5);
	return true;
}

static int huge_add_map(struct huge *huge, int procfd, const struct huge_map *map)
{
	struct huge_memory memory = { .page_kib = map->page_kib,
				      .kib = (map->end - map->start) / 1024 };
	char path[64];
	struct stat st;

	if (!map->shared) {
		memory.ino = map->start;
		/* Who has written to it since a fork, or never forked, has it alone. */
		memory.dev = map->private_kib > 0 ? huge->n + 1 : 0;
		return huge_add(huge, &memory);
	}
	memory.kind = map->sysv ? HUGE_SYSV : HUGE_SHARED;
	memory.dev = (uint64_t)map->major << 32 | map->minor;
	memory.ino = map->ino;
	/* The whole of it counts, however much is mapped. */
	snprintf(path, sizeof(path), "map_files/%s", map->range);
	if (fstatat(procfd, path, &st, 0) == 0 && (uint64_t)st.st_size / 1024 > memory.kib)
		memory.kib = (uint64_t)st.st_size / 1024;
	return huge_add(huge, &memory);
}

/* smaps is dear; most processes have nothing that could be huge. */
static bool huge_may_be_mapped(int procfd)
{
	_cleanup_free_ char *text = NULL;

	if (file_read_all(procfd, "maps", HUGE_SMAPS_MAX, &text) < 0)
		return false;
	return strstr(text, "/anon_hugepage") || strstr(text, "/memfd:") || strstr(text, "/SYSV");
}

static int huge_scan_maps(struct huge *huge, int procfd)
{
	_cleanup_free_ char *text = NULL;
	struct huge_map map = { 0 };
	int r = 0;

	if (!huge_may_be_mapped(procfd))
		return 0;
	if (file_read_all(procfd, "smaps", HUGE_SMAPS_MAX, &text) < 0)
		return 0;
	for (char *line = text; r == 0 && line && *line; line = strchr(line, '\n')) {
		struct huge_map next;

		line += *line == '\n';
		if (huge_parse_first(&next, line))
			map = next;
		else
			huge_parse_field(&map, line);
		if (map.huge)
			r = huge_add_map(huge, procfd, &map);
		map.huge = false;
	}
	return r;
}

/* Objects that are open; mapped or not. */
static int huge_scan_files(struct huge *huge, int procfd)
{
	int dirfd = openat(procfd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = dirfd < 0 ? NULL : fdopendir(dirfd);
	const struct dirent *entry;
	int r = 0;

	while (r == 0 && dir && (entry = readdir(dir))) {
		char path[16];
		_cleanup_close_ int fd = -1;
		struct huge_memory memory = { .kind = HUGE_SHARED };
		struct statfs fs;
		struct stat st;

		if (readlinkat(dirfd, entry->d_name, path, 7) < 7 || memcmp(path, "/memfd:", 7))
			continue;
		fd = openat(dirfd, entry->d_name, O_PATH | O_CLOEXEC);
		if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != HUGE_FS_MAGIC ||
		    fstat(fd, &st) < 0)
			continue;
		memory.page_kib = (uint64_t)fs.f_bsize / 1024;
		memory.kib = (uint64_t)st.st_size / 1024;
		memory.dev = (uint64_t)major(st.st_dev) << 32 | minor(st.st_dev);
		memory.ino = st.st_ino;
		r = huge_add(huge, &memory);
	}
	return r;
}

/* What the move takes of one pool at one time beyond what the job has. One at least: CRIU
 * maps a huge page to learn by what device number it knows them. */
static uint64_t huge_needed(const struct huge *huge, uint64_t page_kib, uint64_t *ret_all,
			    bool *ret_forked)
{
	uint64_t copied = 0, anew = 0, all = 0;

	*ret_forked = false;
	for (size_t i = 0; i < huge->n; i++) {
		const struct huge_memory *memory = &huge->all[i];
		uint64_t pages = memory->kib / page_kib;

		if (memory->page_kib != page_kib)
			continue;
		all += memory->kind == HUGE_PRIVATE ? pages * memory->users : pages;
		if (memory->kind == HUGE_SYSV)
			anew += pages;
		else if (memory->kind == HUGE_SHARED)
			copied = pages > copied ? pages : copied;
		else if (memory->users > 1) {
			anew += pages * (memory->users - 1);
			*ret_forked = true;
		}
	}
	*ret_all = all;
	if (copied < anew)
		copied = anew;
	return all > 0 && copied == 0 ? 1 : copied;
}

static bool huge_in_list(const char *list, unsigned long number)
{
	while (*list >= '0' && *list <= '9') {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (number >= first && number <= last)
			return true;
		list = *end == ',' ? end + 1 : end;
	}
	return false;
}

/* The pages of that size that nodes have; and whether all nodes that have some are among them. */
static uint64_t huge_on_nodes(int sysfs, const char *nodes, uint64_t page_kib, bool *ret_all)
{
	_cleanup_closedir_ DIR *dir =
		fdopendir(openat(sysfs, "devices/system/node", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *entry;
	uint64_t free = 0;

	*ret_all = true;
	while (dir && (entry = readdir(dir))) {
		unsigned long node;
		char path[128];

		if (sscanf(entry->d_name, "node%lu", &node) != 1)
			continue;
		snprintf(path, sizeof(path),
			 "devices/system/node/node%lu/hugepages/hugepages-%" PRIu64 "kB", node,
			 page_kib);
		if (huge_in_list(nodes, node))
			free += huge_number(sysfs, path, "free_hugepages");
		else if (huge_number(sysfs, path, "nr_hugepages") > 0)
			*ret_all = false;
	}
	return free;
}

static int huge_check_pool(const struct huge *huge, const struct huge_pool *pool, int sysfs,
			   const char *nodes, struct vc_err *err)
{
	uint64_t all, needed, left = 0, size = pool->page_kib;
	bool forked, everywhere = true;

	needed = huge_needed(huge, size, &all, &forked);
	if (all == 0)
		return 0;
	if (pool->free > pool->reserved)
		left = pool->free - pool->reserved;
	if (pool->surplus_max > pool->surplus)
		left += pool->surplus_max - pool->surplus;
	if (needed > left)
		return err_set(
			err, ENOMEM,
			"its huge pages of %" PRIu64 " KiB: a move takes %" PRIu64
			" more of them%s, and the pool has %" PRIu64
			" left; raise vm.nr_hugepages or vm.nr_overcommit_hugepages by %" PRIu64,
			size, needed,
			forked ? ", since parent and child will no longer share them"
			       : " for a time",
			left, needed - left);
	if (!nodes)
		return 0;
	left = huge_on_nodes(sysfs, nodes, size, &everywhere);
	if (everywhere || all <= left)
		return 0;
	return err_set(err, ENOMEM,
		       "its %" PRIu64 " huge pages of %" PRIu64
		       " KiB: the nodes of the target (%s) "
		       "have %" PRIu64 " free; give these nodes more, in "
		       "/sys/devices/system/node/nodeN/hugepages",
		       all, size, nodes, left);
}

int hugepages_check(const pid_t *pids, size_t n, const char *nodes, const char *sysfs,
		    struct vc_err *err)
{
	_cleanup_close_ int dirfd = open(sysfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct huge_pool pools[HUGE_SIZES_MAX];
	size_t n_pools = dirfd < 0 ? 0 : huge_read_pools(dirfd, pools);
	struct huge huge = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && n_pools > 0 && i < n; i++) {
		_cleanup_close_ int procfd = -1;
		char path[32];

		snprintf(path, sizeof(path), "/proc/%d", (int)pids[i]);
		procfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (procfd < 0)
			continue;
		r = huge_scan_maps(&huge, procfd);
		if (r == 0)
			r = huge_scan_files(&huge, procfd);
	}
	if (r < 0)
		err_sys(err, -r, "look at huge pages");
	for (size_t i = 0; r == 0 && i < n_pools; i++)
		r = huge_check_pool(&huge, &pools[i], dirfd, nodes, err);
	free(huge.all);
	return r;
}
