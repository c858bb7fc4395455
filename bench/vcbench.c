// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * vcbench.c - measures vcrun on this machine, against what one would use without it
 *
 * Brings up an instance of its own, two equal partitions in a temporary state
 * directory, and takes it down in the end, also when interrupted.
 */
#include "bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "libmig/criu.h"

volatile sig_atomic_t bench_stop;

static const struct subcommand {
	const char *name;
	int (*run)(struct bench *bench, struct vc_err *err);
} subcommands[] = {
	{ "spawn", bench_spawn },
	{ "move", bench_move },
	{ "reshape", bench_reshape },
};

static void vcbench_usage(FILE *out)
{
	fputs("Usage: vcbench [OPTION]... spawn|move|reshape...\n"
	      "Measure what vcrun costs on this machine; see vcbench(1). Needs root.\n\n"
	      "  spawn  starting a program: vcrun, fork+exec, cgexec, systemd-run\n"
	      "  move   moving a program: vcmove, criu dump + criu restore\n"
	      "  reshape  changing a partition: less memory, more, other CPUs\n\n"
	      "  -n, --rounds=N    so many samples of each\n"
	      "      --sizes=LIST  move, reshape: MiB of memory, by commas (default "
	      "1,64,256,1024)\n"
	      "      --quick       fewer rounds, smaller sizes\n"
	      "      --json=FILE   write the figures to FILE (-: standard output)\n"
	      "  -h, --help        this text\n"
	      "  -V, --version     the version\n\n"
	      "Ctrl-C ends the measurement; what was measured so far is printed.\n",
	      out);
}

static void vcbench_on_signal(int signal)
{
	bench_stop = 1;
}

/* What the figures were measured on. */
static json_t *vcbench_machine(void)
{
	_cleanup_free_ char *cpuinfo = NULL;
	char model[128] = "unknown", load[64] = "";
	const char *line;
	unsigned int version = 0;
	struct utsname uts;

	uname(&uts);
	if (file_read_all(AT_FDCWD, "/proc/cpuinfo", 16 << 20, &cpuinfo) > 0 &&
	    (line = strstr(cpuinfo, "model name")))
		sscanf(line, "model name : %127[^\n]", model);
	file_read(AT_FDCWD, "/proc/loadavg", load, sizeof(load));
	criu_version(NULL, &version, NULL);
	printf("%s, %ld CPUs, Linux %s, criu %u.%u.%u, load before %.4s\n", model,
	       sysconf(_SC_NPROCESSORS_ONLN), uts.release, version / 10000, version / 100 % 100,
	       version % 100, load);
	return json_pack("{s:s, s:i, s:s, s:i, s:s, s:f}", "cpu", model, "cpus",
			 (int)sysconf(_SC_NPROCESSORS_ONLN), "kernel", uts.release, "criu_version",
			 (int)version, "load_before", load, "at", (double)clock_real_usec() / 1e6);
}

static int vcbench_up(struct bench *bench, struct vc_err *err)
{
	char out[1024];
	char *argv[] = { (char *)"vcctl", (char *)"up", (char *)"--split=2", NULL };

	strcpy(bench->state_dir, "/run/vcbench-XXXXXX");
	if (!mkdtemp(bench->state_dir))
		return err_sys(err, errno, "%s", bench->state_dir);
	chmod(bench->state_dir, 0755);
	setenv("VCRUN_STATE_DIR", bench->state_dir, 1);
	if (bench_run(argv, out, sizeof(out)) != 0)
		return err_set(err, EIO, "vcctl up: %.400s", out);
	return 0;
}

static int vcbench_down(const struct bench *bench)
{
	char out[1024];
	char *argv[] = { (char *)"vcctl", (char *)"down", (char *)"--force", NULL };
	int status = bench_run(argv, out, sizeof(out));

	rmdir(bench->state_dir);
	if (status != 0)
		fprintf(stderr, "vcbench: vcctl down: %s\n", out);
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

static const struct subcommand *vcbench_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++)
		if (!strcmp(subcommands[i].name, name))
			return &subcommands[i];
	fprintf(stderr, "vcbench: there is no benchmark '%s'; try 'vcbench --help'\n", name);
	exit(2);
}

static int vcbench_run(struct bench *bench, char **names)
{
	struct vc_err err = { 0 };
	int r = vcbench_up(bench, &err);

	for (; r == 0 && *names && !bench_stop; names++)
		r = vcbench_find(*names)->run(bench, &err);
	if (r < 0)
		fprintf(stderr, "vcbench: %s\n", err.text);
	return vcbench_down(bench) != 0 || r < 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "rounds", required_argument, NULL, 'n' },
		{ "sizes", required_argument, NULL, 's' },
		{ "quick", no_argument, NULL, 'q' },
		{ "json", required_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct sigaction action = { .sa_handler = vcbench_on_signal };
	struct bench bench = { 0 };
	const char *json = NULL;
	int c, status;

	log_open("vcbench", LOG_LEVEL_WARN);
	while ((c = getopt_long(argc, argv, "n:hV", options, NULL)) >= 0) {
		switch (c) {
		case 'n':
			bench.rounds = strtoul(optarg, NULL, 10);
			break;
		case 's':
			bench.sizes = optarg;
			break;
		case 'q':
			bench.quick = true;
			break;
		case 'j':
			json = optarg;
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
	if (optind == argc) {
		vcbench_usage(stderr);
		return 2;
	}
	for (int i = optind; i < argc; i++)
		vcbench_find(argv[i]);
	if (geteuid() != 0) {
		fputs("vcbench: needs root: it brings partitions up\n", stderr);
		return 1;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	bench.report = json_object();
	json_object_set_new(bench.report, "machine", vcbench_machine());
	status = vcbench_run(&bench, argv + optind);
	if (json)
		status |= vcbench_write(&bench, json);
	json_decref(bench.report);
	return status;
}
