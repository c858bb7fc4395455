// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * memory.c - rows of tests/move-state: mappings, memory policies and locked memory
 */
#include "tests/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <linux/prctl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define AREA (64 << 10)

static char *area;

static int make_area(int advice)
{
	area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		return -1;
	memset(area, 1, AREA);
	return advice < 0 ? 0 : madvise(area, AREA, advice);
}

/* What /proc/self/FILE has about the area. */
static void get_area(char ret[STATE_VALUE], const char *path, const char *key)
{
	char line[1024], start[32];
	FILE *file = fopen(path, "re");
	bool inside = false;

	snprintf(start, sizeof(start), "%lx", (unsigned long)area);
	while (file && fgets(line, sizeof(line), file)) {
		char *c = line;

		/* A line of a mapping's own begins with a lower-case number. */
		if (strspn(line, "0123456789abcdef") >= 8)
			inside = !strncmp(line, start, strlen(start));
		if (!inside || strncmp(line, key, strlen(key)))
			continue;
		/* Counts of pages change by themselves. */
		if (!*key)
			c[strcspn(c, "=\n")] = '\0';
		snprintf(ret, STATE_VALUE, "%.200s", c);
		break;
	}
	ret[strcspn(ret, "\n")] = '\0';
	if (file)
		fclose(file);
}

#define AREA_ROW(name, advice, key)                                                                \
	static int set_##name(void)                                                                \
	{                                                                                          \
		return make_area(advice);                                                          \
	}                                                                                          \
	static void get_##name(char ret[STATE_VALUE])                                              \
	{                                                                                          \
		get_area(ret, "/proc/self/smaps", key);                                            \
	}

AREA_ROW(dont_fork, MADV_DONTFORK, "VmFlags:")
AREA_ROW(dont_dump, MADV_DONTDUMP, "VmFlags:")
AREA_ROW(wipe_on_fork, MADV_WIPEONFORK, "VmFlags:")
AREA_ROW(mergeable, MADV_MERGEABLE, "VmFlags:")
AREA_ROW(huge_page, MADV_HUGEPAGE, "VmFlags:")
AREA_ROW(no_huge_page, MADV_NOHUGEPAGE, "VmFlags:")
AREA_ROW(random, MADV_RANDOM, "VmFlags:")
AREA_ROW(sequential, MADV_SEQUENTIAL, "VmFlags:")

static int set_locked(void)
{
	return make_area(-1) < 0 ? -1 : mlock(area, AREA);
}

static void get_locked(char ret[STATE_VALUE])
{
	get_area(ret, "/proc/self/smaps", "VmFlags:");
}

static int set_locked_on_fault(void)
{
	area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED || mlock2(area, AREA, MLOCK_ONFAULT) < 0)
		return -1;
	area[0] = 1;
	return 0;
}

static void get_locked_on_fault(char ret[STATE_VALUE])
{
	get_area(ret, "/proc/self/smaps", "Locked:");
}

static void get_locked_future(char ret[STATE_VALUE]);

static int set_locked_future(void)
{
	return mlockall(MCL_CURRENT | MCL_FUTURE);
}

static char *heap;

static int set_locked_later(void)
{
	heap = sbrk(0);
	return mlockall(MCL_FUTURE);
}

/* Nothing is locked before or after. */
static void get_locked_later(char ret[STATE_VALUE])
{
	get_locked_future(ret);
	munlock(heap, (size_t)((char *)sbrk(0) - heap));
}

static int set_locked_later_on_fault(void)
{
	heap = sbrk(0);
	return mlockall(MCL_FUTURE | MCL_ONFAULT);
}

/* Likewise, and it may not lock anything any more. */
static int set_locked_full(void)
{
	/* No limit is root's. */
	if (geteuid() == 0) {
		errno = ENOTSUP;
		return -1;
	}
	return mlockall(MCL_FUTURE) < 0 ? -1 : setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ 0, 0 });
}
#define get_locked_full state_get_nothing

static void get_locked_future(char ret[STATE_VALUE])
{
	make_area(-1);
	get_area(ret, "/proc/self/smaps", "VmFlags:");
	munmap(area, AREA);
}

static void get_locked_later_on_fault(char ret[STATE_VALUE])
{
	char *c = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *other = area;

	c[0] = 1;
	area = c;
	get_area(ret, "/proc/self/smaps", "Locked:");
	area = other;
	munmap(c, AREA);
	munlock(heap, (size_t)((char *)sbrk(0) - heap));
}

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

static int set_sealed(void)
{
	return make_area(-1) < 0 ? -1 : (int)syscall(SYS_mseal, area, AREA, 0);
}

static void get_sealed(char ret[STATE_VALUE])
{
	state_number(ret, mprotect(area, AREA, PROT_READ));
}

static int set_area_name(void)
{
	return make_area(-1) < 0
		       ? -1
		       : prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, area, AREA, "state-victim");
}

static void get_area_name(char ret[STATE_VALUE])
{
	get_area(ret, "/proc/self/maps", "");
}

#define MADV_GUARD 102

static int set_guarded(void)
{
	return make_area(-1) < 0 ? -1 : madvise(area + 4096, 4096, MADV_GUARD);
}

static void get_guarded(char ret[STATE_VALUE])
{
	int fds[2];
	ssize_t n;

	if (pipe(fds) < 0)
		return;
	n = write(fds[1], area + 4096, 1);
	state_number(ret, n);
	close(fds[0]);
	close(fds[1]);
}

static void get_policy(char ret[STATE_VALUE])
{
	unsigned long nodes[16] = { 0 };
	int mode = -1;

	if (syscall(SYS_get_mempolicy, &mode, nodes, sizeof(nodes) * 8, NULL, 0) < 0)
		state_number(ret, -1);
	else
		snprintf(ret, STATE_VALUE, "mode %d nodes %lx", mode, nodes[0]);
}

#define POLICY_ROW(name, mode)                                                                     \
	static int set_##name(void)                                                                \
	{                                                                                          \
		unsigned long nodes = 1;                                                           \
		bool none = (mode) == MPOL_LOCAL;                                                  \
                                                                                                   \
		return (int)syscall(SYS_set_mempolicy, mode, none ? NULL : &nodes, none ? 0 : 64); \
	}                                                                                          \
	static void get_##name(char ret[STATE_VALUE])                                              \
	{                                                                                          \
		get_policy(ret);                                                                   \
	}

POLICY_ROW(policy_bind, MPOL_BIND)
POLICY_ROW(policy_preferred, MPOL_PREFERRED)
POLICY_ROW(policy_interleave, MPOL_INTERLEAVE)
POLICY_ROW(policy_local, MPOL_LOCAL)
POLICY_ROW(policy_static, MPOL_BIND | MPOL_F_STATIC_NODES)
POLICY_ROW(policy_relative, MPOL_BIND | MPOL_F_RELATIVE_NODES)

static int set_area_policy(void)
{
	unsigned long nodes = 1;

	return make_area(-1) < 0 ? -1
				 : (int)syscall(SYS_mbind, area, AREA, MPOL_BIND, &nodes, 64, 0);
}

static void get_area_policy(char ret[STATE_VALUE])
{
	unsigned long nodes[16] = { 0 };
	int mode = -1;

	if (syscall(SYS_get_mempolicy, &mode, nodes, sizeof(nodes) * 8, area, MPOL_F_ADDR) < 0)
		state_number(ret, -1);
	else
		snprintf(ret, STATE_VALUE, "mode %d nodes %lx", mode, nodes[0]);
}

#define SYS_home_node 450

static int set_area_home(void)
{
	unsigned long nodes = 1;

	area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED || syscall(SYS_mbind, area, AREA, MPOL_BIND, &nodes, 64, 0) < 0)
		return -1;
	return (int)syscall(SYS_home_node, area, AREA / 2, 0, 0);
}

/* No call tells it. But mappings side by side become one when nothing else sets them apart. */
static void get_area_home(char ret[STATE_VALUE])
{
	char line[1024];
	unsigned long start;
	long mappings = 0;
	FILE *file;

	mprotect(area, AREA, PROT_READ);
	mprotect(area, AREA, PROT_READ | PROT_WRITE);
	file = fopen("/proc/self/maps", "re");
	while (file && fgets(line, sizeof(line), file)) {
		start = strtoul(line, NULL, 16);
		mappings += start >= (unsigned long)area && start < (unsigned long)area + AREA;
	}
	if (file)
		fclose(file);
	state_number(ret, mappings);
}

static int set_membarrier(void)
{
	return (int)syscall(SYS_membarrier, 1 << 4, 0, 0);
}

static void get_membarrier(char ret[STATE_VALUE])
{
	state_number(ret, syscall(SYS_membarrier, 1 << 9, 0, 0));
}

const struct state_row state_memory[] = {
	STATE_FILE_ROW(dont_fork),
	STATE_FILE_ROW(dont_dump),
	STATE_FILE_ROW(wipe_on_fork),
	STATE_FILE_ROW(mergeable),
	STATE_FILE_ROW(huge_page),
	STATE_FILE_ROW(no_huge_page),
	STATE_FILE_ROW(random),
	STATE_FILE_ROW(sequential),
	STATE_ROW(policy_bind),
	STATE_ROW(policy_preferred),
	STATE_ROW(policy_interleave),
	STATE_ROW(policy_local),
	STATE_ROW(policy_static),
	STATE_ROW(policy_relative),
	STATE_FILE_ROW(locked),
	STATE_FILE_ROW(locked_on_fault),
	STATE_FILE_ROW(locked_future),
	STATE_FILE_ROW(locked_later),
	STATE_FILE_ROW(locked_later_on_fault),
	STATE_ROW(locked_full),
	STATE_ROW(sealed),
	STATE_FILE_ROW(area_name),
	STATE_FILE_ROW(guarded),
	STATE_ROW(area_policy),
	STATE_FILE_ROW(area_home),
	STATE_ROW(membarrier),
	{ .name = NULL },
};
