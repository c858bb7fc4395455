// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * order.c - asks for a partition, and orders its daemon to run the program
 *
 * Any daemon can answer the first request. The daemon of the chosen partition passes the second one
 * to a shim, with this process's connection.
 */
#include "cli/vcrun/vcrun.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "wire/args.h"

#define ORDER_ATTEMPTS 3

extern char **environ;

static ProtobufCBinaryData *order_strings(char **list, size_t *ret_n)
{
	ProtobufCBinaryData *data;
	size_t n = 0;

	while (list[n])
		n++;
	data = calloc(n + 1, sizeof(*data));
	for (size_t i = 0; data && i < n; i++)
		data[i] =
			(ProtobufCBinaryData){ .len = strlen(list[i]), .data = (uint8_t *)list[i] };
	*ret_n = n;
	return data;
}

/* Asks any daemon for a partition; the caller frees the name. */
static int order_place(const struct vcrun *run, char **ret, struct vc_err *err)
{
	_cleanup_free_ ProtobufCBinaryData *argv = NULL;
	ProtobufCBinaryData args[ARGS_MAX];
	Vc__Place place = VC__PLACE__INIT;
	Vc__Msg msg = WIRE_MSG(PLACE, place, &place);
	struct wire_msg answer;
	int r;

	argv = order_strings(run->argv, &place.n_argv);
	if (!argv)
		return err_sys(err, ENOMEM, "arguments");
	place.policy = (char *)run->policy;
	place.n_argv = args_cut(argv, place.n_argv, args);
	place.argv = args;
	place.has_memory_bytes = run->memory_bytes > 0;
	place.memory_bytes = run->memory_bytes;
	r = client_ask_any(run->state_dir, &msg, &answer, err);
	if (r < 0)
		return r;
	if (answer.msg->body_case != VC__MSG__BODY_PLACED) {
		wire_msg_done(&answer);
		return err_set(err, EPROTO, "the daemon answered something else");
	}
	if (answer.msg->placed->note)
		fprintf(stderr, "vcrun: %s\n", answer.msg->placed->note);
	*ret = strdup(answer.msg->placed->partition);
	wire_msg_done(&answer);
	return *ret ? 0 : err_sys(err, ENOMEM, "placement");
}

static uint64_t order_ignored_signals(void)
{
	uint64_t set = 0;

	for (int i = 1; i <= 64; i++) {
		struct sigaction action;

		if (sigaction(i, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			set |= UINT64_C(1) << (i - 1);
	}
	return set;
}

static uint64_t order_blocked_signals(const sigset_t *blocked)
{
	uint64_t set = 0;

	for (int i = 1; i <= 64; i++)
		if (sigismember(blocked, i) == 1)
			set |= UINT64_C(1) << (i - 1);
	return set;
}

/* A detached job must not keep a terminal, or a reader of our output, busy until it ends:
 * "job=$(vcrun --detach prog)" gets the number at once. */
static bool order_lets_go_of(int fd)
{
	struct stat st;

	return isatty(fd) || (fd != STDIN_FILENO && fstat(fd, &st) == 0 &&
			      (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)));
}

/* The job's standard descriptors. */
static int order_stdio(struct vcrun *run, struct vc_err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return err_sys(err, errno, "/dev/null");
	for (int i = 0; i < 3; i++)
		run->stdio[i] = run->detach && order_lets_go_of(i) ? null : i;
	run->stdio[3] = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (run->stdio[3] < 0)
		return err_sys(err, errno, "the current directory");
	return 0;
}

static int order_send(struct vcrun *run, const char *partition, struct vc_err *err)
{
	_cleanup_free_ ProtobufCBinaryData *argv = NULL, *env = NULL;
	Vc__Resize size = VC__RESIZE__INIT;
	Vc__Run body = VC__RUN__INIT;
	Vc__Msg msg = WIRE_MSG(RUN, run, &body);
	int r = order_stdio(run, err);
	mode_t mask = umask(0);

	umask(mask);
	if (r < 0)
		return r;
	argv = order_strings(run->argv, &body.n_argv);
	env = order_strings(environ, &body.n_env);
	if (!argv || !env)
		return err_sys(err, ENOMEM, "arguments");
	body.argv = argv;
	body.env = env;
	WIRE_SET(&body, umask, mask);
	body.name = (char *)run->name;
	WIRE_SET(&body, detach, run->detach);
	body.has_memory_bytes = run->memory_bytes > 0;
	body.memory_bytes = run->memory_bytes;
	body.has_placed = body.placed = !run->on;
	WIRE_SET(&body, ignored_signals, order_ignored_signals());
	WIRE_SET(&body, blocked_signals, order_blocked_signals(&run->blocked));
	if (!run->detach && run->tty.mask) {
		WIRE_SET(&body, tty_mask, run->tty.mask);
		body.has_termios = true;
		body.termios.data = (uint8_t *)&run->tty.job_termios;
		body.termios.len = sizeof(run->tty.job_termios);
		body.size = tty_size(&run->tty, &size) ? &size : NULL;
	}
	return client_order(run->wire, partition, &msg, err);
}

/* Blocks the signals that are passed to the program. They are blocked before the job starts, so
 * that none is lost. */
static int order_catch_signals(struct vcrun *run)
{
	static const int signals[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1,
				       SIGUSR2, SIGALRM, SIGCONT, SIGTSTP, SIGWINCH };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, &run->blocked);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Orders the daemon of a partition to start the program. If the daemon takes the order too late, it
 * starts nothing, because the shim asks this process for the descriptors. */
static int order_to(struct vcrun *run, const char *partition, struct vc_err *err)
{
	int r = client_open(run->state_dir, partition, &run->wire, err);

	if (r < 0)
		return r;
	if (run->signal_fd < 0)
		run->signal_fd = order_catch_signals(run);
	r = order_send(run, partition, err);
	if (r < 0)
		wire_free(steal_ptr(run->wire));
	return r;
}

int order_start(struct vcrun *run, struct vc_err *err)
{
	int r = -EAGAIN;

	if (run->on)
		return order_to(run, run->on, err);
	/* A daemon can end or be stopped between its last sample and the order. */
	for (int i = 0; i < ORDER_ATTEMPTS && r < 0; i++) {
		_cleanup_free_ char *partition = NULL;

		r = order_place(run, &partition, err);
		if (r < 0)
			return r;
		r = order_to(run, partition, err);
	}
	return r;
}
