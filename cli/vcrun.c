// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * vcrun.c - starts a program in a partition, and stands in for it until it ends
 *
 * Place, then run: any daemon says which partition; that partition's daemon hands
 * the rest to a shim, and from there on this process talks with the shim alone.
 * Standard descriptors are handed over, not relayed, except for terminals (tty.h).
 * Signals sent to vcrun go to the program; its exit status becomes ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/options.h"
#include "cli/tty.h"
#include "cli/vcrun-ipc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "partition/cgroup/cgroup.h"
#include "partition/config/config.h"
#include "wire/args.h"

#define VCRUN_PLACE_ATTEMPTS 3
#define VCRUN_FOREGROUND_MSEC                                                                      \
	250 /* how often a background vcrun looks whether it came to the fore */

#define VCRUN_GIVE_UP_USEC 2000000u
#define VCRUN_DRAIN_READS 64

extern char **environ;

struct vcrun {
	const char *state_dir, *policy, *on, *name;
	uint64_t memory_bytes; /* that the program is expected to use; 0: not said */
	struct ipc_how ipc;
	bool detach;
	char **argv;
	int argc;
	struct tty tty;
	struct wire *wire;
	int stdio[4];     /* the program's, and its directory */
	sigset_t blocked; /* as we found it: the program's */
	int signal_fd;
	bool started;
	int ended_by; /* a signal that came before the program started; 0: none */
	uint64_t give_up_usec;
};

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

static ProtobufCBinaryData *vcrun_strings(char **list, size_t *ret_n)
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

/* The answer to "where?": the caller frees it. */
static int vcrun_place(const struct vcrun *run, char **ret, struct vc_err *err)
{
	_cleanup_free_ ProtobufCBinaryData *argv = NULL;
	ProtobufCBinaryData args[ARGS_MAX];
	Vc__Place place = VC__PLACE__INIT;
	Vc__Msg msg = VC__MSG__INIT;
	struct wire_msg answer;
	int r;

	argv = vcrun_strings(run->argv, &place.n_argv);
	if (!argv)
		return err_sys(err, ENOMEM, "arguments");
	place.policy = (char *)run->policy;
	place.n_argv = args_cut(argv, place.n_argv, args);
	place.argv = args;
	place.has_memory_bytes = run->memory_bytes > 0;
	place.memory_bytes = run->memory_bytes;
	msg.body_case = VC__MSG__BODY_PLACE;
	msg.place = &place;
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

static uint64_t vcrun_ignored_signals(void)
{
	uint64_t set = 0;

	for (int i = 1; i <= 64; i++) {
		struct sigaction action;

		if (sigaction(i, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			set |= UINT64_C(1) << (i - 1);
	}
	return set;
}

static uint64_t vcrun_blocked_signals(const sigset_t *blocked)
{
	uint64_t set = 0;

	for (int i = 1; i <= 64; i++)
		if (sigismember(blocked, i) == 1)
			set |= UINT64_C(1) << (i - 1);
	return set;
}

/* A closed standard descriptor becomes /dev/null, before something else of ours,
 * the daemon's socket say, gets its number and is taken for it. */
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

/*
 * A detached job must not hold on to a terminal, nor keep who reads our output waiting for
 * its own end: "job=$(vcrun --detach prog)" is to have the number at once.
 */
static bool vcrun_lets_go_of(int fd)
{
	struct stat st;

	return isatty(fd) || (fd != STDIN_FILENO && fstat(fd, &st) == 0 &&
			      (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)));
}

/* The job's standard descriptors. */
static int vcrun_stdio(struct vcrun *run, struct vc_err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return err_sys(err, errno, "/dev/null");
	for (int i = 0; i < 3; i++)
		run->stdio[i] = run->detach && vcrun_lets_go_of(i) ? null : i;
	run->stdio[3] = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (run->stdio[3] < 0)
		return err_sys(err, errno, "the current directory");
	return 0;
}

static int vcrun_send(struct vcrun *run, const char *partition, struct vc_err *err)
{
	_cleanup_free_ ProtobufCBinaryData *argv = NULL, *env = NULL;
	Vc__Resize size = VC__RESIZE__INIT;
	Vc__Run body = VC__RUN__INIT;
	Vc__Msg msg = VC__MSG__INIT;
	int r = vcrun_stdio(run, err);
	mode_t mask = umask(0);

	umask(mask);
	if (r < 0)
		return r;
	argv = vcrun_strings(run->argv, &body.n_argv);
	env = vcrun_strings(environ, &body.n_env);
	if (!argv || !env)
		return err_sys(err, ENOMEM, "arguments");
	body.argv = argv;
	body.env = env;
	body.has_umask = body.has_detach = body.has_tty_mask = body.has_ignored_signals =
		body.has_blocked_signals = true;
	body.umask = mask;
	body.name = (char *)run->name;
	body.detach = run->detach;
	body.has_memory_bytes = run->memory_bytes > 0;
	body.memory_bytes = run->memory_bytes;
	body.has_placed = body.placed = !run->on;
	body.ignored_signals = vcrun_ignored_signals();
	body.blocked_signals = vcrun_blocked_signals(&run->blocked);
	if (!run->detach && run->tty.mask) {
		body.tty_mask = run->tty.mask;
		body.has_termios = true;
		body.termios.data = (uint8_t *)&run->tty.job_termios;
		body.termios.len = sizeof(run->tty.job_termios);
		body.size = tty_size(&run->tty, &size) ? &size : NULL;
	}
	msg.body_case = VC__MSG__BODY_RUN;
	msg.run = &body;
	return client_order(run->wire, partition, &msg, err);
}

static void vcrun_hand_over(struct vcrun *run)
{
	Vc__Stdio body = VC__STDIO__INIT;
	Vc__Msg msg = VC__MSG__INIT;

	msg.body_case = VC__MSG__BODY_STDIO;
	msg.stdio = &body;
	wire_send(run->wire, &msg, run->stdio, ARRAY_SIZE(run->stdio), NULL);
}

static void vcrun_signal(struct vcrun *run, int signal, bool group)
{
	Vc__Signal body = VC__SIGNAL__INIT;
	Vc__Msg msg = VC__MSG__INIT;

	body.signal = signal;
	body.has_group = true;
	body.group = group;
	msg.body_case = VC__MSG__BODY_SIGNAL;
	msg.signal = &body;
	wire_send(run->wire, &msg, NULL, 0, NULL);
}

static void vcrun_resize(struct vcrun *run)
{
	Vc__Resize body = VC__RESIZE__INIT;
	Vc__Msg msg = VC__MSG__INIT;

	if (!tty_size(&run->tty, &body))
		return;
	msg.body_case = VC__MSG__BODY_RESIZE;
	msg.resize = &body;
	wire_send(run->wire, &msg, NULL, 0, NULL);
}

/* Stops as the program has stopped; returns when somebody continues us. */
static void vcrun_stop(struct vcrun *run)
{
	tty_leave(&run->tty);
	raise(SIGSTOP);
	tty_enter(&run->tty);
	vcrun_resize(run);
	vcrun_signal(run, SIGCONT, true);
}

static void vcrun_on_signal(struct vcrun *run)
{
	struct signalfd_siginfo info;

	if (read(run->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGWINCH:
		vcrun_resize(run);
		break;
	case SIGCONT:
		tty_enter(&run->tty);
		break;
	case SIGTSTP:
		/* From the terminal's Ctrl-Z. The job has its own session, so it is told;
		 * its answer, Stopped, stops us. */
		vcrun_signal(run, SIGTSTP, true);
		break;
	default:
		if (!run->started && !run->ended_by) {
			run->ended_by = (int)info.ssi_signo;
			run->give_up_usec = clock_mono_usec() + VCRUN_GIVE_UP_USEC;
		}
		/* A key reaches a process group, kill(2) one process. */
		vcrun_signal(run, (int)info.ssi_signo, info.ssi_code == SI_KERNEL);
		break;
	}
}

static int vcrun_exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The program's last words are still on their way through the pty. Others of the job
 * may write on for ever; a pty holds less than this reads. */
static void vcrun_drain(struct vcrun *run)
{
	struct pollfd pfd = { .fd = run->tty.master_fd, .events = POLLIN };

	for (int i = 0; i < VCRUN_DRAIN_READS && pfd.fd >= 0; i++)
		if (poll(&pfd, 1, 0) <= 0 || !(pfd.revents & POLLIN) || !tty_copy_output(&run->tty))
			return;
}

/* The program has its descriptors now. Who is at the other end of its pipes shall see
 * when it closes them, so they are not held open here. Our complaints still need stderr. */
static void vcrun_let_go(const struct vcrun *run)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; null >= 0 && i < 2; i++)
		if (!(run->tty.mask >> i & 1))
			dup2(null, i);
	if (null >= 0)
		close(null);
}

/* One message of the shim. Returns the exit status when that is known, else -1. */
static int vcrun_on_message(struct vcrun *run)
{
	struct wire_msg msg;
	struct vc_err err;
	int r = wire_recv(run->wire, &msg, &err), status = -1;

	if (r < 0) {
		tty_leave(&run->tty);
		fprintf(stderr, "vcrun: lost the job's shim: %s\n", err.text);
		return EXIT_VCRUN;
	}
	switch (msg.msg->body_case) {
	case VC__MSG__BODY_READY:
		vcrun_hand_over(run);
		break;
	case VC__MSG__BODY_STARTED:
		log_stage("started", msg.msg->started->job);
		run->started = true;
		if (run->detach) {
			printf("%u\n", msg.msg->started->job);
			status = 0;
		} else {
			vcrun_let_go(run);
		}
		if (msg.n_fds > 0) {
			run->tty.master_fd = msg.fds[0];
			msg.fds[0] = -1;
			fcntl(run->tty.master_fd, F_SETFL, O_RDWR | O_NONBLOCK);
			tty_enter(&run->tty);
		}
		break;
	case VC__MSG__BODY_STOPPED:
		vcrun_stop(run);
		break;
	case VC__MSG__BODY_EXITED:
		vcrun_drain(run);
		status = vcrun_exit_status(msg.msg->exited->status);
		break;
	case VC__MSG__BODY_ERROR:
		fprintf(stderr, "vcrun: %s\n", msg.msg->error->text);
		status = msg.msg->error->has_exit_status ? (int)msg.msg->error->exit_status
							 : EXIT_VCRUN;
		break;
	default:
		break;
	}
	wire_msg_done(&msg);
	return status;
}

/* For how long poll() may wait; 0: not at all any more. */
static int vcrun_patience(const struct vcrun *run, bool background)
{
	uint64_t now;

	if (run->started || !run->ended_by)
		return background ? VCRUN_FOREGROUND_MSEC : -1;
	now = clock_mono_usec();
	return now < run->give_up_usec ? (int)((run->give_up_usec - now) / 1000) + 1 : 0;
}

static int vcrun_loop(struct vcrun *run)
{
	for (;;) {
		struct tty *tty = &run->tty;
		bool waiting = tty->master_fd >= 0 && (tty->mask & 1) && !tty->input_ended;
		struct pollfd pfds[] = {
			{ .fd = wire_fd(run->wire), .events = POLLIN },
			{ .fd = run->signal_fd, .events = POLLIN },
			{ .fd = tty_wants_input(tty) ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = tty->master_fd,
			  .events = (short)(POLLIN | (tty->n_pending ? POLLOUT : 0)) },
		};

		int patience = vcrun_patience(run, waiting && pfds[2].fd < 0);
		int n = poll(pfds, ARRAY_SIZE(pfds), patience);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return EXIT_VCRUN;
		/* A daemon that wakes up later starts nothing: who asked is gone. */
		if (n == 0 && patience == 0) {
			fputs("vcrun: the daemon does not answer\n", stderr);
			return 128 + run->ended_by;
		}
		if (waiting)
			tty_enter(tty);
		if (pfds[3].revents & POLLOUT)
			tty_write_input(tty);
		if (pfds[3].revents & (POLLIN | POLLHUP) && !tty_copy_output(tty)) {
			/* Nothing has the job's end open now; it may be opened again. */
			poll(NULL, 0, 10);
		}
		if (pfds[2].revents)
			tty_read_input(tty);
		if (pfds[1].revents)
			vcrun_on_signal(run);
		if (pfds[0].revents) {
			int status = vcrun_on_message(run);

			if (status >= 0)
				return status;
		}
	}
}

/* The signals that are the program's business. Blocked from before the job
 * starts, so that none falls between. */
static int vcrun_catch_signals(struct vcrun *run)
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

/* Has the daemon of that partition start the program. One that takes the order too late
 * starts nothing: the shim asks us for the descriptors, and we are gone. */
static int vcrun_order(struct vcrun *run, const char *partition, struct vc_err *err)
{
	int r = client_open(run->state_dir, partition, &run->wire, err);

	if (r < 0)
		return r;
	if (run->signal_fd < 0)
		run->signal_fd = vcrun_catch_signals(run);
	r = vcrun_send(run, partition, err);
	if (r < 0)
		wire_free(steal_ptr(run->wire));
	return r;
}

static int vcrun_start(struct vcrun *run, struct vc_err *err)
{
	int r = -EAGAIN;

	if (run->on)
		return vcrun_order(run, run->on, err);
	/* A daemon may go down, or be stopped, between its last sample and our order. */
	for (int i = 0; i < VCRUN_PLACE_ATTEMPTS && r < 0; i++) {
		_cleanup_free_ char *partition = NULL;

		r = vcrun_place(run, &partition, err);
		if (r < 0)
			return r;
		r = vcrun_order(run, partition, err);
	}
	return r;
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
		status = vcrun_start(&run, &err);
	if (status < 0) {
		fprintf(stderr, "vcrun: %s\n", err.text);
		return EXIT_VCRUN;
	}
	status = vcrun_loop(&run);
	tty_leave(&run.tty);
	wire_free(run.wire);
	return status;
}
