// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * launch.c - starts a job's program as the caller would have started it
 *
 * What the caller says of itself comes in the Run message; what it must not be
 * able to lie about (user, groups, resource limits, no_new_privs, the capabilities it
 * can ever have) is read from the kernel, see caller.c.
 *
 * The child between clone and execve only makes system calls. A step that
 * fails there is reported through the pipe that will be vcinit's, as a report of
 * kind LAUNCH_FAILED + step.
 */
#include "shim/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "shim/caller.h"
#include "shim/report.h"

#define LAUNCH_FAILED 1000
#define LAUNCH_TTY_GID 5 /* group tty: fixed by Debian's base-passwd and by LSB */

#define LAUNCH_STEPS(X)                                                                            \
	X(SESSION, "make a session")                                                               \
	X(STDIO, "set up standard input and output")                                               \
	X(LIMITS, "take over the caller's resource limits")                                        \
	X(CREDENTIALS, "become the caller's user")                                                 \
	X(DIRECTORY, "enter the current directory")                                                \
	X(INIT, "execute vcinit")

enum launch_step {
#define X(id, text) LAUNCH_##id,
	LAUNCH_STEPS(X)
#undef X
		LAUNCH_N_STEPS
};

struct launch_child {
	const struct launch *how;
	const struct caller *caller;
	gid_t *groups;
	size_t n_groups;
	char **argv, **env;
	int slave, report, init;
};

/*
 * A terminal of the job's own, like the caller's. The session that it controls is
 * the shim's: a process has a controlling terminal only by inheritance or as its
 * session's leader, so that a restored tree gets it whole from the shim, and from a
 * leader of its own it would not.
 */
static int launch_open_pty(const Vc__Run *run, uid_t uid, int *ret_master, int *ret_slave,
			   struct vc_err *err)
{
	_cleanup_close_ int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave = -1;
	struct termios termios;
	int unlock = 0;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_sys(err, errno, "open a pseudo-terminal");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_sys(err, errno, "open a pseudo-terminal");
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return err_sys(err, errno, "take the pseudo-terminal for the job's session");
	if (fchown(slave, uid, LAUNCH_TTY_GID) < 0 || fchmod(slave, 0620) < 0)
		return err_sys(err, errno, "give the pseudo-terminal to the caller");
	if (run->has_termios && run->termios.len == sizeof(termios)) {
		memcpy(&termios, run->termios.data, sizeof(termios));
		tcsetattr(slave, TCSANOW, &termios);
	}
	if (run->size) {
		struct winsize size = { .ws_row = (unsigned short)run->size->rows,
					.ws_col = (unsigned short)run->size->cols };

		ioctl(master, TIOCSWINSZ, &size);
	}
	*ret_master = steal_fd(&master);
	*ret_slave = steal_fd(&slave);
	return 0;
}

/* From here to execve: system calls only. */

static int child_session(const struct launch_child *child)
{
	return child->slave >= 0 ? setpgid(0, 0) : setsid();
}

static int child_limits(const struct launch_child *child)
{
	const struct caller *caller = child->caller;
	/* First: the limits may allow no descriptor more. */
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, caller->oom_score_adj, strlen(caller->oom_score_adj)) < 0)
		return -1;
	close(fd);
	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (caller->limit_known[i] && setrlimit(i, &caller->limits[i]) < 0 &&
		    errno != EPERM)
			return -1;
	/* The shim's own is better than most callers'. */
	if (setpriority(PRIO_PROCESS, 0, caller->nice) < 0)
		return -1;
	if (caller->ioprio > 0)
		syscall(SYS_ioprio_set, 1, 0, caller->ioprio);
	return 0;
}

static int child_credentials(const struct launch_child *child)
{
	const Vc__Creds *creds = child->how->start->creds;

	for (int cap = 0; cap < 64; cap++)
		if (!(child->caller->bounding >> cap & 1) &&
		    prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1 &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return -1;
	if (syscall(SYS_setgroups, child->n_groups, child->groups) < 0 ||
	    syscall(SYS_setresgid, creds->gid, creds->gid, creds->gid) < 0 ||
	    syscall(SYS_setresuid, creds->uid, creds->uid, creds->uid) < 0)
		return -1;
	return child->caller->no_new_privs ? prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) : 0;
}

static int child_stdio(const struct launch_child *child)
{
	const Vc__Run *run = child->how->start->run;
	int from[3];

	/* First out of the way of 0 to 3, then into place. */
	for (int i = 0; i < 3; i++) {
		int fd = run->tty_mask >> i & 1 ? child->slave : child->how->stdio[i];

		from[i] = fcntl(fd, F_DUPFD_CLOEXEC, 16);
		if (from[i] < 0)
			return -1;
	}
	if (child->report != REPORT_FD && dup2(child->report, REPORT_FD) < 0)
		return -1;
	if (child->report == REPORT_FD && fcntl(REPORT_FD, F_SETFD, 0) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (dup2(from[i], i) < 0)
			return -1;
	/* Not even a forgotten descriptor of root's may reach the program. */
	return (int)syscall(SYS_close_range, REPORT_FD + 1, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */);
}

static void child_signals(const Vc__Run *run)
{
	uint64_t ignored = run->ignored_signals;
	sigset_t blocked;

	sigemptyset(&blocked);
	for (int i = 1; i <= 64; i++) {
		signal(i, ignored >> (i - 1) & 1 ? SIG_IGN : SIG_DFL);
		if (run->blocked_signals >> (i - 1) & 1)
			sigaddset(&blocked, i);
	}
	sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static int child_step(const struct launch_child *child, enum launch_step step)
{
	switch (step) {
	case LAUNCH_SESSION:
		return child_session(child);
	case LAUNCH_LIMITS:
		return child_limits(child);
	case LAUNCH_CREDENTIALS:
		return child_credentials(child);
	case LAUNCH_DIRECTORY:
		umask(child->how->start->run->umask & 0777);
		return fchdir(child->how->cwd);
	case LAUNCH_STDIO:
		return child_stdio(child);
	case LAUNCH_INIT:
		child_signals(child->how->start->run);
		return (int)syscall(SYS_execveat, child->init, "", child->argv, child->env,
				    AT_EMPTY_PATH);
	case LAUNCH_N_STEPS:
		break;
	}
	return -1;
}

static _Noreturn void child_run(const struct launch_child *child)
{
	for (enum launch_step step = 0; step < LAUNCH_N_STEPS; step++) {
		struct report failure = { .kind = LAUNCH_FAILED + (int)step };

		if (child_step(child, step) >= 0)
			continue;
		failure.value = errno;
		_exit(write(step == LAUNCH_INIT ? REPORT_FD : child->report, &failure,
			    sizeof(failure)) < 0
			      ? 126
			      : 125);
	}
	_exit(125);
}

/* NULL-ended strings of message bytes, after head entries; one allocation in all. */
static char **launch_strings(const ProtobufCBinaryData *items, size_t n, size_t head)
{
	size_t bytes = (head + n + 1) * sizeof(char *);
	char **list, *text;

	for (size_t i = 0; i < n; i++)
		bytes += items[i].len + 1;
	list = calloc(1, bytes);
	if (!list)
		return NULL;
	text = (char *)(list + head + n + 1);
	for (size_t i = 0; i < n; i++) {
		list[head + i] = text;
		if (items[i].len > 0)
			memcpy(text, items[i].data, items[i].len);
		text += items[i].len + 1;
	}
	return list;
}

/* As fork(). Where clone3 is not known (valgrind) or not allowed, this process enters the group
 * first, which costs more. */
static long launch_fork(int unified)
{
	struct clone_args args = {
		.flags = CLONE_NEWIPC | CLONE_NEWUTS | CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)unified,
	};
	long pid = unified < 0 ? -1 : syscall(SYS_clone3, &args, sizeof(args));

	if (unified >= 0 && (pid >= 0 || (errno != ENOSYS && errno != EPERM)))
		return pid;
	if (unified >= 0 && file_write(unified, "cgroup.procs", "0") < 0)
		return -1;
	return syscall(SYS_clone, CLONE_NEWIPC | CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0);
}

static int launch_clone(const struct launch_child *child, pid_t *ret, struct vc_err *err)
{
	long pid = launch_fork(child->how->unified);

	if (pid < 0)
		return err_sys(err, errno, "start the job's init in namespaces of its own");
	if (pid == 0)
		child_run(child);
	*ret = (pid_t)pid;
	return 0;
}

/* The first report says whether the program runs. Its pid, or -errno. */
static int launch_confirm(const struct launch *how, pid_t root, int report_fd,
			  unsigned int *ret_exit_status, struct vc_err *err)
{
	static const char *const texts[] = {
#define X(id, text) [LAUNCH_##id] = text,
		LAUNCH_STEPS(X)
#undef X
	};
	struct report report = { 0 };
	ssize_t n = read(report_fd, &report, sizeof(report));

	if (n == (ssize_t)sizeof(report) && report.kind == REPORT_STARTED)
		return report.value;
	waitpid(root, NULL, 0);
	if (n == (ssize_t)sizeof(report) && report.kind == REPORT_FAILED) {
		const ProtobufCBinaryData *name = &how->start->run->argv[0];

		*ret_exit_status = report.value == ENOENT ? 127 : 126;
		return err_sys(err, report.value, "%.*s", (int)name->len, (const char *)name->data);
	}
	if (report.kind >= LAUNCH_FAILED && report.kind < LAUNCH_FAILED + LAUNCH_N_STEPS)
		return err_sys(err, report.value, "%s", texts[report.kind - LAUNCH_FAILED]);
	return err_set(err, EIO, "the job's init ended before it could start the program");
}

int launch_job(const struct launch *how, struct launched *ret, unsigned int *ret_exit_status,
	       struct vc_err *err)
{
	const Vc__Start *start = how->start;
	_cleanup_free_ char **argv = launch_strings(start->run->argv, start->run->n_argv, 2);
	_cleanup_free_ char **env = launch_strings(start->run->env, start->run->n_env, 0);
	_cleanup_free_ gid_t *groups = calloc(start->creds->n_groups + 1, sizeof(*groups));
	_cleanup_close_ int master = -1, slave = -1, report_read = -1, report_write = -1;
	_cleanup_close_ int init = open(how->vcinit, O_PATH | O_CLOEXEC);
	struct caller caller = { 0 };
	struct launch_child child = { .how = how, .caller = &caller };
	char flags[8] = "-";
	int pair[2], r;

	*ret_exit_status = 125;
	if (init < 0)
		return err_sys(err, errno, "%s", how->vcinit);
	if (!argv || !env || !groups)
		return err_sys(err, ENOMEM, "start the job");
	for (size_t i = 0; i < start->creds->n_groups; i++)
		groups[i] = start->creds->groups[i];
	if (start->run->tty_mask & 7) {
		r = launch_open_pty(start->run, start->creds->uid, &master, &slave, err);
		if (r < 0)
			return r;
		snprintf(flags, sizeof(flags), "%d", __builtin_ctz(start->run->tty_mask & 7));
	}
	if (start->run->ignored_signals >> (SIGCHLD - 1) & 1)
		strcat(flags, "i");
	argv[0] = (char *)"vcinit";
	argv[1] = flags;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(err, errno, "start the job: pipe");
	report_read = pair[0];
	report_write = pair[1];
	r = caller_read(how, &caller, err);
	if (r < 0)
		return r;
	child.groups = groups;
	child.n_groups = start->creds->n_groups;
	child.argv = argv;
	child.env = env;
	child.slave = slave;
	child.report = report_write;
	child.init = init;
	r = launch_clone(&child, &ret->root, err);
	if (r < 0)
		return r;
	close(steal_fd(&report_write));
	r = launch_confirm(how, ret->root, report_read, ret_exit_status, err);
	if (r < 0)
		return r;
	ret->program = r;
	/* A move may hold the other end open: an empty pipe must not look like a full stop. */
	fcntl(report_read, F_SETFL, O_NONBLOCK);
	ret->report_fd = steal_fd(&report_read);
	ret->master_fd = steal_fd(&master);
	return 0;
}
