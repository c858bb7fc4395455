// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * vcctl.c - the administrator's command: options, and the way to its subcommands
 */
#include "cli/vcctl/vcctl.h"

#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/client.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "common/statedir.h"

static const struct subcommand {
	const char *name;
	int (*run)(const struct vcctl *opts);
	bool root;
	bool whole;             /* is not to be interrupted halfway */
	int min_args, max_args; /* how many words more it takes */
	const char *args;       /* what they are, for an error */
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

static void vcctl_usage(FILE *out)
{
	fputs("Usage: vcctl [OPTION]... up|down|list|check\n"
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
	      "            (root)\n\n"
	      "  -n, --split=N           up: make N equal partitions\n"
	      "  -c, --config=FILE       up: read FILE\n"
	      "  -f, --force             down: end the jobs first (SIGTERM, then SIGKILL)\n"
	      "  -s, --signal=SIGNAL     kill: the signal, a name or number (default TERM)\n"
	      "      --policies          list: show the policies for vcrun --policy\n"
	      "      --kind=KIND         ipc: only objects of this kind\n"
	      "      --json              list, check, ipc, event list: print JSON\n"
	      "      --cpus=LIST         set, add: its CPUs, such as 0-3,8\n"
	      "      --mems=LIST         set, add: its memory nodes; its pages move there\n"
	      "      --memory=SIZE       set, add: its memory, such as 512M, 1.5G or max\n"
	      "      --cpu=WORD          set, add: dedicated or shared CPUs\n"
	      "      --memory-mode=WORD  set, add: fixed or pageable memory\n"
	      "      --devices=LIST      set, add: all devices that it owns, such as\n"
	      "                          block:vdb,net:eth1; '' for none\n"
	      "      --share=LIST        set, add: all other devices that its jobs may open\n"
	      "      --deadline=SEC      set, event, failover: the time limit, including waits\n"
	      "                          for another change and for memory (default 5, or\n"
	      "                          the event's)\n"
	      "      --dry-run           set, event, failover: print the changes, or why they\n"
	      "                          are not possible now; change nothing\n"
	      "      --state-dir=DIR     the instance (default $VCRUN_STATE_DIR or /run/vcrun)\n"
	      "  -h, --help              print this text and exit\n"
	      "  -V, --version           print the version and exit\n\n"
	      "Exit status: 0 for success; 1 for a failure; 2 for a usage error.\n",
	      out);
}

static size_t vcctl_parse_split(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!*text || *end || n == 0 || n > PARTITIONS_MAX) {
		fprintf(stderr, "vcctl: --split=%s: give a number of partitions, 1 to %d\n", text,
			PARTITIONS_MAX);
		exit(EXIT_USAGE_CODE);
	}
	return n;
}

static unsigned int vcctl_parse_deadline(const char *text)
{
	char *end;
	double sec = strtod(text, &end);

	if (!*text || *end || !(sec >= 0 && sec <= 86400)) {
		fprintf(stderr, "vcctl: --deadline=%s: give seconds, 0 to 86400\n", text);
		exit(EXIT_USAGE_CODE);
	}
	return sec < 0.001 ? 1 : (unsigned int)(sec * 1000);
}

static const struct subcommand *vcctl_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++)
		if (!strcmp(subcommands[i].name, name))
			return &subcommands[i];
	fprintf(stderr, "vcctl: there is no command '%s'; try 'vcctl --help'\n", name);
	exit(EXIT_USAGE_CODE);
}

int vcctl_result(int r, const struct vc_err *err)
{
	if (r < 0)
		fprintf(stderr, "vcctl: %s\n", err->text);
	return r < 0;
}

enum {
	OPTION_CPUS = 256,
	OPTION_MEMS,
	OPTION_MEMORY,
	OPTION_CPU,
	OPTION_MEMORY_MODE,
	OPTION_DEVICES,
	OPTION_SHARE,
	OPTION_DEADLINE,
	OPTION_DRY_RUN,
};

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "split", required_argument, NULL, 'n' },
		{ "config", required_argument, NULL, 'c' },
		{ "force", no_argument, NULL, 'f' },
		{ "signal", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "policies", no_argument, NULL, 'P' },
		{ "kind", required_argument, NULL, 'k' },
		{ "cpus", required_argument, NULL, OPTION_CPUS },
		{ "mems", required_argument, NULL, OPTION_MEMS },
		{ "memory", required_argument, NULL, OPTION_MEMORY },
		{ "cpu", required_argument, NULL, OPTION_CPU },
		{ "memory-mode", required_argument, NULL, OPTION_MEMORY_MODE },
		{ "devices", required_argument, NULL, OPTION_DEVICES },
		{ "share", required_argument, NULL, OPTION_SHARE },
		{ "deadline", required_argument, NULL, OPTION_DEADLINE },
		{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
		{ "state-dir", required_argument, NULL, 'S' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	const struct subcommand *subcommand;
	const char *state_dir = NULL;
	struct vcctl opts = { 0 };
	struct vc_err err = { 0 };
	int c, n_args;

	log_open("vcctl", LOG_LEVEL_WARN);
	while ((c = getopt_long(argc, argv, "n:c:fs:hV", options, NULL)) >= 0) {
		switch (c) {
		case 'n':
			opts.split = vcctl_parse_split(optarg);
			break;
		case 'c':
			opts.config = optarg;
			break;
		case 'f':
			opts.force = true;
			break;
		case 'j':
			opts.json = true;
			break;
		case 'P':
			opts.policies = true;
			break;
		case OPTION_CPUS:
			opts.wish.cpus = optarg;
			break;
		case OPTION_MEMS:
			opts.wish.mems = optarg;
			break;
		case OPTION_MEMORY:
			opts.wish.memory = optarg;
			break;
		case OPTION_CPU:
			opts.wish.cpu = optarg;
			break;
		case OPTION_MEMORY_MODE:
			opts.wish.memory_mode = optarg;
			break;
		case OPTION_DEVICES:
			opts.wish.devices = optarg;
			break;
		case OPTION_SHARE:
			opts.wish.share = optarg;
			break;
		case OPTION_DEADLINE:
			opts.admin.deadline_msec = vcctl_parse_deadline(optarg);
			break;
		case OPTION_DRY_RUN:
			opts.admin.dry_run = true;
			break;
		case 'k':
			opts.kind = optarg;
			break;
		case 's':
			opts.signal = optarg;
			break;
		case 'S':
			state_dir = optarg;
			break;
		case 'h':
			vcctl_usage(stdout);
			return 0;
		case 'V':
			client_version("vcctl");
		default:
			fputs("Try 'vcctl --help'.\n", stderr);
			return EXIT_USAGE_CODE;
		}
	}
	if (optind == argc) {
		vcctl_usage(stderr);
		return EXIT_USAGE_CODE;
	}
	if (opts.split && opts.config) {
		fputs("vcctl: --split and --config exclude each other: give one of them\n", stderr);
		return EXIT_USAGE_CODE;
	}
	subcommand = vcctl_find(argv[optind]);
	opts.words = argv + optind + 1;
	n_args = argc - optind - 1;
	if (n_args < subcommand->min_args || n_args > subcommand->max_args) {
		fprintf(stderr, "vcctl: '%s' takes %s; try 'vcctl --help'\n", subcommand->name,
			subcommand->args ? subcommand->args : "no argument");
		return EXIT_USAGE_CODE;
	}
	if (subcommand->root && geteuid() != 0) {
		fprintf(stderr, "vcctl: '%s' needs root: it works on cgroups and mounts\n",
			subcommand->name);
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	/* Other users must get to the sockets, whatever the administrator's habits. */
	umask(022);
	opts.admin.state_dir = statedir_choose(state_dir);
	vcctl_listen(&opts.admin);
	if (!subcommand->whole)
		return subcommand->run(&opts);
	if (admin_lock(opts.admin.state_dir, &err) < 0)
		return vcctl_result(-err.code, &err);
	c = subcommand->run(&opts);
	admin_unlock();
	return c;
}
