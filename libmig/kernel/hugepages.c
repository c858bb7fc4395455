// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hugepages.c - whether the pools have the huge pages that a move takes
 *
 * Huge pages come from a pool of fixed size, one for each page size and node. A move takes more
 * pages than the job has, for three reasons:
 *
 * - CRIU reads a memfd or shared anonymous memory through a private mapping, for which the kernel
 * reserves the same number of pages: one object at a time, during the dump.
 * - System V segments are created while the mover still has the job's old IPC namespace with the
 * old segments.
 * - Private huge pages that processes share since a fork are separate after a restore.
 *
 * All other pages are freed before they are taken again, but then from the nodes of the target.
 *
 * The pools are in /sys/kernel/mm/hugepages/hugepages-NkB, and for each node in
 * /sys/devices/system/node/nodeN/hugepages.
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

#include "common/array.h"
#include "common/cleanup.h"
#include "common/file.h"
#include "common/text.h"

#define HUGE_SIZES_MAX 8 /* no architecture has more */
#define HUGE_SMAPS_MAX (1 << 26)
#define HUGE_FS_MAGIC 0x958458f6
#define HUGE_POOL "kernel/mm/hugepages"

enum huge_kind { HUGE_PRIVATE, HUGE_SHARED, HUGE_SYSV };

/* Huge memory: an object, or private pages at one address, of one or more processes. */
struct huge_memory {
	enum huge_kind kind;
	uint64_t page_kib, kib;
	uint64_t dev, ino; /* HUGE_PRIVATE: 0, or a number if it is not shared; and its address */
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

static uint64_t hugepages_number(int dirfd, const char *pool, const char *name)
{
	char path[128];
	uint64_t value = 0;

	if (snprintf(path, sizeof(path), "%s/%s", pool, name) >= (int)sizeof(path))
		return 0;
	return file_read_u64(dirfd, path, &value) < 0 ? 0 : value;
}

/* Reads the pools that have pages or may get some. Returns their number. */
static size_t hugepages_read_pools(int sysfs, struct huge_pool pools[HUGE_SIZES_MAX])
{
	_cleanup_closedir_ DIR *dir = file_open_dir(sysfs, HUGE_POOL);
	const struct dirent *entry;
	size_t n = 0;

	while (dir && n < HUGE_SIZES_MAX && (entry = readdir(dir))) {
		struct huge_pool *pool = &pools[n];
		char path[96];

		if (sscanf(entry->d_name, "hugepages-%" SCNu64 "kB", &pool->page_kib) != 1)
			continue;
		snprintf(path, sizeof(path), HUGE_POOL "/hugepages-%" PRIu64 "kB", pool->page_kib);
		pool->total = hugepages_number(sysfs, path, "nr_hugepages");
		pool->free = hugepages_number(sysfs, path, "free_hugepages");
		pool->reserved = hugepages_number(sysfs, path, "resv_hugepages");
		pool->surplus = hugepages_number(sysfs, path, "surplus_hugepages");
		pool->surplus_max = hugepages_number(sysfs, path, "nr_overcommit_hugepages");
		n += pool->total > 0 || pool->surplus_max > 0;
	}
	return n;
}

static int hugepages_add(struct huge *huge, const struct huge_memory *memory)
{
	struct huge_memory *added;

	for (size_t i = 0; i < huge->n; i++) {
		struct huge_memory *known = &huge->all[i];

		if (known->kind != memory->kind || known->dev != memory->dev ||
		    known->ino != memory->ino || known->page_kib != memory->page_kib)
			continue;
		known->kib = known->kib > memory->kib ? known->kib : memory->kib;
		known->users++;
		return 0;
	}
	added = array_add(&huge->all, &huge->n);
	if (!added)
		return -ENOMEM;
	*added = *memory;
	added->users = 1;
	return 0;
}

/* A mapping in /proc/PID/smaps: a first line, then named fields. */
struct huge_map {
	uint64_t start, end, page_kib, private_kib, ino;
	unsigned int major, minor;
	char range[40];
	bool shared, sysv, huge;
};

static void hugepages_parse_field(struct huge_map *map, const char *line)
{
	if (sscanf(line, "KernelPageSize: %" SCNu64, &map->page_kib) == 1)
		return;
	if (sscanf(line, "Private_Hugetlb: %" SCNu64, &map->private_kib) == 1)
		return;
	/* The last field of each mapping. "ht": huge pages. */
	if (!strncmp(line, "VmFlags:", 8))
		map->huge = memmem(line, strcspn(line, "\n"), " ht", 3) != NULL;
}

static bool hugepages_parse_first(struct huge_map *map, const char *line)
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

static int hugepages_add_map(struct huge *huge, int procfd, const struct huge_map *map)
{
	struct huge_memory memory = { .page_kib = map->page_kib,
				      .kib = (map->end - map->start) / 1024 };
	char path[64];
	struct stat st;

	if (!map->shared) {
		memory.ino = map->start;
		/* A process that has written to it since a fork, or never forked, has it alone. */
		memory.dev = map->private_kib > 0 ? huge->n + 1 : 0;
		return hugepages_add(huge, &memory);
	}
	memory.kind = map->sysv ? HUGE_SYSV : HUGE_SHARED;
	memory.dev = (uint64_t)map->major << 32 | map->minor;
	memory.ino = map->ino;
	/* The whole object counts, not only the mapped part. */
	snprintf(path, sizeof(path), "map_files/%s", map->range);
	if (fstatat(procfd, path, &st, 0) == 0 && (uint64_t)st.st_size / 1024 > memory.kib)
		memory.kib = (uint64_t)st.st_size / 1024;
	return hugepages_add(huge, &memory);
}

/* Reading smaps takes long. Most processes have no memory that could be huge. */
static bool hugepages_may_be_mapped(int procfd)
{
	_cleanup_free_ char *text = NULL;

	if (file_read_all(procfd, "maps", HUGE_SMAPS_MAX, &text) < 0)
		return false;
	return strstr(text, "/anon_hugepage") || strstr(text, "/memfd:") || strstr(text, "/SYSV");
}

static int hugepages_scan_maps(struct huge *huge, int procfd)
{
	_cleanup_free_ char *text = NULL;
	struct huge_map map = { 0 };
	int r = 0;

	if (!hugepages_may_be_mapped(procfd))
		return 0;
	if (file_read_all(procfd, "smaps", HUGE_SMAPS_MAX, &text) < 0)
		return 0;
	for (char *line = text; r == 0 && line && *line; line = strchr(line, '\n')) {
		struct huge_map next;

		line += *line == '\n';
		if (hugepages_parse_first(&next, line))
			map = next;
		else
			hugepages_parse_field(&map, line);
		if (map.huge)
			r = hugepages_add_map(huge, procfd, &map);
		map.huge = false;
	}
	return r;
}

/* Adds open objects. */
static int hugepages_scan_files(struct huge *huge, int procfd)
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
		r = hugepages_add(huge, &memory);
	}
	return r;
}

/* Returns how many pages of one pool the move takes in addition to the job's. At least one: CRIU
 * maps a huge page to learn the device number of such mappings. */
static uint64_t hugepages_needed(const struct huge *huge, uint64_t page_kib, uint64_t *ret_all,
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

static bool hugepages_in_list(const char *list, unsigned long number)
{
	unsigned long first, last;

	while (text_next_range(&list, &first, &last))
		if (number >= first && number <= last)
			return true;
	return false;
}

/* Returns the free pages of the nodes. *ret_all: all nodes that have pages are among them. */
static uint64_t hugepages_on_nodes(int sysfs, const char *nodes, uint64_t page_kib, bool *ret_all)
{
	_cleanup_closedir_ DIR *dir = file_open_dir(sysfs, "devices/system/node");
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
		if (hugepages_in_list(nodes, node))
			free += hugepages_number(sysfs, path, "free_hugepages");
		else if (hugepages_number(sysfs, path, "nr_hugepages") > 0)
			*ret_all = false;
	}
	return free;
}

static int hugepages_check_pool(const struct huge *huge, const struct huge_pool *pool, int sysfs,
				const char *nodes, struct vc_err *err)
{
	uint64_t all, needed, left = 0, size = pool->page_kib;
	bool forked, everywhere = true;

	needed = hugepages_needed(huge, size, &all, &forked);
	if (all == 0)
		return 0;
	if (pool->free > pool->reserved)
		left = pool->free - pool->reserved;
	if (pool->surplus_max > pool->surplus)
		left += pool->surplus_max - pool->surplus;
	if (needed > left)
		return err_set(
			err, ENOMEM,
			"it has huge pages of %" PRIu64 " KiB, and a move takes %" PRIu64
			" more%s, but the pool has %" PRIu64
			" left; raise vm.nr_hugepages or vm.nr_overcommit_hugepages by %" PRIu64,
			size, needed,
			forked ? ", since parent and child will no longer share them"
			       : " for a time",
			left, needed - left);
	if (!nodes)
		return 0;
	left = hugepages_on_nodes(sysfs, nodes, size, &everywhere);
	if (everywhere || all <= left)
		return 0;
	return err_set(err, ENOMEM,
		       "it has %" PRIu64 " huge pages of %" PRIu64
		       " KiB, but the nodes of the target (%s) have %" PRIu64
		       " free; give these nodes more in "
		       "/sys/devices/system/node/nodeN/hugepages",
		       all, size, nodes, left);
}

int hugepages_check(const pid_t *pids, size_t n, const char *nodes, const char *sysfs,
		    struct vc_err *err)
{
	_cleanup_close_ int dirfd = open(sysfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct huge_pool pools[HUGE_SIZES_MAX];
	size_t n_pools = dirfd < 0 ? 0 : hugepages_read_pools(dirfd, pools);
	struct huge huge = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && n_pools > 0 && i < n; i++) {
		_cleanup_close_ int procfd = -1;
		char path[32];

		snprintf(path, sizeof(path), "/proc/%d", (int)pids[i]);
		procfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (procfd < 0)
			continue;
		r = hugepages_scan_maps(&huge, procfd);
		if (r == 0)
			r = hugepages_scan_files(&huge, procfd);
	}
	if (r < 0)
		err_sys(err, -r, "read the huge pages of the job");
	for (size_t i = 0; r == 0 && i < n_pools; i++)
		r = hugepages_check_pool(&huge, &pools[i], dirfd, nodes, err);
	free(huge.all);
	return r;
}
