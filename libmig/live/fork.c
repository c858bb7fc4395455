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

#include "common/clock.h"
#include "libmig/module/inject.h"

#define FORK_STOP_USEC                                                                             \
	1000000u /* for a thread to stop: one in an uninterruptible sleep does not                 \
		  */
#define FORK_POLL_USEC 20
#define FORK_EVENT(status) ((status) >> 16)

/* Signals that arrive before the stop are delivered as if nobody traced the thread. */
static int fork_stop(pid_t tid)
{
	uint64_t deadline = clock_mono_usec() + FORK_STOP_USEC;
	int status;

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0 ||
	    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0)
		return -errno;
	for (;;) {
		pid_t pid = waitpid(tid, &status, __WALL | WNOHANG);

		if (pid < 0)
			return -errno;
		if (pid == 0 && clock_mono_usec() >= deadline)
			return -EBUSY;
		if (pid == 0) {
			clock_sleep_usec(FORK_POLL_USEC);
			continue;
		}
		if (!WIFSTOPPED(status))
			return -ESRCH;
		if (FORK_EVENT(status) == PTRACE_EVENT_STOP)
			return 0;
		if (ptrace(PTRACE_CONT, tid, NULL, (void *)(long)WSTOPSIG(status)) < 0)
			return -errno;
	}
}

/* Runs one call in the process. options: of ptrace(2), besides those of inject.c. */
static int fork_call(pid_t pid, struct inject_call *call, long options, long *ret_value,
		     uint64_t *ret_stop_usec)
{
	uint64_t begun = clock_mono_usec();
	struct inject inject;
	int r = fork_stop(pid), end;

	if (r < 0)
		return r;
	r = inject_begin(&inject, pid, pid);
	if (r == 0 && options &&
	    ptrace(PTRACE_SETOPTIONS, pid, NULL,
		   (void *)(options | PTRACE_O_TRACESYSGOOD | PTRACE_O_SUSPEND_SECCOMP)) < 0 &&
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(options | PTRACE_O_TRACESYSGOOD)) < 0)
		r = -errno;
	if (r == 0) {
		r = inject_run(&inject, call, ret_value);
		end = inject_end(&inject);
		r = r < 0 ? r : end;
	}
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	*ret_stop_usec = clock_mono_usec() - begun;
	return r;
}

/* The child is stopped before its first instruction. */
static int fork_take_child(struct forked *forked)
{
	int status;
	pid_t child;

	do
		child = waitpid(-1, &status, __WALL);
	while ((child < 0 && errno == EINTR) || child == forked->parent);
	if (child < 0)
		return -errno;
	forked->child = child;
	return ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(long)PTRACE_O_EXITKILL) < 0 ? -errno
											   : 0;
}

int fork_begin(pid_t pid, struct forked *ret)
{
	struct inject_call call = { .nr = SYS_clone, .args = { CLONE_FILES } };
	int r;

	*ret = (struct forked){ .parent = pid };
	r = fork_call(pid, &call, PTRACE_O_TRACECLONE, &ret->number, &ret->stop_usec);
	if (r == 0 && ret->number <= 0)
		r = ret->number < 0 ? (int)ret->number : -EPROTO;
	return r < 0 ? r : fork_take_child(ret);
}

void fork_end(struct forked *forked)
{
	struct inject_call call = { .nr = SYS_wait4,
				    .args = { (uint64_t)forked->number, 0, __WALL } };
	uint64_t stop_usec = 0;
	long value;

	if (!forked->child)
		return;
	kill(forked->child, SIGKILL);
	while (waitpid(forked->child, NULL, __WALL) < 0 && errno == EINTR)
		;
	fork_call(forked->parent, &call, 0, &value, &stop_usec);
	if (stop_usec > forked->stop_usec)
		forked->stop_usec = stop_usec;
}
