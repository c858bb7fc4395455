// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * main.c - vcd: one partition's daemon
 *
 * Start order: lock, groups, board, policies, IPC table, socket, load, shims; "ready" is said
 * when a command can be served. It stays in the foreground, so that vcctl, systemd
 * or a shell can each be its parent. SIGTERM ends it and leaves the jobs to their
 * shims, which wait for the next daemon.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/log.h"
#include "common/trust.h"
#include "partition/change/plan.h"
#include "partition/change/reshape.h"
#include "partition/device/deny.h"
#include "partition/partition.h"

static void main_on_term(evutil_socket_t signal, short what, void *ctx)
{
	event_base_loopbreak(ctx);
}

/* The lock says that this partition's daemon lives, and who it is (F_GETLK). The
 * descriptor stays open until the process ends. */
static int main_lock(const struct daemon *daemon, struct vc_err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int state = daemon->instance->dirfd, fd;
	char path[PARTITION_NAME_MAX + 16];

	if (mkdirat(state, daemon->name, 0755) < 0 && errno != EEXIST)
		return err_sys(err, errno, "%s/%s", daemon->instance->dir, daemon->name);
	snprintf(path, sizeof(path), "%s/vcd.lock", daemon->name);
	fd = trust_openat(state, path, O_RDWR | O_CREAT, 0600);
	/* Who can read it can lock it, and be taken for the daemon. */
	if (fd < 0)
		return trust_fail(fd, daemon->instance->dir, path, err);
	if (fchmod(fd, 0600) < 0)
		return err_sys(err, errno, "%s/%s", daemon->instance->dir, path);
	if (fcntl(fd, F_SETLK, &lock) < 0)
		return err_set(err, EBUSY, "partition %s has a daemon already (pid %d)",
			       daemon->name,
			       (int)instance_daemon_pid(daemon->instance, daemon->name));
	return 0;
}

/* The partition as it is wanted, not as somebody who changes it right now has it halfway. */
static int main_make_partition(struct daemon *daemon, struct vc_err *err)
{
	_cleanup_close_ int lock = -1;
	const struct partition_spec *spec;
	enum cg_exclusive obtained;
	struct vc_err why;
	const struct reshape_claim claim = { .rank = RESHAPE_RANK_BRIEF };
	struct partition_kept kept = { .asked = 0 };
	int r = reshape_lock(daemon->instance, daemon->cg, &claim, &lock, err);

	if (r < 0)
		return r;
	spec = &daemon->instance->config->parts[daemon->slot];
	r = partition_create(daemon->cg, spec, &obtained, err);
	for (size_t i = 0; r == 0 && i < daemon->instance->config->n_parts; i++)
		partition_count_kept(daemon->cg, &daemon->instance->config->parts[i], &kept);
	partition_keep_all_or_none(daemon->cg, &kept);
	if (r == 0)
		partition_route(spec, daemon->instance->dirfd);
	if (r == 0 && deny_apply(daemon->cg, daemon->instance->config, daemon->slot, &why) < 0)
		log_warn("%s", why.text);
	return r;
}

static int main_start(struct daemon *daemon, const char *state_dir, struct vc_err *err)
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
	if (!daemon->base)
		return err_sys(err, ENOMEM, "event loop");
	r = main_lock(daemon, err);
	if (r == 0)
		r = cg_open(NULL, daemon->instance->cgroup_base, &daemon->cg, err);
	if (r == 0)
		r = main_make_partition(daemon, err);
	if (r == 0)
		r = cg_group_create(daemon->cg, PARTITION_SHIMS_GROUP, err);
	if (r == 0)
		r = cg_entry_attach(daemon->cg, PARTITION_SHIMS_GROUP, 0, err);
	if (r == 0)
		r = board_open(daemon->instance->dirfd, &daemon->board, err);
	if (r == 0 && daemon->slot >= board_count(daemon->board))
		r = err_set(err, EPROTO, "the board has no slot %u", daemon->slot);
	if (r == 0)
		r = policy_set_new(daemon->instance->config->policy_path, &daemon->policies, err);
	if (r == 0)
		r = ipc_start(daemon, err);
	if (r == 0)
		r = turn_start(daemon, err);
	if (r == 0)
		r = moves_start(daemon, err);
	if (r == 0)
		r = listen_open(daemon, err);
	if (r == 0)
		r = sample_start(daemon, err);
	if (r == 0)
		r = pool_start(daemon, err);
	if (r == 0)
		r = balance_start(daemon, err);
	if (r == 0)
		r = devices_start(daemon, err);
	if (r == 0)
		r = witness_start(daemon, err);
	if (r == 0)
		r = trigger_start(daemon, err);
	return r;
}

static void main_stop(struct daemon *daemon)
{
	if (daemon->board && daemon->load)
		board_retire(daemon->board, daemon->slot);
	trigger_stop(daemon);
	witness_stop(daemon);
	devices_stop(daemon);
	balance_stop(daemon);
	pool_stop(daemon);
	sample_stop(daemon);
	listen_close(daemon);
	turn_stop(daemon);
	moves_stop(daemon);
	ipc_stop(daemon);
	policy_set_free(daemon->policies);
	board_free(daemon->board);
	cg_free(daemon->cg);
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
	struct daemon daemon = { .listen_fd = -1,
				 .conns = TAILQ_HEAD_INITIALIZER(daemon.conns),
				 .jobs = TAILQ_HEAD_INITIALIZER(daemon.jobs) };
	struct event *on_term, *on_int;
	const char *state_dir = NULL;
	struct plan_order order = { .cause = PLAN_BY_COMMAND };
	uint32_t epoch = 0;
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
		return fire_main(instance_dir(state_dir), &order, epoch);
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
	r = main_start(&daemon, instance_dir(state_dir), &err);
	if (r < 0) {
		main_say_ready(ready_fd, err.text);
		log_error("%s", err.text);
		main_stop(&daemon);
		return 1;
	}
	on_term = evsignal_new(daemon.base, SIGTERM, main_on_term, daemon.base);
	on_int = evsignal_new(daemon.base, SIGINT, main_on_term, daemon.base);
	event_add(on_term, NULL);
	event_add(on_int, NULL);
	if (main_say_ready(ready_fd, "ok") < 0) {
		log_error("the vcctl that started this daemon has ended");
		main_stop(&daemon);
		return 1;
	}
	log_info("partition %s is up", daemon.name);
	event_base_dispatch(daemon.base);
	log_info("partition %s goes down", daemon.name);
	event_free(on_term);
	event_free(on_int);
	main_stop(&daemon);
	return 0;
}
