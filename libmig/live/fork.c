// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * fork.c - a process of a job forks, without its doing
 *
 * One of its threads makes the call of clone(2). The child shares the table of descriptors, so that
 * what its parent closes is closed. It does not share the root directory: a parent that executes a
 * set-user-ID program would lose the program's rights by that. The child sends no signal when it
 * ends, and a parent that waits for its children does not see it: that takes __WCLONE. The zombie
 * is removed by a second call in the parent, of wait4(2).
 */
#include "libmig/live/fork.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "libmig/module/inject.h"

#define FORK_STOP_USEC                                                                             \
	1000000u               /* for a thread to stop: one in an uninterruptible sleep does not   \
				*/
#define FORK_CHILD_USEC 10000u /* for the child of a call that failed */
#define FORK_EVENT(status) ((status) >> 16)

/* Makes this process the tracer. A PID that has another process now is let go again. */
static int fork_seize(const struct forked *forked)
{
	pid_t pid = forked->parent;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
		return -errno;
	/* While it is traced, its PID stays its own. */
	return syscall(SYS_pidfd_send_signal, forked->pidfd, 0, NULL, 0) < 0 ? -ESRCH : 0;
}

/* Signals that arrive before the stop are delivered as if nobody traced the thread. */
static int fork_stop(pid_t tid)
{
	for (;;) {
		int status;
		pid_t pid = inject_await(tid, FORK_STOP_USEC, &status);

		if (pid < 0)
			return pid;
		if (!WIFSTOPPED(status))
			return -ESRCH;
		if (FORK_EVENT(status) == PTRACE_EVENT_STOP)
			return 0;
		if (ptrace(PTRACE_CONT, tid, NULL, (void *)(long)WSTOPSIG(status)) < 0)
			return -errno;
	}
}

static int fork_inject(pid_t pid, struct inject_call *call, long options, long *ret_value)
{
	struct inject inject;
	int r = inject_begin(&inject, pid, pid), end;

	if (r < 0)
		return r;
	inject.patience_usec = FORK_STOP_USEC;
	if (options &&
	    ptrace(PTRACE_SETOPTIONS, pid, NULL,
		   (void *)(options | PTRACE_O_TRACESYSGOOD | PTRACE_O_SUSPEND_SECCOMP)) < 0 &&
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(options | PTRACE_O_TRACESYSGOOD)) < 0)
		return -errno;
	r = inject_run(&inject, call, ret_value);
	end = inject_end(&inject);
	return r < 0 ? r : end;
}

/* Runs one call in the process. options: of ptrace(2), besides those of inject.c. */
static int fork_call(struct forked *forked, struct inject_call *call, long options, long *ret_value)
{
	uint64_t begun = clock_mono_usec(), usec;
	int r = fork_seize(forked), stopped = fork_stop(forked->parent);

	if (r == 0)
		r = stopped;
	if (r == 0)
		r = fork_inject(forked->parent, call, options, ret_value);
	/* It fails if the thread runs. */
	ptrace(PTRACE_DETACH, forked->parent, NULL, NULL);
	usec = clock_mono_usec() - begun;
	if (usec > forked->stop_usec)
		forked->stop_usec = usec;
	return r == -ETIMEDOUT ? -EBUSY : r;
}

/* The child is stopped before its first instruction. Also a call that failed may have made one. */
static int fork_take_child(struct forked *forked, uint64_t patience_usec)
{
	int status;
	pid_t child;

	do
		child = inject_await(-1, patience_usec, &status);
	while (child == forked->parent);
	if (child < 0)
		return child == -ETIMEDOUT ? -EBUSY : child;
	if (!WIFSTOPPED(status))
		return -ESRCH;
	forked->child = child;
	return ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(long)PTRACE_O_EXITKILL) < 0 ? -errno
											   : 0;
}

int fork_begin(pid_t pid, int pidfd, struct forked *ret)
{
	struct inject_call call = { .nr = SYS_clone, .args = { CLONE_FILES } };
	int r, taken;

	*ret = (struct forked){ .parent = pid, .pidfd = pidfd };
	r = fork_call(ret, &call, PTRACE_O_TRACECLONE, &ret->number);
	if (r == 0 && ret->number < 0)
		return (int)ret->number;
	taken = fork_take_child(ret, r == 0 ? FORK_STOP_USEC : FORK_CHILD_USEC);
	return r < 0 ? r : taken;
}

int fork_end(struct forked *forked)
{
	/* The number may be another child's if the parent has waited for all its children. */
	struct inject_call call = { .nr = SYS_wait4,
				    .args = { (uint64_t)forked->number, 0, __WCLONE | WNOHANG } };
	long value;

	if (forked->child) {
		kill(forked->child, SIGKILL);
		while (waitpid(forked->child, NULL, __WALL) < 0 && errno == EINTR)
			;
	}
	return forked->number > 0 ? fork_call(forked, &call, 0, &value) : 0;
}
