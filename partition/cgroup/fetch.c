// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * fetch.c - reading a group's swapped memory back into RAM
 *
 * When a group's memory becomes fixed, the kernel leaves pages in swap until a process touches
 * them. process_madvise(2) with MADV_WILLNEED reads them into the swap cache, which is charged to
 * the group, while the processes run. A later touch is a minor fault and does not wait for a disk.
 */
#include "partition/cgroup/cgroup.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/proc.h"

#define MAPS_MAX (16u << 20)
#define RANGES 64 /* in one call */

static bool fetch_has_swapped(pid_t pid)
{
	unsigned long kib;

	return proc_scan(pid, "VmSwap", "%lu", &kib) == 1 && kib > 0;
}

/* The call stops at a range that the kernel refuses (a device's, or just unmapped); another call
 * passes the rest. */
static void fetch_ranges(int pidfd, struct iovec *ranges, size_t n)
{
	while (n > 0) {
		long done = syscall(SYS_process_madvise, pidfd, ranges, n, MADV_WILLNEED, 0);

		while (n > 0 && done >= (long)ranges->iov_len) {
			done -= (long)ranges->iov_len;
			ranges++;
			n--;
		}
		if (n > 0) {
			ranges++;
			n--;
		}
	}
}

static void fetch_process(pid_t pid)
{
	_cleanup_free_ char *maps = NULL;
	_cleanup_close_ int pidfd = -1;
	struct iovec ranges[RANGES];
	size_t n = 0;

	if (!fetch_has_swapped(pid))
		return;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0 || proc_read_all(pid, "maps", MAPS_MAX, &maps) < 0)
		return;
	for (const char *line = maps; line; line = strchr(line, '\n')) {
		unsigned long from, to;
		char access[5];

		line += *line == '\n';
		if (sscanf(line, "%lx-%lx %4s", &from, &to, access) != 3 ||
		    strncmp(access, "rw", 2) != 0)
			continue;
		ranges[n++] = (struct iovec){ .iov_base = (void *)from, .iov_len = to - from };
		if (n == RANGES) {
			fetch_ranges(pidfd, ranges, n);
			n = 0;
		}
	}
	fetch_ranges(pidfd, ranges, n);
}

void cg_fetch_swapped(struct cg *cg, const char *path)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;

	if (cg_procs_list(cg, path, &pids, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		fetch_process(pids[i]);
}
