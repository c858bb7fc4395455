// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * follow.c - what memory a group has on other nodes than its own follows to these
 *
 * When a group's nodes are set the kernel moves its processes' pages, once. What is under I/O in
 * that instant (direct, asynchronous, in a pipe by vmsplice(2)) has somebody else's reference; such
 * a page is left out, and nobody is told. So we look at where the pages are and ask again, by
 * migrate_pages(2), for as long as some are elsewhere. A page under I/O is never moved: nobody
 * waits, neither the process nor its device.
 *
 * The kernel moves them to nodes that the caller may use too: who runs in a partition himself
 * cannot move others' pages out of it.
 */
#include "partition/cgroup/cgroup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "partition/cpulist.h"

#define NUMA_MAPS_MAX (16u << 20)
#define RETRY_USEC 20000
#define PAGE_SIZE_KEY " kernelpagesize_kB="

/* What of a process is on nodes that it should not be on. */
struct elsewhere {
	struct cpulist nodes;
	uint64_t bytes;
};

/* A mapping: "7f1c20000000 default anon=3 dirty=3 N0=1 N1=2 kernelpagesize_kB=4". In the names
 * of files blanks are escaped. */
static void follow_look_at_mapping(const char *line, const struct cpulist *wanted,
				   struct elsewhere *ret)
{
	const char *size = strstr(line, PAGE_SIZE_KEY);
	uint64_t pages, kib = size ? strtoull(size + strlen(PAGE_SIZE_KEY), NULL, 10) : 0;
	unsigned int node;

	for (const char *at = line; (at = strstr(at, " N")); at += 2) {
		if (sscanf(at, " N%u=%" SCNu64, &node, &pages) != 2 || node >= CPULIST_MAX ||
		    cpulist_has(wanted, node))
			continue;
		cpulist_add(&ret->nodes, node);
		ret->bytes += pages * kib * 1024;
	}
}

/* Nothing, when the process has ended or the kernel knows no nodes. */
static void follow_look_at(pid_t pid, const struct cpulist *wanted, struct elsewhere *ret)
{
	_cleanup_free_ char *text = NULL;
	char path[64], *rest;

	*ret = (struct elsewhere){ .bytes = 0 };
	snprintf(path, sizeof(path), "/proc/%d/numa_maps", (int)pid);
	if (file_read_all(AT_FDCWD, path, NUMA_MAPS_MAX, &text) < 0)
		return;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		follow_look_at_mapping(line, wanted, ret);
}

/* One attempt for each process; the bytes that are elsewhere after it. */
static uint64_t follow_once(struct cg *cg, const char *path, const struct cpulist *wanted)
{
	_cleanup_free_ pid_t *pids = NULL;
	struct elsewhere found;
	uint64_t bytes = 0;
	size_t n = 0;

	if (cg_procs_list(cg, path, &pids, &n, NULL) < 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		follow_look_at(pids[i], wanted, &found);
		if (found.bytes == 0)
			continue;
		/* Its result counts only some of what did not move. */
		syscall(SYS_migrate_pages, pids[i], CPULIST_MAX, found.nodes.word, wanted->word);
		follow_look_at(pids[i], wanted, &found);
		bytes += found.bytes;
	}
	return bytes;
}

uint64_t cg_follow_nodes(struct cg *cg, const char *path, const char *mems, uint64_t deadline_usec,
			 bool (*stop)(const void *ctx), const void *ctx)
{
	struct cpulist wanted;
	uint64_t bytes;

	if (cpulist_parse(mems, &wanted) < 0)
		return 0;
	while ((bytes = follow_once(cg, path, &wanted)) > 0) {
		if (stop(ctx) || clock_mono_usec() >= deadline_usec)
			break;
		clock_sleep_usec(RETRY_USEC);
	}
	return bytes;
}
