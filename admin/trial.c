// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * trial.c - moves a test process by libmig, as a job is moved
 *
 * A child does this in a process group of its own, so Ctrl-C does not reach a CRIU that dumps, and
 * a CRIU that hangs can be given up. The child removes what it made. If the child is given up, its
 * children become children of this process, which is a subreaper, and are killed here.
 */
#include "admin/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "libmig/mig.h"

#define TRIAL_READY_FD 3
#define TRIAL_MSEC 60000

/* The child's answer, in one write(). */
struct trial {
	uint64_t downtime_usec;
	struct vc_err err; /* code 0: moved */
};

static void *trial_victim_thread(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* Runs in the test process: a session, a thread, a listening TCP socket. */
static _Noreturn void trial_victim(int ready)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int null = open("/dev/null", O_RDWR), fd;
	pthread_t thread;

	setsid();
	/* Drop the descriptors of vcctl's caller, such as a terminal. */
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	dup2(ready, TRIAL_READY_FD);
	close_range(TRIAL_READY_FD + 1, ~0u, 0);
	ready = TRIAL_READY_FD;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 1) < 0 ||
	    pthread_create(&thread, NULL, trial_victim_thread, NULL) || write(ready, "r", 1) != 1)
		_exit(1);
	close(ready);
	for (;;)
		pause();
}

static int trial_enter(void *ctx)
{
	return 0;
}

static void trial_clear(void *ctx)
{
	kill(*(const pid_t *)ctx, SIGKILL);
}

/* Moves the test process. Runs in the child. */
static int trial_move(const char *images, struct trial *trial)
{
	struct mig *parked = NULL;
	struct mig_report report = { 0 };
	pid_t pid = 0;
	struct mig_place place = { .name = "the same place",
				   .enter = trial_enter,
				   .clear = trial_clear,
				   .ctx = &pid,
				   .room_bytes = UINT64_MAX };
	struct mig_request req = { .source = place, .target = place, .images = images };
	int ready[2], r;
	char word;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return err_sys(&trial->err, errno, "pipe");
	pid = fork();
	if (pid < 0)
		return err_sys(&trial->err, errno, "fork");
	if (pid == 0)
		trial_victim(ready[1]);
	close(ready[1]);
	req.root = pid;
	r = read(ready[0], &word, 1) == 1
		    ? mig_move(&req, &report, &parked, &trial->err)
		    : err_set(&trial->err, EIO, "the test process did not start");
	close(ready[0]);
	trial->downtime_usec = report.downtime_usec;
	if (parked)
		mig_drop(parked);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

static _Noreturn void trial_child(const char *images, int answer)
{
	struct trial trial = { 0 };

	setpgid(0, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	trial_move(images, &trial);
	file_remove_tree(AT_FDCWD, images);
	_exit(write(answer, &trial, sizeof(trial)) != (ssize_t)sizeof(trial));
}

/* Kills children until none is left. */
static void trial_end_children(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	for (;;) {
		_cleanup_free_ char *list = NULL;
		char *at, *end;

		if (file_read_all(AT_FDCWD, path, 1 << 20, &list) <= 0)
			return;
		for (at = list; strtol(at, &end, 10) > 0; at = end)
			kill((pid_t)strtol(at, NULL, 10), SIGKILL);
		while (waitpid(-1, NULL, __WALL) < 0 && errno == EINTR)
			;
	}
}

/* Returns a signalfd for the blocked signals that are not ignored, as they are under nohup. */
static int trial_signals(void)
{
	static const int held[] = { SIGHUP, SIGINT, SIGTERM };
	struct sigaction action;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		if (sigaction(held[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(&set, held[i]);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Waits for the child's answer, a signal or the time limit. */
static int trial_await(int answer, struct trial *ret, int *ret_signal)
{
	struct signalfd_siginfo info;
	_cleanup_close_ int signals = trial_signals();
	struct pollfd pfds[] = { { .fd = answer, .events = POLLIN },
				 { .fd = signals, .events = POLLIN } };
	int n;

	do
		n = poll(pfds, ARRAY_SIZE(pfds), TRIAL_MSEC);
	while (n < 0 && errno == EINTR);
	if (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		*ret_signal = (int)info.ssi_signo;
		return err_set(&ret->err, EINTR, "interrupted");
	}
	if (n == 0)
		return err_set(&ret->err, ETIMEDOUT, "not done after %d s", TRIAL_MSEC / 1000);
	if (read(answer, ret, sizeof(*ret)) != (ssize_t)sizeof(*ret))
		return err_set(&ret->err, EIO, "the mover ended without a word");
	return -ret->err.code;
}

int admin_trial(uint64_t *ret_downtime_usec, int *ret_signal, struct vc_err *err)
{
	char images[] = "/dev/shm/vcrun-check-XXXXXX";
	struct trial trial = { 0 };
	_cleanup_close_ int answer = -1;
	int pair[2], r;
	pid_t pid;

	*ret_signal = 0;
	if (!mkdtemp(images))
		return err_sys(err, errno, "%s", images);
	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	answer = pair[0];
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork();
	if (pid == 0)
		trial_child(images, pair[1]);
	close(pair[1]);
	r = pid < 0 ? err_sys(&trial.err, errno, "fork") : trial_await(answer, &trial, ret_signal);
	trial_end_children();
	file_remove_tree(AT_FDCWD, images);
	*ret_downtime_usec = trial.downtime_usec;
	*err = trial.err;
	return r;
}
