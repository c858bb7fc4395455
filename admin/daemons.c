// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * daemons.c - starts the daemons of partitions, all or none, and ends them
 *
 * Until vcctl ends, the daemons are its children, and their PIDs cannot be reused. So if one daemon
 * does not get ready, all that were started with it can be ended safely. A daemon that is not ready
 * yet ends with vcctl; a ready one keeps running.
 */
#include "admin/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/proc.h"
#include "common/statedir.h"
#include "common/trust.h"

#define DAEMONS_READY_USEC 20000000u
#define DAEMONS_END_USEC 5000000u
#define DAEMONS_SAY_USEC 1000000u
#define DAEMONS_POLL_MSEC 100
#define DAEMONS_POLL_USEC 5000
#define DAEMONS_LOG_MAX (4u << 20)

struct started {
	const char *name;
	pid_t pid; /* 0: not started by this call */
	int ready; /* a pipe: "ok", or why the daemon failed */
};

/* Runs in the child that becomes a daemon. */
static _Noreturn void daemons_exec(const struct instance *in, const char *name, pid_t parent,
				   int ready)
{
	const char *env = getenv("VCRUN_VCD"), *binary = env ? env : VC_LIBEXECDIR "/vcd";
	char partition[64], state_dir[PATH_MAX], ready_fd[32], log[PARTITION_NAME_MAX + 16];
	char *argv[] = { (char *)"vcd", partition, state_dir, ready_fd, NULL };
	int null = open("/dev/null", O_RDWR), log_fd;
	sigset_t none;

	/* vcctl blocks some signals; the daemon and its jobs must not inherit that. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	mkdirat(in->dirfd, name, 0755);
	snprintf(log, sizeof(log), STATE_LOG, name);
	log_fd = trust_openat(in->dirfd, log, O_WRONLY | O_CREAT | O_APPEND, 0640);
	snprintf(partition, sizeof(partition), "--partition=%s", name);
	snprintf(state_dir, sizeof(state_dir), "--state-dir=%s", in->dir);
	snprintf(ready_fd, sizeof(ready_fd), "--ready-fd=%d", ready);
	setsid();
	/* The daemon clears this when it is ready. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	/* The daemon must not hold descriptors of the shell that called vcctl. */
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	if (null < 0 || log_fd < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(log_fd, 2) < 0 || chdir("/") < 0)
		_exit(126);
	fcntl(ready, F_SETFD, 0);
	execv(binary, argv);
	dprintf(ready, "%s: %s", binary, strerror(errno));
	_exit(127);
}

static int daemons_spawn(const struct instance *in, struct started *daemon, struct vc_err *err)
{
	pid_t parent = getpid();
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(err, errno, "start the daemon of %s", daemon->name);
	fflush(NULL);
	daemon->pid = fork();
	if (daemon->pid == 0)
		daemons_exec(in, daemon->name, parent, pair[1]);
	close(pair[1]);
	daemon->ready = pair[0];
	if (daemon->pid > 0)
		return 0;
	daemon->pid = 0;
	return err_sys(err, errno, "start the daemon of %s", daemon->name);
}

/* Sets an error with the last line of the daemon's log, because the log is removed with it. */
static int daemons_fail(const struct instance *in, const char *name, int code, const char *what,
			struct vc_err *err)
{
	_cleanup_free_ char *text = NULL;
	char path[PARTITION_NAME_MAX + 16];
	const char *line;

	snprintf(path, sizeof(path), STATE_LOG, name);
	if (trust_read_all(in->dirfd, path, DAEMONS_LOG_MAX, &text) <= 0)
		return err_set(err, code, "the daemon of %s %s", name, what);
	text[strlen(text) - 1] = '\0';
	line = strrchr(text, '\n');
	return err_set(err, code, "the daemon of %s %s; its last words: %.400s", name, what,
		       line ? line + 1 : text);
}

static int daemons_await(const struct admin *admin, const struct instance *in,
			 const struct started *daemon, struct vc_err *err)
{
	/* A child of a daemon that has ended may keep the pipe open. */
	_cleanup_close_ int held = pidfd_open(daemon->pid, 0);
	struct pollfd pfd[] = {
		{ .fd = daemon->ready, .events = POLLIN },
		{ .fd = held, .events = POLLIN },
	};
	uint64_t begin = clock_mono_usec(), waited;
	char text[sizeof(err->text) / 2] = "";
	bool said = false;
	ssize_t n;

	while (poll(pfd, ARRAY_SIZE(pfd), DAEMONS_POLL_MSEC) <= 0) {
		if (cancel_wanted())
			return err_set(err, EINTR, "interrupted");
		waited = clock_mono_usec() - begin;
		if (waited > DAEMONS_READY_USEC)
			return daemons_fail(in, daemon->name, ETIMEDOUT, "does not get ready", err);
		if (!said && waited > DAEMONS_SAY_USEC) {
			say(admin, "waiting for the daemon of %s; its log is %s/" STATE_LOG,
			    daemon->name, in->dir, daemon->name);
			said = true;
		}
	}
	n = pfd[0].revents ? read(daemon->ready, text, sizeof(text) - 1) : 0;
	if (n <= 0)
		return daemons_fail(in, daemon->name, EIO, "ended at its start", err);
	text[n] = '\0';
	return strcmp(text, "ok") ? err_set(err, EIO, "partition %s: %s", daemon->name, text) : 0;
}

static void daemons_undo(const struct started *daemon)
{
	uint64_t deadline = clock_mono_usec() + DAEMONS_END_USEC;

	kill(daemon->pid, SIGTERM);
	while (waitpid(daemon->pid, NULL, WNOHANG) == 0) {
		if (clock_mono_usec() > deadline)
			kill(daemon->pid, SIGKILL);
		clock_sleep_usec(1000);
	}
}

static bool daemons_is_killed(pid_t pid)
{
	uint64_t pending = 0;

	return proc_scan(pid, "ShdPnd", "%" SCNx64, &pending) == 1 && pending >> (SIGKILL - 1) & 1;
}

/* Whether a partition has a daemon. A killed one holds its lock for a moment longer. */
static bool daemons_has_one(const struct instance *in, const char *name)
{
	uint64_t deadline = clock_mono_usec() + DAEMONS_END_USEC;
	pid_t pid;

	while ((pid = instance_daemon_pid(in, name)) > 0 && daemons_is_killed(pid) &&
	       clock_mono_usec() < deadline)
		clock_sleep_usec(DAEMONS_POLL_USEC);
	return pid != 0;
}

int daemons_start(const struct admin *admin, const struct instance *in, size_t *ret_started,
		  struct vc_err *err)
{
	size_t n = in->config->n_parts, started = 0;
	_cleanup_free_ struct started *daemons = calloc(n ? n : 1, sizeof(*daemons));
	int r = 0;

	*ret_started = 0;
	if (!daemons)
		return err_sys(err, ENOMEM, "daemons");
	for (size_t i = 0; i < n; i++) {
		daemons[i] = (struct started){ .name = in->config->parts[i].name, .ready = -1 };
		if (r == 0 && !spec_is_free(&in->config->parts[i]) &&
		    !daemons_has_one(in, daemons[i].name))
			r = daemons_spawn(in, &daemons[i], err);
	}
	for (size_t i = 0; i < n; i++) {
		if (r == 0 && daemons[i].pid > 0) {
			r = daemons_await(admin, in, &daemons[i], err);
			started++;
		}
		closep(&daemons[i].ready);
	}
	for (size_t i = 0; r < 0 && i < n; i++)
		if (daemons[i].pid > 0)
			daemons_undo(&daemons[i]);
	if (r == 0)
		*ret_started = started;
	return r;
}

/* A PID that a pidfd holds is not reused. So the owner of the PID is checked again after that. */
static void daemons_signal(const struct instance *in, const char *partition, pid_t pid, int signal)
{
	_cleanup_close_ int held = pid > 0 ? pidfd_open(pid, 0) : -1;

	if (held < 0 || instance_daemon_pid(in, partition) != pid)
		return;
	pidfd_send_signal(held, signal, NULL, 0);
	/* A stopped daemon must end too. */
	pidfd_send_signal(held, SIGCONT, NULL, 0);
}

int daemons_end(const struct instance *in, const char *partition, struct vc_err *err)
{
	uint64_t deadline = clock_mono_usec() + DAEMONS_END_USEC;
	pid_t pid = instance_daemon_pid(in, partition);

	daemons_signal(in, partition, pid, SIGTERM);
	while ((pid = instance_daemon_pid(in, partition)) > 0) {
		if (clock_mono_usec() > deadline + DAEMONS_END_USEC)
			return err_set(err, ETIMEDOUT, "the daemon of %s (pid %d) does not end",
				       partition, (int)pid);
		if (clock_mono_usec() > deadline)
			daemons_signal(in, partition, pid, SIGKILL);
		clock_sleep_usec(DAEMONS_POLL_USEC);
	}
	return 0;
}

int daemons_end_all(const struct instance *in, struct vc_err *err)
{
	for (size_t i = 0; i < in->config->n_parts; i++) {
		const char *partition = in->config->parts[i].name;

		daemons_signal(in, partition, instance_daemon_pid(in, partition), SIGTERM);
	}
	for (size_t i = 0; i < in->config->n_parts; i++) {
		int r = daemons_end(in, in->config->parts[i].name, err);

		if (r < 0)
			return r;
	}
	return 0;
}
