// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * limit.c - resource limits that leave CRIU no room in a process
 *
 * CRIU maps memory into the process that it dumps, and opens a few descriptors there. The process's
 * own limits apply, and CRIU fails only when the job is frozen.
 */
#include "libmig/inventory/priv.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "common/procdir.h"

/* A memfd, a socket, and a descriptor that comes over it. */
#define LIMIT_FILES 3
/* Measured for CRIU 4.2.1: 160 KiB, and 16 bytes for each page of the address space. */
#define LIMIT_SPACE_BYTES (256u << 10)
#define LIMIT_SPACE_SHARE 256
#define LIMIT_LINE 4095

/* Returns the soft limit of that name in /proc/PID/limits; UINT64_MAX: none. */
static uint64_t limit_find(const char *text, const char *name)
{
	const char *line = strstr(text, name);
	uint64_t value;

	return line && sscanf(line + strlen(name), "%" SCNu64, &value) == 1 ? value : UINT64_MAX;
}

/* Returns how many descriptors have a number below the limit. */
static uint64_t limit_count_files(const struct inventory_proc *proc, uint64_t limit)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	const char *name;
	uint64_t n = 0;

	if (procdir_open(&dir, proc->dirfd, "fd") < 0)
		return 0;
	while ((name = procdir_next(&dir)))
		n += strtoull(name, NULL, 10) < limit;
	return n;
}

static int limit_check_files(struct inventory_scan *scan, const struct inventory_proc *proc,
			     uint64_t limit)
{
	struct stat st;
	uint64_t n;

	if (limit == UINT64_MAX)
		return 0;
	/* From Linux 6.2 on the directory's size is the number of descriptors. */
	if (fstatat(proc->dirfd, "fd", &st, 0) == 0 && st.st_size > 0 &&
	    (uint64_t)st.st_size + LIMIT_FILES <= limit)
		return 0;
	n = limit_count_files(proc, limit);
	if (n + LIMIT_FILES <= limit)
		return 0;
	return inventory_refuse(scan, proc,
				"has %" PRIu64 " of %" PRIu64
				" possible descriptors open (RLIMIT_NOFILE), and a "
				"move needs %d more; raise its limit with prlimit --nofile",
				n, limit, LIMIT_FILES);
}

static int limit_check_space(struct inventory_scan *scan, const struct inventory_proc *proc,
			     uint64_t limit)
{
	uint64_t size, needed;
	char text[128];

	if (limit == UINT64_MAX || inventory_read(proc->dirfd, "statm", text, sizeof(text)) < 0 ||
	    sscanf(text, "%" SCNu64, &size) != 1)
		return 0;
	size *= (uint64_t)sysconf(_SC_PAGESIZE);
	needed = LIMIT_SPACE_BYTES + size / LIMIT_SPACE_SHARE;
	if (size + needed <= limit)
		return 0;
	return inventory_refuse(scan, proc,
				"uses %" PRIu64 " of %" PRIu64
				" KiB of address space (RLIMIT_AS), and a move needs "
				"%" PRIu64 " KiB more; raise its limit with prlimit --as",
				size >> 10, limit >> 10, needed >> 10);
}

/* CRIU reads lines of a status up to a length. */
static int limit_check_groups(struct inventory_scan *scan, const struct inventory_proc *proc)
{
	_cleanup_free_ char *text = NULL;
	const char *groups = NULL;
	size_t len;

	if (proc_status(proc->pid, &text) == 0)
		groups = strstr(text, "\nGroups:");
	len = groups ? strcspn(groups + 1, "\n") : 0;
	if (len < LIMIT_LINE)
		return 0;
	return inventory_refuse(
		scan, proc,
		"belongs to so many groups that their list has %zu bytes, and CRIU reads "
		"%d; start it with fewer groups",
		len, LIMIT_LINE);
}

int inventory_limit_check(struct inventory_scan *scan, const struct inventory_proc *proc)
{
	char text[4096];
	int r;

	if (inventory_read(proc->dirfd, "limits", text, sizeof(text)) < 0)
		return 0;
	r = limit_check_files(scan, proc, limit_find(text, "Max open files"));
	if (r == 0)
		r = limit_check_space(scan, proc, limit_find(text, "Max address space"));
	if (r == 0 && proc->long_status)
		r = limit_check_groups(scan, proc);
	return r;
}
