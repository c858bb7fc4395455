// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * count.c - what the CPU and the kernel count while a thread works
 *
 * By perf_event_open(2), each counter by itself. A CPU with fewer counters than are asked for
 * takes turns; then what was counted is scaled by the time that it was not. The same
 * makes up for a machine with two kinds of cores, where the generic events are counted on
 * one of them only. What never was counted at all is not known, rather than 0.
 */
#include "bench/work/work.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"

/* MEM_LOAD_L3_HIT_RETIRED.XSNP_HITM, 0xd2 with mask 4, under whatever name: loads whose line
 * another core of the socket had modified. */
#define COUNT_HITM_CONFIG 0x04d2

static const struct {
	uint32_t type;
	uint64_t config;
	const char *path;
} counters[] = {
#define X(name, type, config, path, json) { type, config, path },
	CREW_COUNTERS(X)
#undef X
};

/* What the kernel reads out, by read_format below. */
struct count {
	uint64_t value, enabled_nsec, running_nsec;
};

/* Intel's cores that have the event so; the kernel says which one this is. A machine with two
 * kinds of cores has no device "cpu", and AMD's have no such name. */
static bool cpu_has_hitm(void)
{
	static const char *const cores[] = { "sandybridge",    "ivybridge", "haswell",
					     "broadwell",      "skylake",   "icelake",
					     "sapphire_rapids" };
	char name[64];

	if (file_read(AT_FDCWD, "/sys/bus/event_source/devices/cpu/caps/pmu_name", name,
		      sizeof(name)) <= 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(cores); i++)
		if (!strcmp(name, cores[i]))
			return true;
	return false;
}

/* -1: this machine does not have it, or not for us. */
static int counter_open(enum crew_counter counter)
{
	struct perf_event_attr attr = {
		.type = counters[counter].type,
		.size = sizeof(attr),
		.config = counters[counter].config,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
		.disabled = 1,
		.inherit = 1,
	};

	if (counter == COUNTER_HITM && !cpu_has_hitm())
		return -1;
	if (counters[counter].path) {
		char path[128], id[32];

		snprintf(path, sizeof(path), "/sys/kernel/tracing/events/%s/id",
			 counters[counter].path);
		if (file_read(AT_FDCWD, path, id, sizeof(id)) <= 0)
			return -1;
		attr.config = strtoull(id, NULL, 10);
	}
	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

void count_begin(int *fds)
{
	for (int i = 0; i < N_COUNTERS; i++)
		fds[i] = counter_open(i);
	for (int i = 0; i < N_COUNTERS; i++)
		if (fds[i] >= 0)
			ioctl(fds[i], PERF_EVENT_IOC_ENABLE, 0);
}

int64_t count_scale(uint64_t value, uint64_t enabled_nsec, uint64_t running_nsec)
{
	if (running_nsec == 0)
		return -1;
	if (running_nsec >= enabled_nsec)
		return (int64_t)value;
	return (int64_t)((double)value * (double)enabled_nsec / (double)running_nsec);
}

void count_end(const int *fds, int64_t *ret)
{
	for (int i = 0; i < N_COUNTERS; i++)
		if (fds[i] >= 0)
			ioctl(fds[i], PERF_EVENT_IOC_DISABLE, 0);
	for (int i = 0; i < N_COUNTERS; i++) {
		struct count count;

		ret[i] = -1;
		if (fds[i] < 0)
			continue;
		if (read(fds[i], &count, sizeof(count)) == sizeof(count))
			ret[i] = count_scale(count.value, count.enabled_nsec, count.running_nsec);
		close(fds[i]);
	}
}
