// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * follow.c - a group's memory moves to the nodes of the group
 *
 * The kernel moves the pages once, when the nodes of a group are set. It leaves out pages under I/O
 * (direct, asynchronous, in a pipe by vmsplice(2)) and does not report them. So we look where the
 * pages are, and move the rest by migrate_pages(2) until all are there. Neither the process nor its
 * device waits for that.
 *
 * The kernel moves pages only to nodes that the caller may use too. So a caller inside a partition
 * cannot move pages out of it.
 */
#include "partition/cgroup/cgroup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/proc.h"
#include "partition/cpulist.h"

#define NUMA_MAPS_MAX (16u << 20)
#define RETRY_USEC 20000
#define PAGE_SIZE_KEY " kernelpagesize_kB="

/* The memory of a process that is on other nodes. */
struct elsewhere {
	struct cpulist nodes;
	uint64_t bytes;
};

/* Reads a line like "7f1c20000000 default anon=3 dirty=3 N0=1 N1=2 kernelpagesize_kB=4". Blanks in
 * file names are escaped. */
static void follow_read_mapping(const char *line, const struct cpulist *wanted,
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

/* Finds nothing when the process has ended or the kernel has no NUMA. */
static void follow_read(pid_t pid, const struct cpulist *wanted, struct elsewhere *ret)
{
	_cleanup_free_ char *text = NULL;
	char *rest;

	*ret = (struct elsewhere){ .bytes = 0 };
	if (proc_read_all(pid, "numa_maps", NUMA_MAPS_MAX, &text) < 0)
		return;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		follow_read_mapping(line, wanted, ret);
}

/* Tries once for each process. Returns the bytes that are on other nodes afterwards. */
static uint64_t follow_once(struct cg *cg, const char *path, const struct cpulist *wanted)
{
	_cleanup_free_ pid_t *pids = NULL;
	struct elsewhere found;
	uint64_t bytes = 0;
	size_t n = 0;

	if (cg_procs_list(cg, path, &pids, &n, NULL) < 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		follow_read(pids[i], wanted, &found);
		if (found.bytes == 0)
			continue;
		/* Its result does not count all pages that did not move. */
		syscall(SYS_migrate_pages, pids[i], CPULIST_MAX, found.nodes.word, wanted->word);
		follow_read(pids[i], wanted, &found);
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
