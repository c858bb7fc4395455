// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * vcstat.c - shows partitions, jobs, moves, IPC objects and regions
 */
#include "cli/vcstat.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/columns.h"
#include "cli/ipc.h"
#include "cli/json.h"
#include "cli/options.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "wire/moved.h"
#include "wire/state.h"

#define VCSTAT_WATCH_MAX 86400 /* s */
#define VCSTAT_PARTITION_CELLS 13

struct vcstat {
	const char *state_dir;
	Vc__Status wanted;
	bool ipc, devices;
	bool json;
	double watch_sec; /* 0: once */
};

static const char vcstat_before[] =
	"Usage: vcstat [OPTION]... [partitions] [jobs] [moves] [ipc] [regions]\n"
	"       vcstat [OPTION]... devices\n"
	"Show the load of the partitions, their jobs, the past moves, the IPC objects,\n"
	"and the memory that partitions share; or the CPUs to which the partitions'\n"
	"devices sent their interrupts within one second; see vcstat(1). Without an\n"
	"argument: partitions and jobs. Users see their own jobs and moves, and the\n"
	"objects that they may read; root sees all.\n\n";

static void vcstat_partitions(const struct client_status *status)
{
	struct columns *table =
		columns_new("PARTITION|STATE|CPUS|NODES|EXCLUSIVE|>CPU%|>JOBS%|>MEMORY|"
			    ">CHARGED|>LIMIT|HELD|>JOBS|>RUNNABLE");
	char used[32], charged[32], limit[32];

	for (size_t i = 0; i < status->n_partitions; i++) {
		const Vc__Partition *p = status->partitions[i];

		columns_add(table, "%s", p->name);
		columns_add(table, "%s", p->state);
		/* No daemon answered. */
		for (int cell = 2; !p->cpus && cell < VCSTAT_PARTITION_CELLS; cell++)
			columns_add(table, "-");
		if (!p->cpus)
			continue;
		columns_add(table, "%s", p->cpus);
		columns_add(table, "%s", p->mems);
		columns_add(table, "%s", p->exclusive);
		columns_add(table, "%.1f", p->cpu_pct);
		columns_add(table, "%.1f", p->group_cpu_pct);
		columns_add(table, "%s", columns_bytes(p->mem_used_bytes, used, sizeof(used)));
		columns_add(table, "%s",
			    columns_bytes(p->mem_charged_bytes, charged, sizeof(charged)));
		columns_add(table, "%s",
			    p->has_mem_limit_bytes
				    ? columns_bytes(p->mem_limit_bytes, limit, sizeof(limit))
				    : "-");
		columns_add(table, "%s", p->memory_held ? p->memory_held : "-");
		columns_add(table, "%u", p->jobs);
		columns_add(table, "%u", p->runnable);
	}
	columns_print(table, stdout);
	columns_free(table);
}

/* Writes the arguments as one line, cut at size. */
static void vcstat_command(const Vc__Job *job, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < job->n_argv && n + 1 < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%.*s", i ? " " : "",
				      (int)job->argv[i].len, (const char *)job->argv[i].data);
}

static void vcstat_jobs(const struct client_status *status)
{
	struct columns *table =
		columns_new(">JOB|NAME|>PID|USER|PARTITION|STATE|>MOVES|>CPU|>MEMORY|"
			    ">AGE|PARENT|<COMMAND");
	uint64_t now = clock_real_usec();
	char cpu[32], rss[32], age[32], command[64];

	for (size_t i = 0; i < status->n_jobs; i++) {
		const Vc__Job *j = status->jobs[i];
		const struct passwd *user = getpwuid(j->uid);

		vcstat_command(j, command, sizeof(command));
		columns_add(table, "%u", j->id);
		columns_add(table, "%s", j->name && *j->name ? j->name : "-");
		columns_add(table, "%d", j->pid);
		if (user)
			columns_add(table, "%s", user->pw_name);
		else
			columns_add(table, "%u", j->uid);
		columns_add(table, "%s", j->partition);
		columns_add(table, "%s", state_name(j->state));
		columns_add(table, "%u", j->moves);
		columns_add(table, "%s", columns_usec(j->cpu_usec, cpu, sizeof(cpu)));
		columns_add(table, "%s", columns_bytes(j->rss_bytes, rss, sizeof(rss)));
		columns_add(table, "%s",
			    columns_usec(now > j->started_usec ? now - j->started_usec : 0, age,
					 sizeof(age)));
		columns_add(table, "%s", j->parent ? j->parent : "-");
		columns_add(table, "%s", command);
	}
	columns_print(table, stdout);
	columns_free(table);
}

static void vcstat_moves(const struct client_status *status)
{
	struct columns *table =
		columns_new("AT|>JOB|FROM|TO|ENGINE|RESULT|>STOPPED|>TOTAL|>IMAGES|REASON");
	char downtime[32], total[32], bytes[32], at[32];

	for (size_t i = 0; i < status->n_moves; i++) {
		const Vc__Moved *m = status->moves[i];
		time_t when = (time_t)(m->at_usec / 1000000);
		struct tm tm;

		strftime(at, sizeof(at), "%F %T", localtime_r(&when, &tm));
		columns_add(table, "%s", at);
		columns_add(table, "%u", m->job);
		columns_add(table, "%s", m->from);
		columns_add(table, "%s", m->to);
		columns_add(table, "%s", m->engine);
		columns_add(table, "%s", m->result);
		columns_add(table, "%s",
			    columns_usec(m->downtime_usec, downtime, sizeof(downtime)));
		columns_add(table, "%s", columns_usec(m->total_usec, total, sizeof(total)));
		columns_add(table, "%s", columns_bytes(m->image_bytes, bytes, sizeof(bytes)));
		columns_add(table, "%s", m->reason ? m->reason : "");
	}
	columns_print(table, stdout);
	columns_free(table);
}

static void vcstat_json(const struct vcstat *opts, const struct client_status *status,
			const struct ipc_objects *objects)
{
	const Vc__Status *wanted = &opts->wanted;
	json_t *json = json_object(), *list;

	if (wanted->partitions) {
		json_object_set_new(json, "partitions", list = json_array());
		for (size_t i = 0; i < status->n_partitions; i++)
			json_array_append_new(list, json_of_partition(status->partitions[i]));
	}
	if (wanted->jobs) {
		json_object_set_new(json, "jobs", list = json_array());
		for (size_t i = 0; i < status->n_jobs; i++)
			json_array_append_new(list, json_of_job(status->jobs[i]));
	}
	if (wanted->moves) {
		json_object_set_new(json, "moves", list = json_array());
		for (size_t i = 0; i < status->n_moves; i++)
			json_array_append_new(list, moved_to_json(status->moves[i]));
	}
	if (opts->ipc)
		json_object_set_new(json, "ipc", ipc_json(objects));
	if (wanted->regions)
		json_object_set_new(json, "regions", vcstat_regions_json(status));
	json_print(json);
}

static void vcstat_tables(const struct vcstat *opts, const struct client_status *status,
			  const struct ipc_objects *objects)
{
	const Vc__Status *wanted = &opts->wanted;
	bool first = true;

	if (wanted->partitions) {
		vcstat_partitions(status);
		first = false;
	}
	if (wanted->jobs) {
		fputs(first ? "" : "\n", stdout);
		vcstat_jobs(status);
		first = false;
	}
	if (wanted->moves) {
		fputs(first ? "" : "\n", stdout);
		vcstat_moves(status);
		first = false;
	}
	if (opts->ipc) {
		fputs(first ? "" : "\n", stdout);
		ipc_print_table(objects);
		first = false;
	}
	if (wanted->regions) {
		fputs(first ? "" : "\n", stdout);
		vcstat_regions(status);
	}
}

static int vcstat_show(const struct vcstat *opts)
{
	struct ipc_objects objects = { 0 };
	struct client_status status;
	struct vc_err err;
	int r = client_status(opts->state_dir, &opts->wanted, &status, &err);

	if (r == 0 && opts->ipc)
		r = ipc_objects_get(opts->state_dir, NULL, &objects, &err);
	if (r < 0) {
		fprintf(stderr, "vcstat: %s\n", err.text);
		client_status_done(&status);
		ipc_objects_done(&objects);
		return 1;
	}
	if (opts->watch_sec > 0 && isatty(STDOUT_FILENO) && !opts->json)
		fputs("\033[H\033[J", stdout);
	if (opts->json)
		vcstat_json(opts, &status, &objects);
	else
		vcstat_tables(opts, &status, &objects);
	if (opts->wanted.jobs && status.silent.code)
		fprintf(stderr, "vcstat: %s; its jobs are not shown\n", status.silent.text);
	client_status_done(&status);
	ipc_objects_done(&objects);
	return fflush(stdout) == 0 ? 0 : 1;
}

static int vcstat_words(struct vcstat *opts, char **words)
{
	Vc__Status *wanted = &opts->wanted;

	for (; *words; words++) {
		if (!strcmp(*words, "partitions"))
			wanted->has_partitions = wanted->partitions = true;
		else if (!strcmp(*words, "jobs"))
			wanted->has_jobs = wanted->jobs = true;
		else if (!strcmp(*words, "moves"))
			wanted->has_moves = wanted->moves = true;
		else if (!strcmp(*words, "ipc"))
			opts->ipc = true;
		else if (!strcmp(*words, "regions"))
			wanted->has_regions = wanted->regions = true;
		else if (!strcmp(*words, "devices"))
			opts->devices = true;
		else {
			fprintf(stderr,
				"vcstat: '%s' is none of partitions, jobs, moves, ipc, regions, "
				"devices\n",
				*words);
			return -EINVAL;
		}
	}
	if (!wanted->partitions && !wanted->jobs && !wanted->moves && !wanted->regions &&
	    !opts->ipc && !opts->devices)
		wanted->has_partitions = wanted->partitions = wanted->has_jobs = wanted->jobs =
			true;
	return 0;
}

static void vcstat_parse_watch(const char *sec, void *value)
{
	double *watch_sec = value;

	*watch_sec = sec ? atof(sec) : 1;
	if (!(*watch_sec >= 0.05 && *watch_sec <= VCSTAT_WATCH_MAX)) {
		fprintf(stderr, "vcstat: --watch=%s: give seconds, 0.05 to %d\n", sec,
			VCSTAT_WATCH_MAX);
		exit(EXIT_USAGE_CODE);
	}
}

int main(int argc, char **argv)
{
	struct vcstat opts = { .wanted = VC__STATUS__INIT };
	const struct option_row rows[] = {
		{ 0, "json", NULL, "print one JSON object", .flag = &opts.json },
		{ 'w', "watch", "[=SEC]", "repeat every SEC seconds (default 1) until interrupted",
		  .parse = vcstat_parse_watch, .value = &opts.watch_sec },
	};
	const struct options options = { .command = "vcstat",
					 .before = vcstat_before,
					 .rows = rows,
					 .n_rows = ARRAY_SIZE(rows),
					 .exit_status = EXIT_USAGE_CODE };
	int words;

	log_open("vcstat", LOG_LEVEL_WARN);
	words = options_parse(&options, argc, argv, &opts.state_dir);
	if (vcstat_words(&opts, argv + words) < 0)
		return EXIT_USAGE_CODE;
	if (opts.devices && (opts.wanted.partitions || opts.wanted.jobs || opts.wanted.moves ||
			     opts.wanted.regions || opts.ipc)) {
		fputs("vcstat: devices cannot be shown together with other lists\n", stderr);
		return EXIT_USAGE_CODE;
	}
	for (;;) {
		int r = opts.devices ? vcstat_devices(opts.state_dir, opts.json)
				     : vcstat_show(&opts);

		if (r || opts.watch_sec <= 0)
			return r;
		clock_sleep_usec((uint64_t)(opts.watch_sec * 1e6));
	}
}
