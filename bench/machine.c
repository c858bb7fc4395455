// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * machine.c - describes the machine
 *
 * The description has the properties that affect locks and neighbours: CPUs, caches and memory
 * nodes, a hypervisor, page sizes, clock rates, and the load before the measurement.
 */
#include "bench/bench.h"

#include <fcntl.h>
#include <glob.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "libmig/criu/criu.h"

/* The number of different contents of the matching files, such as lists of CPUs with one cache. */
static int machine_distinct(const char *pattern)
{
	glob_t found;
	int n = 0;

	if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
		return 0;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char line[256], other[256];
		bool seen = false;

		if (file_read(AT_FDCWD, found.gl_pathv[i], line, sizeof(line)) <= 0)
			continue;
		for (size_t k = 0; k < i && !seen; k++)
			seen = file_read(AT_FDCWD, found.gl_pathv[k], other, sizeof(other)) > 0 &&
			       !strcmp(line, other);
		n += !seen;
	}
	globfree(&found);
	return n;
}

static bool machine_has_pmu(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_HARDWARE,
					.size = sizeof(attr),
					.config = PERF_COUNT_HW_CPU_CYCLES,
					.exclude_kernel = 1 };
	_cleanup_close_ int fd =
		(int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd >= 0;
}

static void machine_text(json_t *machine, const char *key, const char *text)
{
	json_object_set_new(machine, key, json_string(text));
}

static void machine_count(json_t *machine, const char *key, long count)
{
	json_object_set_new(machine, key, json_integer(count));
}

static void machine_file(json_t *machine, const char *key, const char *path)
{
	char text[128];

	if (file_read(AT_FDCWD, path, text, sizeof(text)) > 0)
		machine_text(machine, key, text);
}

/* Over one, five and fifteen minutes. */
static void machine_load(json_t *machine)
{
	double load[3] = { 0 };
	char text[64];

	if (getloadavg(load, 3) != 3)
		return;
	snprintf(text, sizeof(text), "%.2f %.2f %.2f", load[0], load[1], load[2]);
	machine_text(machine, "load_before", text);
}

static void machine_cpu(json_t *machine)
{
	_cleanup_free_ char *cpuinfo = NULL;
	char model[128] = "unknown";
	const char *line;

	if (file_read_all(AT_FDCWD, "/proc/cpuinfo", 16 << 20, &cpuinfo) > 0) {
		if ((line = strstr(cpuinfo, "model name")))
			sscanf(line, "model name : %127[^\n]", model);
		machine_text(machine, "virtual", strstr(cpuinfo, " hypervisor") ? "yes" : "no");
	}
	machine_text(machine, "cpu", model);
}

json_t *bench_machine(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	json_t *machine = json_object();
	unsigned int criu = 0;
	struct utsname uts;
	char text[64] = "";

	uname(&uts);
	machine_cpu(machine);
	machine_count(machine, "cpus", cpus);
	machine_count(machine, "cores",
		      machine_distinct(
			      "/sys/devices/system/cpu/cpu[0-9]*/topology/thread_siblings_list"));
	machine_count(
		machine, "l3_caches",
		machine_distinct("/sys/devices/system/cpu/cpu[0-9]*/cache/index3/shared_cpu_list"));
	machine_count(machine, "memory_nodes",
		      machine_distinct("/sys/devices/system/node/node[0-9]*/cpulist"));
	machine_count(machine, "memory_mib",
		      sysconf(_SC_PHYS_PAGES) / 1024 * (sysconf(_SC_PAGESIZE) / 1024));
	machine_text(machine, "kernel", uts.release);
	machine_file(machine, "huge_pages", "/sys/kernel/mm/transparent_hugepage/enabled");
	machine_file(machine, "clock_governor",
		     "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
	machine_text(machine, "hardware_counters", machine_has_pmu() ? "yes" : "none");
	criu_version(NULL, &criu, NULL);
	snprintf(text, sizeof(text), "%u.%u.%u", criu / 10000, criu / 100 % 100, criu % 100);
	machine_text(machine, "criu", text);
	machine_text(machine, "vcrun", PACKAGE_VERSION);
	machine_load(machine);
	json_object_set_new(machine, "at", json_real((double)clock_real_usec() / 1e6));
	printf("%s, %ld CPUs, Linux %s, criu %s, load before %.4s\n",
	       json_string_value(json_object_get(machine, "cpu")), cpus, uts.release, text,
	       json_string_value(json_object_get(machine, "load_before")));
	return machine;
}
