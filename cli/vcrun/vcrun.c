// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * vcrun.c - starts a program in a partition, and exits with its status
 */
#include "cli/vcrun/vcrun.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/options.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "partition/cgroup/cgroup.h"
#include "partition/config/config.h"

static const char vcrun_before[] = "Usage: vcrun [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
				   "Run PROGRAM in a partition of this machine; see vcrun(1).\n\n";
static const char vcrun_after[] =
	"\nExit status: PROGRAM's own; 128+N if signal N ended it; 125 if vcrun failed;\n"
	"126 if PROGRAM cannot be executed; 127 if PROGRAM is not found.\n";

static void vcrun_parse_memory(const char *size, void *value)
{
	uint64_t *bytes = value;

	if (config_size_parse(size, bytes) < 0 || *bytes == 0 || *bytes == CG_NO_LIMIT) {
		fprintf(stderr, "vcrun: --memory=%s: write a size like 512M or 1.5G\n", size);
		exit(EXIT_VCRUN);
	}
}

static void vcrun_parse_ipc(const char *how, void *value)
{
	if (!ipc_parse(how, value))
		exit(EXIT_VCRUN);
}

static void vcrun_options(struct vcrun *run, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ 'p', "policy", "POLICY",
		  "choose the partition by this policy: leastcpu, leastmem,\n"
		  "parent, notparent, random, roundrobin, twochoices,\n"
		  "joinidle, cost or your own one (default: as configured)",
		  .text = &run->policy },
		{ 'o', "on", "PARTITION", "run in this partition", .text = &run->on },
		{ 'd', "detach", NULL, "do not wait; print the job's number",
		  .flag = &run->detach },
		{ 'n', "name", "NAME", "a name for the job, for vcstat and vcmove",
		  .text = &run->name },
		{ 'i', "ipc", "HOW",
		  "map: share queues, semaphores and shared memory with the\n"
		  "jobs of all partitions, also during moves; map,strict: as\n"
		  "map, and refuse programs that cannot be mapped; private\n"
		  "(default): the job has its own",
		  .parse = vcrun_parse_ipc, .value = &run->ipc },
		{ 'm', "memory", "SIZE",
		  "the memory that the program is expected to use, such as\n"
		  "512M; policies use it; it is not a limit",
		  .parse = vcrun_parse_memory, .value = &run->memory_bytes },
	};
	const struct options options = { .command = "vcrun",
					 .before = vcrun_before,
					 .after = vcrun_after,
					 .rows = rows,
					 .n_rows = ARRAY_SIZE(rows),
					 .in_order = true,
					 .exit_status = EXIT_VCRUN };
	int words = options_parse(&options, argc, argv, &run->state_dir);

	if (words >= argc)
		options_misused(&options);
	if (run->on && run->policy) {
		fputs("vcrun: --on and --policy exclude each other: give one of them\n", stderr);
		exit(EXIT_VCRUN);
	}
	run->argv = argv + words;
	run->argc = argc - words;
}

/* A closed standard descriptor becomes /dev/null. Otherwise another descriptor of ours would get
 * its number, and be handed to the program. */
static void vcrun_fill_stdio(void)
{
	for (;;) {
		int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (fd > STDERR_FILENO)
			close(fd);
		if (fd < 0 || fd > STDERR_FILENO)
			return;
	}
}

int main(int argc, char **argv)
{
	struct vcrun run = { .signal_fd = -1 };
	struct vc_err err;
	int status;

	vcrun_fill_stdio();
	log_open("vcrun", LOG_LEVEL_WARN);
	vcrun_options(&run, argc, argv);
	tty_init(&run.tty);
	if (!run.ipc.map)
		ipc_clear();
	status = run.ipc.map ? ipc_prepare(&run.ipc, run.state_dir, run.argv[0], &err) : 0;
	if (status == -EACCES) {
		fprintf(stderr, "vcrun: %s\n", err.text);
		return EXIT_NOT_EXECUTABLE;
	}
	if (status == 0)
		status = order_start(&run, &err);
	if (status < 0) {
		fprintf(stderr, "vcrun: %s\n", err.text);
		return EXIT_VCRUN;
	}
	status = wait_loop(&run);
	tty_leave(&run.tty);
	wire_free(run.wire);
	return status;
}
