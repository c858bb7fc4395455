// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * main.c - vcd: one partition's daemon
 *
 * The daemon starts its parts (part.h), writes "ok" to the process that started it, and serves
 * requests. It stays in the foreground, so that vcctl, systemd or a shell can be its parent.
 * SIGTERM ends it. The shims of its jobs then wait for the next daemon.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/statedir.h"

#include "common/cleanup.h"
#include "common/file.h"
#include "common/log.h"
#include "daemon/daemon.h"
#include "daemon/event/trigger.h"
#include "daemon/part.h"
#include "daemon/request/request.h"

static void main_on_term(evutil_socket_t signal, short what, void *ctx)
{
	event_base_loopbreak(ctx);
}

#define MAIN_ROW(name) &name##_part,
static const struct part *const main_parts[] = { PARTS(MAIN_ROW) };

static int main_open(struct daemon *daemon, const char *state_dir, struct vc_err *err)
{
	int index, r = instance_open(state_dir, &daemon->instance, err);

	if (r < 0)
		return r;
	index = instance_find(daemon->instance, daemon->name);
	if (index < 0)
		return err_set(err, ENOENT, "%s/instance.json has no partition %s",
			       daemon->instance->dir, daemon->name);
	daemon->slot = (uint32_t)index;
	daemon->base = event_base_new();
	return daemon->base ? 0 : err_sys(err, ENOMEM, "event loop");
}

/* *ret_n: how many parts main_stop() has to stop. */
static int main_start(struct daemon *daemon, const char *state_dir, size_t *ret_n,
		      struct vc_err *err)
{
	int r = main_open(daemon, state_dir, err);

	for (*ret_n = 0; r == 0 && *ret_n < ARRAY_SIZE(main_parts);) {
		const struct part *part = main_parts[(*ret_n)++];

		log_debug("start %s", part->name);
		r = part->start(daemon, err);
	}
	return r;
}

static void main_stop(struct daemon *daemon, size_t n)
{
	while (n-- > 0)
		if (main_parts[n]->stop)
			main_parts[n]->stop(daemon);
	if (daemon->base)
		event_base_free(daemon->base);
	instance_free(daemon->instance);
}

/* One shim and one command are a descriptor each; a default soft limit of 1024 is few. */
static void main_raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	file_write(AT_FDCWD, "/proc/self/oom_score_adj", "-900");
	/* Shims inherit this: who starts and moves jobs must not queue behind them. */
	setpriority(PRIO_PROCESS, 0, -10);
}

/* -EPIPE: the process that started this daemon has ended. */
static int main_say_ready(int fd, const char *text)
{
	int r = 0;

	if (fd < 0)
		return 0;
	/* vcctl has it end with itself until now: see admin/daemons.c. */
	prctl(PR_SET_PDEATHSIG, 0);
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	close(fd);
	return r;
}

static void main_usage(FILE *out)
{
	fputs("Usage: vcd --partition=NAME [--state-dir=DIR] [--ready-fd=FD]\n"
	      "       vcd --fire=EVENT|--revert=EVENT [--state-dir=DIR]\n"
	      "The daemon of one partition. 'vcctl up' starts it; see vcd(8).\n\n"
	      "  -p, --partition=NAME  the partition, as in DIR/instance.json\n"
	      "      --state-dir=DIR   state directory (default $VCRUN_STATE_DIR or /run/vcrun)\n"
	      "      --fire=EVENT      fire the event and exit; daemons use this\n"
	      "      --revert=EVENT    revert the event and exit\n"
	      "      --cause=WORD      load, time, command or failover: the event's rank\n"
	      "      --epoch=N         do nothing if another daemon has taken over the watch\n"
	      "                        for events since epoch N; daemons use this\n"
	      "      --ready-fd=FD     write \"ok\" or the reason of a failure to FD and close it\n"
	      "  -h, --help            print this text and exit\n"
	      "  -V, --version         print the version and exit\n",
	      out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "partition", required_argument, NULL, 'p' },
		{ "state-dir", required_argument, NULL, 's' },
		{ "ready-fd", required_argument, NULL, 'r' },
		{ "fire", required_argument, NULL, 'f' },
		{ "revert", required_argument, NULL, 'b' },
		{ "cause", required_argument, NULL, 'c' },
		{ "epoch", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct daemon daemon = { .conns = TAILQ_HEAD_INITIALIZER(daemon.conns),
				 .jobs = TAILQ_HEAD_INITIALIZER(daemon.jobs),
				 .handle = request_handle };
	struct event *on_term, *on_int;
	const char *state_dir = NULL;
	struct plan_order order = { .cause = PLAN_BY_COMMAND };
	uint32_t epoch = 0;
	size_t n_parts;
	int ready_fd = -1, c, r;
	struct vc_err err;

	log_open("vcd", LOG_LEVEL_INFO);
	while ((c = getopt_long(argc, argv, "p:hV", options, NULL)) >= 0) {
		switch (c) {
		case 'p':
			daemon.name = optarg;
			break;
		case 's':
			state_dir = optarg;
			break;
		case 'r':
			ready_fd = atoi(optarg);
			break;
		case 'f':
		case 'b':
			order.event = optarg;
			order.way = c == 'b' ? PLAN_REVERT : PLAN_FIRE;
			break;
		case 'c':
			if (plan_rank_parse_cause(optarg, &order.cause) < 0) {
				main_usage(stderr);
				return 2;
			}
			break;
		case 'e':
			epoch = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'h':
			main_usage(stdout);
			return 0;
		case 'V':
			puts("vcd " PACKAGE_VERSION);
			return 0;
		default:
			main_usage(stderr);
			return 2;
		}
	}
	if (order.event && !daemon.name && optind == argc)
		return fire_main(statedir_choose(state_dir), &order, epoch);
	if (order.event || !daemon.name || optind < argc) {
		main_usage(stderr);
		return 2;
	}
	if (ready_fd >= 0)
		fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
	log_bound();
	signal(SIGPIPE, SIG_IGN);
	/* The shims outlive us; none of them is waited for. */
	signal(SIGCHLD, SIG_IGN);
	main_raise_limits();
	r = main_start(&daemon, statedir_choose(state_dir), &n_parts, &err);
	if (r < 0) {
		main_say_ready(ready_fd, err.text);
		log_error("%s", err.text);
		main_stop(&daemon, n_parts);
		return 1;
	}
	on_term = evsignal_new(daemon.base, SIGTERM, main_on_term, daemon.base);
	on_int = evsignal_new(daemon.base, SIGINT, main_on_term, daemon.base);
	event_add(on_term, NULL);
	event_add(on_int, NULL);
	if (main_say_ready(ready_fd, "ok") < 0) {
		log_error("the vcctl that started this daemon has ended");
		main_stop(&daemon, n_parts);
		return 1;
	}
	log_info("partition %s is up", daemon.name);
	event_base_dispatch(daemon.base);
	log_info("partition %s goes down", daemon.name);
	event_free(on_term);
	event_free(on_int);
	main_stop(&daemon, n_parts);
	return 0;
}
