// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * spawn.c - the cost of starting a program: vcrun and similar programs
 *
 * The time from the start of a command that runs /bin/true to its exit. Commands that do a part of
 * vcrun's work show where its time goes: loading (vcrun --version), and a start without a policy
 * (--on).
 */
#include "bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/columns.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"

#define SPAWN_ROUNDS 100
#define SPAWN_QUICK_ROUNDS 30
#define SPAWN_WARMUP 5
/* Between two starts: the daemons prepare the next shim, as they usually do. */
#define SPAWN_PAUSE_USEC 20000

struct spawn_way {
	const char *name;
	const char *argv[8];
	char reason[256]; /* why it is not available here; "": it is */
	struct samples msec;
};

/* cgexec needs a group: a new one below our own. */
static char spawn_group[512], spawn_group_dir[1024];

/* The line of /proc/self/cgroup and the mount of the hierarchy with that controller. */
static bool spawn_find_group(const char *controller)
{
	_cleanup_free_ char *groups = NULL, *mounts = NULL;
	char own[256] = "", mount[256] = "", pattern[64];

	if (file_read_all(AT_FDCWD, "/proc/self/cgroup", 65536, &groups) < 0 ||
	    file_read_all(AT_FDCWD, "/proc/self/mounts", 1 << 20, &mounts) < 0)
		return false;
	snprintf(pattern, sizeof(pattern), ":%s:", controller);
	for (char *line = groups, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (strstr(line, pattern) || (!*own && strstr(line, "0::")))
			snprintf(own, sizeof(own), "%s", strrchr(line, ':') + 1);
		if (strstr(line, pattern))
			break;
	}
	snprintf(pattern, sizeof(pattern), ",%s", controller);
	for (char *line = mounts, *end; (end = strchr(line, '\n')); line = end + 1) {
		char where[256], type[32], options[512];

		*end = '\0';
		if (sscanf(line, "%*s %255s %31s %511s", where, type, options) != 3)
			continue;
		if (!strcmp(type, "cgroup") ? strstr(options, pattern) != NULL
					    : !strcmp(type, "cgroup2") && !*mount)
			snprintf(mount, sizeof(mount), "%s", where);
	}
	if (!*mount)
		return false;
	snprintf(spawn_group, sizeof(spawn_group), "%s:%s%svcbench-%d", controller,
		 *own ? own : "/", own[1] ? "/" : "", (int)getpid());
	snprintf(spawn_group_dir, sizeof(spawn_group_dir), "%s/%s", mount,
		 strchr(spawn_group, ':') + 1);
	return mkdir(spawn_group_dir, 0755) == 0;
}

/* Tries each way once, and records why it does not work. */
static void spawn_try(struct spawn_way *way)
{
	char out[200], *newline;
	int status = bench_run(way->argv, out, sizeof(out));

	if (status == 0)
		return;
	newline = strchr(out, '\n');
	if (newline)
		*newline = '\0';
	if (status < 0)
		snprintf(way->reason, sizeof(way->reason), "%s: %s", way->argv[0],
			 strerror(-status));
	else
		snprintf(way->reason, sizeof(way->reason), "%s", *out ? out : "it fails");
}

static void spawn_rounds(struct bench *bench, struct spawn_way *ways, size_t n)
{
	size_t rounds = bench_rounds(bench, SPAWN_ROUNDS, SPAWN_QUICK_ROUNDS);
	size_t order[16];

	for (size_t round = 0; round < rounds + SPAWN_WARMUP && !bench_stop; round++) {
		bench_shuffle(order, n);
		bench_progress("spawn: round %zu of %zu", round, rounds + SPAWN_WARMUP);
		for (size_t i = 0; i < n && !bench_stop; i++) {
			struct spawn_way *way = &ways[order[i]];
			uint64_t begun;

			if (way->reason[0])
				continue;
			clock_sleep_usec(SPAWN_PAUSE_USEC);
			begun = clock_mono_usec();
			if (bench_run(way->argv, NULL, 0) == 0 && round >= SPAWN_WARMUP)
				samples_add(&way->msec, (double)(clock_mono_usec() - begun) / 1e3);
		}
	}
	bench_progress("%s", "");
}

static void spawn_print(struct spawn_way *ways, size_t n)
{
	struct columns *table =
		columns_new("WAY|>N|>MEDIAN MS|>P90 MS|>MIN MS|>MORE THAN FORK+EXEC");
	double base = samples_quantile(&ways[0].msec, 0.5);

	for (size_t i = 0; i < n; i++) {
		struct samples *msec = &ways[i].msec;

		if (msec->n == 0)
			continue;
		bench_row(table, "%s|%zu|%.2f|%.2f|%.2f|%+.2f", ways[i].name, msec->n,
			  samples_quantile(msec, 0.5), samples_quantile(msec, 0.9),
			  samples_quantile(msec, 0), samples_quantile(msec, 0.5) - base);
	}
	bench_print(table);
	for (size_t i = 0; i < n; i++)
		if (ways[i].reason[0])
			printf("%s: not available here: %s\n", ways[i].name, ways[i].reason);
}

/* Divides the time of vcrun into parts. */
static void spawn_explain(struct spawn_way *fork_exec, struct spawn_way *vcrun,
			  struct spawn_way *on, struct spawn_way *version)
{
	double base = samples_quantile(&fork_exec->msec, 0.5);
	double all = samples_quantile(&vcrun->msec, 0.5) - base;
	double place = samples_quantile(&vcrun->msec, 0.5) - samples_quantile(&on->msec, 0.5);
	double load = samples_quantile(&version->msec, 0.5);

	if (isnan(all + place + load))
		return;
	printf("vcrun's %.2f ms on top: %.2f loading vcrun itself, %.2f asking where, %.2f daemon, "
	       "shim and init\n",
	       all, load, place, all - load - place);
}

static json_t *spawn_json(struct spawn_way *ways, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:o, s:s*}", "way", ways[i].name, "msec",
						samples_json(&ways[i].msec), "unavailable",
						ways[i].reason[0] ? ways[i].reason : NULL));
	return list;
}

int bench_spawn(struct bench *bench, struct vc_err *err)
{
	struct spawn_way ways[] = {
		{ .name = "fork+exec", .argv = { "/bin/true" } },
		{ .name = "vcrun --policy=leastcpu",
		  .argv = { "vcrun", "--policy=leastcpu", "/bin/true" } },
		{ .name = "vcrun --on=vc0", .argv = { "vcrun", "--on=vc0", "/bin/true" } },
		{ .name = "vcrun --version", .argv = { "vcrun", "--version" } },
		{ .name = "cgexec", .argv = { "cgexec", "-g", spawn_group, "/bin/true" } },
		{ .name = "systemd-run --scope",
		  .argv = { "systemd-run", "--scope", "--quiet", "/bin/true" } },
	};

	if (!spawn_find_group("pids"))
		snprintf(ways[4].reason, sizeof(ways[4].reason), "no group of its own: %s",
			 strerror(errno));
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (!ways[i].reason[0])
			spawn_try(&ways[i]);
	if (ways[1].reason[0]) {
		rmdir(spawn_group_dir);
		return err_set(err, EIO, "vcrun does not work here: %s", ways[1].reason);
	}
	spawn_rounds(bench, ways, ARRAY_SIZE(ways));
	puts("\nStarting /bin/true, from the command's start to its exit:");
	spawn_print(ways, ARRAY_SIZE(ways));
	spawn_explain(&ways[0], &ways[1], &ways[2], &ways[3]);
	json_object_set_new(bench->report, "spawn", spawn_json(ways, ARRAY_SIZE(ways)));
	if (*spawn_group_dir)
		rmdir(spawn_group_dir);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		samples_done(&ways[i].msec);
	return 0;
}
