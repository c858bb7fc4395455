// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * vcctl.c - the administrator's command: options and the table of subcommands
 */
#include "cli/vcctl/vcctl.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/options.h"
#include "common/cleanup.h"
#include "common/log.h"

static const struct subcommand {
	const char *name;
	int (*run)(const struct vcctl *opts);
	bool root;
	bool whole;             /* runs with admin_lock() */
	int min_args, max_args; /* the number of words after it */
	const char *args;       /* these words, for an error */
} subcommands[] = {
	{ "up", vcctl_up, .root = true, .whole = true },
	{ "down", vcctl_down, .root = true, .whole = true },
	{ "list", vcctl_list, .root = false },
	{ "check", vcctl_check, .root = true, .whole = true },
	{ "add", vcctl_add, .root = true, .whole = true, .min_args = 1, .max_args = 1,
	  .args = "a partition" },
	{ "remove", vcctl_remove, .root = true, .whole = true, .min_args = 1, .max_args = 1,
	  .args = "a partition" },
	{ "set", vcctl_set, .root = true, .min_args = 1, .max_args = 1, .args = "a partition" },
	{ "event", vcctl_event, .min_args = 1, .max_args = 2,
	  .args = "list, or show, fire or revert and an event" },
	{ "failover", vcctl_failover, .root = true, .min_args = 1, .max_args = 1,
	  .args = "a partition" },
	{ "kill", vcctl_kill, .min_args = 1, .max_args = INT_MAX, .args = "one or more jobs" },
	{ "ipc", vcctl_ipc, .min_args = 1, .max_args = 2,
	  .args = "list or check, or show or rm and a name" },
};

static const char vcctl_before[] =
	"Usage: vcctl [OPTION]... up|down|list|check\n"
	"       vcctl [OPTION]... set|add|remove|failover PARTITION\n"
	"       vcctl [OPTION]... event list|show|fire|revert [EVENT]\n"
	"       vcctl [OPTION]... kill JOB...\n"
	"       vcctl [OPTION]... ipc list|show NAME|rm NAME|check\n"
	"Make, change and remove this machine's partitions; see vcctl(8).\n\n"
	"  up        make the partitions and start their daemons; without an option, by\n"
	"            " VC_SYSCONFDIR "/vcrun.conf or by the machine's topology\n"
	"  down      end the daemons and remove the partitions; refused while jobs run\n"
	"  list      show the partitions as configured now; --policies: the policies\n"
	"  check     check that everything that vcrun needs exists and works\n"
	"  set       change the CPUs, memory or devices of a partition while its jobs run\n"
	"  add       make one more partition with the CPUs of --cpus\n"
	"  remove    remove a partition; refused while jobs run in it\n"
	"  event     list the configured events, or show, fire or revert one\n"
	"  failover  fire the events for the failure of a partition\n"
	"  kill      send a signal to all processes of jobs; can end parked jobs\n"
	"  ipc       list: list the IPC objects; show NAME: show one object and its\n"
	"            handles in the partitions; rm NAME: remove its name, and the object\n"
	"            after its last opener; check: compare table, files and processes\n"
	"            (root)\n\n";
static const char vcctl_after[] =
	"\nExit status: 0 for success; 1 for a failure; 2 for a usage error.\n";

static void vcctl_parse_split(const char *text, void *value)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!*text || *end || n == 0 || n > PARTITIONS_MAX) {
		fprintf(stderr, "vcctl: --split=%s: give a number of partitions, 1 to %d\n", text,
			PARTITIONS_MAX);
		exit(EXIT_USAGE_CODE);
	}
	*(size_t *)value = n;
}

static void vcctl_parse_deadline(const char *text, void *value)
{
	char *end;
	double sec = strtod(text, &end);

	if (!*text || *end || !(sec >= 0 && sec <= 86400)) {
		fprintf(stderr, "vcctl: --deadline=%s: give seconds, 0 to 86400\n", text);
		exit(EXIT_USAGE_CODE);
	}
	*(unsigned int *)value = sec < 0.001 ? 1 : (unsigned int)(sec * 1000);
}

int vcctl_result(int r, const struct vc_err *err)
{
	if (r < 0)
		fprintf(stderr, "vcctl: %s\n", err->text);
	return r < 0;
}

/* Fills opts from the options. Returns the words after them. */
static char **vcctl_options(struct vcctl *opts, int argc, char **argv)
{
	struct admin_wish *wish = &opts->wish;
	const struct option_row rows[] = {
		{ 'n', "split", "N", "up: make N equal partitions", .parse = vcctl_parse_split,
		  .value = &opts->split },
		{ 'c', "config", "FILE", "up: read FILE", .text = &opts->config },
		{ 'f', "force", NULL, "down: end the jobs first (SIGTERM, then SIGKILL)",
		  .flag = &opts->force },
		{ 's', "signal", "SIGNAL", "kill: the signal, a name or number (default TERM)",
		  .text = &opts->signal },
		{ 0, "policies", NULL, "list: show the policies for vcrun --policy",
		  .flag = &opts->policies },
		{ 0, "kind", "KIND", "ipc: only objects of this kind", .text = &opts->kind },
		{ 0, "json", NULL, "list, check, ipc, event list: print JSON",
		  .flag = &opts->json },
		{ 0, "cpus", "LIST", "set, add: its CPUs, such as 0-3,8", .text = &wish->cpus },
		{ 0, "mems", "LIST", "set, add: its memory nodes; its pages move there",
		  .text = &wish->mems },
		{ 0, "memory", "SIZE", "set, add: its memory, such as 512M, 1.5G or max",
		  .text = &wish->memory },
		{ 0, "cpu", "WORD", "set, add: dedicated or shared CPUs", .text = &wish->cpu },
		{ 0, "memory-mode", "WORD", "set, add: fixed or pageable memory",
		  .text = &wish->memory_mode },
		{ 0, "devices", "LIST",
		  "set, add: all devices that it owns, such as\n"
		  "block:vdb,net:eth1; '' for none",
		  .text = &wish->devices },
		{ 0, "share", "LIST", "set, add: all other devices that its jobs may open",
		  .text = &wish->share },
		{ 0, "deadline", "SEC",
		  "set, event, failover: the time limit, including waits\n"
		  "for another change and for memory (default 5, or\n"
		  "the event's)",
		  .parse = vcctl_parse_deadline, .value = &opts->admin.deadline_msec },
		{ 0, "dry-run", NULL,
		  "set, event, failover: print the changes, or why they\n"
		  "are not possible now; change nothing",
		  .flag = &opts->admin.dry_run },
	};
	const struct options options = { .command = "vcctl",
					 .before = vcctl_before,
					 .after = vcctl_after,
					 .rows = rows,
					 .n_rows = ARRAY_SIZE(rows),
					 .exit_status = EXIT_USAGE_CODE };
	int words = options_parse(&options, argc, argv, &opts->admin.state_dir);

	if (words == argc)
		options_misused(&options);
	return argv + words;
}

/* Finds the subcommand, and checks that it can run with these words. */
static const struct subcommand *vcctl_find(char **words, int n)
{
	const struct subcommand *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++)
		if (!strcmp(subcommands[i].name, words[0]))
			found = &subcommands[i];
	if (!found) {
		fprintf(stderr, "vcctl: there is no command '%s'; try 'vcctl --help'\n", words[0]);
		exit(EXIT_USAGE_CODE);
	}
	if (n - 1 < found->min_args || n - 1 > found->max_args) {
		fprintf(stderr, "vcctl: '%s' takes %s; try 'vcctl --help'\n", found->name,
			found->args ? found->args : "no argument");
		exit(EXIT_USAGE_CODE);
	}
	if (found->root && geteuid() != 0) {
		fprintf(stderr, "vcctl: '%s' needs root: it works on cgroups and mounts\n",
			found->name);
		exit(1);
	}
	return found;
}

int main(int argc, char **argv)
{
	const struct subcommand *subcommand;
	struct vcctl opts = { .json = false };
	struct vc_err err = { 0 };
	int status;

	log_open("vcctl", LOG_LEVEL_WARN);
	opts.words = vcctl_options(&opts, argc, argv);
	if (opts.split && opts.config) {
		fputs("vcctl: --split and --config exclude each other: give one of them\n", stderr);
		return EXIT_USAGE_CODE;
	}
	subcommand = vcctl_find(opts.words, argc - (int)(opts.words - argv));
	opts.words++;
	signal(SIGPIPE, SIG_IGN);
	/* Other users must be able to reach the sockets, whatever the administrator's umask. */
	umask(022);
	vcctl_listen(&opts.admin);
	if (!subcommand->whole)
		return subcommand->run(&opts);
	if (admin_lock(opts.admin.state_dir, &err) < 0)
		return vcctl_result(-err.code, &err);
	status = subcommand->run(&opts);
	admin_unlock();
	return status;
}
