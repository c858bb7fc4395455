// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * wait.c - stands in for the program until it ends
 *
 * The shim answers on this process's connection. Signals sent to vcrun go to the program, and its
 * exit status becomes vcrun's. Standard descriptors are handed over, not relayed, except for
 * terminals (tty.h).
 */
#include "cli/vcrun/vcrun.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#define WAIT_FOREGROUND_MSEC                                                                       \
	250 /* between two looks whether a background vcrun is in the foreground */
#define WAIT_GIVE_UP_USEC 2000000u
#define WAIT_DRAIN_READS 64

static void wait_hand_over(struct vcrun *run)
{
	Vc__Stdio body = VC__STDIO__INIT;
	Vc__Msg msg = WIRE_MSG(STDIO, stdio, &body);

	wire_send(run->wire, &msg, run->stdio, ARRAY_SIZE(run->stdio), NULL);
}

static void wait_signal(struct vcrun *run, int signal, bool group)
{
	Vc__Signal body = VC__SIGNAL__INIT;
	Vc__Msg msg = WIRE_MSG(SIGNAL, signal, &body);

	body.signal = signal;
	WIRE_SET(&body, group, group);
	wire_send(run->wire, &msg, NULL, 0, NULL);
}

static void wait_resize(struct vcrun *run)
{
	Vc__Resize body = VC__RESIZE__INIT;
	Vc__Msg msg = WIRE_MSG(RESIZE, resize, &body);

	if (!tty_size(&run->tty, &body))
		return;
	wire_send(run->wire, &msg, NULL, 0, NULL);
}

/* Stops as the program has stopped. Returns when vcrun is continued. */
static void wait_stop(struct vcrun *run)
{
	tty_leave(&run->tty);
	raise(SIGSTOP);
	tty_enter(&run->tty);
	wait_resize(run);
	wait_signal(run, SIGCONT, true);
}

static void wait_on_signal(struct vcrun *run)
{
	struct signalfd_siginfo info;

	if (read(run->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGWINCH:
		wait_resize(run);
		break;
	case SIGCONT:
		tty_enter(&run->tty);
		break;
	case SIGTSTP:
		/* Ctrl-Z. The job has a session of its own, so the terminal does not signal it. Its
		 * answer, Stopped, stops this process. */
		wait_signal(run, SIGTSTP, true);
		break;
	default:
		if (!run->started && !run->ended_by) {
			run->ended_by = (int)info.ssi_signo;
			run->give_up_usec = clock_mono_usec() + WAIT_GIVE_UP_USEC;
		}
		/* A key reaches a process group, kill(2) one process. */
		wait_signal(run, (int)info.ssi_signo, info.ssi_code == SI_KERNEL);
		break;
	}
}

static int wait_exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Copies the program's last output, which may still be in the pty. The number of reads is limited,
 * because other processes of the job can go on writing; a pty holds less than this reads. */
static void wait_drain(struct vcrun *run)
{
	struct pollfd pfd = { .fd = run->tty.master_fd, .events = POLLIN };

	for (int i = 0; i < WAIT_DRAIN_READS && pfd.fd >= 0; i++)
		if (poll(&pfd, 1, 0) <= 0 || !(pfd.revents & POLLIN) || !tty_copy_output(&run->tty))
			return;
}

/* The program has its descriptors. They are closed here, so that the other ends of its pipes notice
 * when it closes them. Standard error stays open for messages. */
static void wait_let_go(const struct vcrun *run)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; null >= 0 && i < 2; i++)
		if (!(run->tty.mask >> i & 1))
			dup2(null, i);
	if (null >= 0)
		close(null);
}

/* Handles one message of the shim. Returns the exit status once it is known, else -1. */
static int wait_on_message(struct vcrun *run)
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
		wait_hand_over(run);
		break;
	case VC__MSG__BODY_STARTED:
		log_stage("started", msg.msg->started->job);
		run->started = true;
		if (run->detach) {
			printf("%u\n", msg.msg->started->job);
			status = 0;
		} else {
			wait_let_go(run);
		}
		if (msg.n_fds > 0) {
			run->tty.master_fd = msg.fds[0];
			msg.fds[0] = -1;
			fcntl(run->tty.master_fd, F_SETFL, O_RDWR | O_NONBLOCK);
			tty_enter(&run->tty);
		}
		break;
	case VC__MSG__BODY_STOPPED:
		wait_stop(run);
		break;
	case VC__MSG__BODY_EXITED:
		wait_drain(run);
		status = wait_exit_status(msg.msg->exited->status);
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

/* Returns the time limit of poll() in milliseconds; 0: the time is over. */
static int wait_patience(const struct vcrun *run, bool background)
{
	uint64_t now;

	if (run->started || !run->ended_by)
		return background ? WAIT_FOREGROUND_MSEC : -1;
	now = clock_mono_usec();
	return now < run->give_up_usec ? (int)((run->give_up_usec - now) / 1000) + 1 : 0;
}

int wait_loop(struct vcrun *run)
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

		int patience = wait_patience(run, waiting && pfds[2].fd < 0);
		int n = poll(pfds, ARRAY_SIZE(pfds), patience);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return EXIT_VCRUN;
		/* A daemon that continues later starts nothing, because this process has ended. */
		if (n == 0 && patience == 0) {
			fputs("vcrun: the daemon does not answer\n", stderr);
			return 128 + run->ended_by;
		}
		if (waiting)
			tty_enter(tty);
		if (pfds[3].revents & POLLOUT)
			tty_write_input(tty);
		if (pfds[3].revents & (POLLIN | POLLHUP) && !tty_copy_output(tty)) {
			/* No process has the job's end open now; one may open it again. */
			poll(NULL, 0, 10);
		}
		if (pfds[2].revents)
			tty_read_input(tty);
		if (pfds[1].revents)
			wait_on_signal(run);
		if (pfds[0].revents) {
			int status = wait_on_message(run);

			if (status >= 0)
				return status;
		}
	}
}
