// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * vcbench.c - measures vcrun on this machine, and the alternatives to it
 *
 * Brings up the instances that the benchmarks need, with equal partitions and a temporary state
 * directory, and takes them down, also after an interrupt.
 */
#include "bench/bench.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/report/report.h"
#include "common/cleanup.h"
#include "common/log.h"

#define REPORT_DEFAULT "report.html"

volatile sig_atomic_t bench_stop;

#define PATIENCE_DEFAULT_USEC 60000000u

/* "all" runs them in this order. */
static const struct subcommand {
	const char *name;
	unsigned int partitions; /* of the instance; 0: it brings up its own */
	int (*run)(struct bench *bench, struct vc_err *err);
} subcommands[] = {
	{ "spawn", 2, bench_spawn }, { "move", 2, bench_move },
	{ "ipc", 2, bench_ipc },     { "reshape", 2, bench_reshape },
	{ "lock", 0, bench_lock },   { "interfere", 0, bench_interfere },
};

static void vcbench_usage(FILE *out)
{
	fputs("Usage: vcbench [OPTION]... spawn|move|reshape|ipc|lock|interfere|all...\n"
	      "Measure costs and benefits of vcrun on this machine; see vcbench(1). Needs root.\n\n"
	      "  spawn      start a program: vcrun, fork+exec, cgexec, systemd-run\n"
	      "  move       move a program: vcmove, criu dump + criu restore\n"
	      "  reshape    change a partition: less memory, more memory, other CPUs\n"
	      "  ipc        communicate across partitions: libvcipc, futex, eventfd,\n"
	      "             pipe, mqueue and others\n"
	      "  lock       one process, or one in each partition: its own locks, the kernel's\n"
	      "             locks, servers\n"
	      "  interfere  a program with noisy neighbours, with and without partitions\n"
	      "  all        all of these, and report.html\n\n"
	      "  -n, --rounds=N     take N samples of each variant\n"
	      "      --sizes=LIST   move, reshape: MiB of memory, separated by commas\n"
	      "      --works=LIST   lock: only these works, separated by commas\n"
	      "      --patience=SEC lock, interfere: wait up to SEC seconds for quiet moments,\n"
	      "                     and as long to repeat disturbed measurements (default 60)\n"
	      "      --quick        fewer rounds, smaller sizes; all ends within 2 minutes\n"
	      "      --json=FILE    write the results to FILE (-: standard output)\n"
	      "      --report=FILE  write the page to FILE (default for all: report.html)\n"
	      "      --from=FILE    measure nothing; write the page from the results in FILE\n"
	      "  -h, --help         print this text and exit\n"
	      "  -V, --version      print the version and exit\n\n"
	      "Ctrl-C ends the measurement; the results so far are printed and written.\n",
	      out);
}

static void vcbench_on_signal(int signal)
{
	bench_stop = 1;
}

int bench_up(struct bench *bench, unsigned int partitions, struct vc_err *err)
{
	char out[1024], split[32];

	snprintf(split, sizeof(split), "--split=%u", partitions);
	strcpy(bench->state_dir, "/run/vcbench-XXXXXX");
	if (!mkdtemp(bench->state_dir)) {
		int r = err_sys(err, errno, "%s", bench->state_dir);

		bench->state_dir[0] = '\0';
		return r;
	}
	chmod(bench->state_dir, 0755);
	setenv("VCRUN_STATE_DIR", bench->state_dir, 1);
	if (bench_run(BENCH_ARGV("vcctl", "up", split), out, sizeof(out)) != 0) {
		err_set(err, EIO, "vcctl up %s: %.400s", split, out);
		bench_down(bench);
		return -EIO;
	}
	return 0;
}

int bench_down(struct bench *bench)
{
	char out[1024];
	int status;

	if (!bench->state_dir[0])
		return 0;
	status = bench_run(BENCH_ARGV("vcctl", "down", "--force"), out, sizeof(out));
	if (status != 0)
		fprintf(stderr, "vcbench: vcctl down: %s\n", out);
	rmdir(bench->state_dir);
	bench->state_dir[0] = '\0';
	return status;
}

static int vcbench_write(const struct bench *bench, const char *path)
{
	if (!strcmp(path, "-") ? json_dumpf(bench->report, stdout, JSON_INDENT(2)) < 0
			       : json_dump_file(bench->report, path, JSON_INDENT(2)) < 0) {
		fprintf(stderr, "vcbench: %s: cannot be written\n", path);
		return 1;
	}
	return 0;
}

static int vcbench_report(const json_t *report, const char *path)
{
	struct vc_err err = { 0 };

	if (report_write(report, path, &err) < 0) {
		fprintf(stderr, "vcbench: %s\n", err.text);
		return 1;
	}
	fprintf(stderr, "vcbench: the page is %s\n", path);
	return 0;
}

/* Writes the page from saved results. */
static int vcbench_from(const char *from, const char *report)
{
	json_error_t error;
	json_auto_t *results = json_load_file(from, 0, &error);

	if (!json_is_object(results)) {
		fprintf(stderr, "vcbench: %s: these are no figures of vcbench: %s\n", from,
			error.text);
		return 1;
	}
	return vcbench_report(results, report ? report : REPORT_DEFAULT);
}

static void vcbench_check(const char *name)
{
	if (!strcmp(name, "all"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++)
		if (!strcmp(subcommands[i].name, name))
			return;
	fprintf(stderr, "vcbench: there is no benchmark '%s'; try 'vcbench --help'\n", name);
	exit(2);
}

static int vcbench_run_one(struct bench *bench, const struct subcommand *subcommand)
{
	struct vc_err err = { 0 };
	int r = 0;

	bench->patience_usec = bench->patience_each_usec;
	if (subcommand->partitions > 0)
		r = bench_up(bench, subcommand->partitions, &err);
	if (r == 0)
		r = subcommand->run(bench, &err);
	/* Also after an interrupt. */
	if (bench_down(bench) != 0)
		r = -EIO;
	if (r < 0 && !bench_stop && err.text[0])
		fprintf(stderr, "vcbench: %s: %s\n", subcommand->name, err.text);
	return r;
}

/* Returns false if a benchmark failed. */
static bool vcbench_run(struct bench *bench, const char *name)
{
	bool all = !strcmp(name, "all"), well = true;

	for (size_t i = 0; i < ARRAY_SIZE(subcommands) && !bench_stop; i++)
		if (all || !strcmp(subcommands[i].name, name))
			well = vcbench_run_one(bench, &subcommands[i]) == 0 && well;
	return well;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "rounds", required_argument, NULL, 'n' },
		{ "sizes", required_argument, NULL, 's' },
		{ "works", required_argument, NULL, 'w' },
		{ "patience", required_argument, NULL, 'p' },
		{ "quick", no_argument, NULL, 'q' },
		{ "json", required_argument, NULL, 'j' },
		{ "report", required_argument, NULL, 'r' },
		{ "from", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct sigaction action = { .sa_handler = vcbench_on_signal };
	struct bench bench = { 0 };
	const char *json = NULL, *report = NULL, *from = NULL;
	bool patient = false;
	int c, status = 0;

	log_open("vcbench", LOG_LEVEL_WARN);
	setlinebuf(stdout);
	while ((c = getopt_long(argc, argv, "n:hV", options, NULL)) >= 0) {
		switch (c) {
		case 'n':
			bench.rounds = strtoul(optarg, NULL, 10);
			break;
		case 's':
			bench.sizes = optarg;
			break;
		case 'w':
			bench.works = optarg;
			break;
		case 'p':
			bench.patience_each_usec = strtoul(optarg, NULL, 10) * 1000000;
			patient = true;
			break;
		case 'q':
			bench.quick = true;
			break;
		case 'j':
			json = optarg;
			break;
		case 'r':
			report = optarg;
			break;
		case 'f':
			from = optarg;
			break;
		case 'h':
			vcbench_usage(stdout);
			return 0;
		case 'V':
			puts("vcbench " PACKAGE_VERSION);
			return 0;
		default:
			fputs("Try 'vcbench --help'.\n", stderr);
			return 2;
		}
	}
	if (from && optind == argc)
		return vcbench_from(from, report);
	if (optind == argc || from) {
		vcbench_usage(stderr);
		return 2;
	}
	for (int i = optind; i < argc; i++) {
		vcbench_check(argv[i]);
		if (!strcmp(argv[i], "all") && !report)
			report = REPORT_DEFAULT;
	}
	if (geteuid() != 0) {
		fputs("vcbench: needs root: it brings partitions up\n", stderr);
		return 1;
	}
	if (!patient && !bench.quick)
		bench.patience_each_usec = PATIENCE_DEFAULT_USEC;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	bench.report = json_object();
	json_object_set_new(bench.report, "machine", bench_machine());
	for (int i = optind; i < argc && !bench_stop; i++)
		status |= !vcbench_run(&bench, argv[i]);
	if (json)
		status |= vcbench_write(&bench, json);
	if (report)
		status |= vcbench_report(bench.report, report);
	json_decref(bench.report);
	return status;
}
