// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * adopt.c - makes the root of the restored tree the parent of orphans in the tree
 *
 * The hook runs while the restored processes fork each other. criu already traces the root, which
 * is not its child, and has a handler of SIGCHLD that treats each stop as a failure.
 */
#include "libmig/module/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/file.h"
#include "libmig/criu/hold-wire.h"

bool adopt_is_wanted(bool taken)
{
	struct hold_message message;

	/* The first message may be about kept objects. */
	if (recv(HOLD_FD, &message, sizeof(message), MSG_DONTWAIT | MSG_PEEK) != sizeof(message) ||
	    message.op != HOLD_ADOPT)
		return false;
	return !taken || recv(HOLD_FD, &message, sizeof(message), MSG_DONTWAIT) == sizeof(message);
}

/* Finds the child of the mover that criu traces, and interrupts it. Returns its PID or -errno. */
static pid_t adopt_find_root(void)
{
	char path[64], text[4096], *at = text;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)getppid(), (int)getppid());
	if (file_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return -ESRCH;
	for (;;) {
		char *end;
		pid_t pid = (pid_t)strtol(at, &end, 10);

		if (end == at)
			return -ESRCH;
		if (pid != getpid() && ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0)
			return pid;
		at = end;
	}
}

/* Waits for the stop, and delivers signals that come before it. */
static int adopt_await_stop(pid_t pid)
{
	for (;;) {
		int status;

		if (waitpid(pid, &status, __WALL) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!WIFSTOPPED(status))
			return -ESRCH;
		if (status >> 16 == PTRACE_EVENT_STOP)
			return 0;
		if (ptrace(PTRACE_CONT, pid, NULL, (void *)(long)WSTOPSIG(status)) < 0)
			return -errno;
	}
}

static int adopt(void)
{
	struct inject_call call = { .nr = SYS_prctl, .args = { PR_SET_CHILD_SUBREAPER, 1 } };
	struct inject inject;
	long value = 0;
	pid_t root = adopt_find_root();
	int r = root < 0 ? (int)root : adopt_await_stop(root);

	if (r == 0)
		r = inject_begin(&inject, root, root);
	if (r == 0)
		r = inject_run(&inject, &call, &value);
	if (r == 0)
		r = inject_end(&inject);
	if (root > 0) {
		ptrace(PTRACE_SETOPTIONS, root, NULL, NULL);
		ptrace(PTRACE_CONT, root, NULL, NULL);
	}
	return r < 0 ? r : (int)value;
}

int adopt_orphans(void)
{
	sigset_t child, mask;
	int r;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &mask);
	r = adopt();
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return r;
}
