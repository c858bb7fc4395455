// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * terminal.c - the controlling terminals of a tree's own sessions
 */
#include "libmig/session/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "common/procdir.h"
#include "libmig/criu/hold.h"
#include "libmig/keep/keep.h"

#define PTS_FIRST 136
#define PTS_LAST 143

/* A process of the tree. */
struct terminal_task {
	pid_t pid, group, session;
	dev_t tty;        /* its controlling terminal; 0: none */
	pid_t foreground; /* that terminal's foreground group */
	dev_t dev;        /* of a leader: the devpts that its terminal is in; 0: not known */
	char state;
};

struct terminals {
	struct terminal_task *tasks;
	size_t n;
};

DEFINE_CLEANUP(struct terminals *, terminals_freep, terminals_free);

static bool terminal_read(pid_t pid, struct terminal_task *ret)
{
	unsigned int tty;

	*ret = (struct terminal_task){ .pid = pid };
	if (proc_scan_stat(pid, " %c %*d %d %d %u %d", &ret->state, &ret->group, &ret->session,
			   &tty, &ret->foreground) != 5)
		return false;
	/* As the kernel packs device numbers. */
	ret->tty = makedev(tty >> 8 & 0xfff, (tty & 0xff) | (tty >> 12 & 0xfff00));
	return true;
}

static const struct terminal_task *terminal_leader(const struct terminals *terminals,
						   const struct terminal_task *task)
{
	for (size_t i = 0; i < terminals->n; i++)
		if (terminals->tasks[i].pid == task->session)
			return &terminals->tasks[i];
	return NULL;
}

static int terminal_refuse(const struct terminal_task *task, struct vc_err *err, const char *what)
{
	char name[PROC_NAME];

	proc_name(task->pid, name);
	return err_set(err, EOPNOTSUPP, "pid %d (%s): %s", (int)task->pid, name, what);
}

/* --- the frozen tree ----------------------------------------------------------------------- */

static int terminal_call(struct hold *hold, pid_t pid, struct inject_call *call)
{
	long value = 0;
	int r = hold_call(hold, pid, pid, call, &value);

	return r < 0 ? r : (int)value;
}

/* Whether this is the controlling terminal of the process. The kernel asks that before it writes
 * the answer, which cannot be written there; so all is said by the result, which nobody can forge.
 */
static bool terminal_is_own(struct hold *hold, pid_t pid, int fd)
{
	struct inject_call call = { .nr = SYS_ioctl,
				    .args = { (uint64_t)fd, TIOCGSID, UINT64_MAX } };

	return terminal_call(hold, pid, &call) == -EFAULT;
}

/*
 * A slave is known by its number, and by the devpts that the number is of: each user can mount
 * one of his own, in which his terminal has the number of somebody else's. Whoever of the session
 * has the terminal open shows which devpts it is; 0: nobody has.
 */
static dev_t terminal_prove(struct hold *hold, const struct terminal_task *task)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	const char *fd;

	procdir_open(&dir, AT_FDCWD, "/proc/%d/fd", (int)task->pid);
	while ((fd = procdir_next(&dir))) {
		struct stat st;

		if (fstatat(dir.fd, fd, &st, 0) == 0 && S_ISCHR(st.st_mode) &&
		    st.st_rdev == task->tty && terminal_is_own(hold, task->pid, atoi(fd)))
			return st.st_dev;
	}
	return 0;
}

static void terminal_prove_leader(struct hold *hold, const struct terminals *terminals,
				  struct terminal_task *leader)
{
	for (size_t i = 0; leader->dev == 0 && i < terminals->n; i++) {
		const struct terminal_task *task = &terminals->tasks[i];

		if (task->session == leader->pid && task->tty == leader->tty && task->state != 'Z')
			leader->dev = terminal_prove(hold, task);
	}
}

static bool terminal_is_led(const struct terminal_task *task)
{
	return task->pid == task->session && task->tty && task->state != 'Z';
}

int terminals_take(struct hold *hold, const pid_t *pids, size_t n, struct terminals **ret,
		   struct vc_err *err)
{
	_cleanup_(terminals_freep) struct terminals *terminals = calloc(1, sizeof(*terminals));
	bool any = false;

	*ret = NULL;
	if (terminals)
		terminals->tasks = calloc(n, sizeof(*terminals->tasks));
	if (!terminals || !terminals->tasks)
		return err_sys(err, ENOMEM, "terminals");
	for (size_t i = 0; i < n; i++)
		terminals->n += terminal_read(pids[i], &terminals->tasks[terminals->n]);
	for (size_t i = 0; i < terminals->n; i++) {
		if (!terminal_is_led(&terminals->tasks[i]))
			continue;
		any = true;
		terminal_prove_leader(hold, terminals, &terminals->tasks[i]);
	}
	if (any)
		*ret = steal_ptr(terminals);
	return 0;
}

/* --- what is kept -------------------------------------------------------------------------- */

static bool terminal_is_master(int fd, const struct stat *st, const struct terminal_task *leader)
{
	pid_t session;

	return st->st_rdev == makedev(5, 2) && ioctl(fd, TIOCGSID, &session) == 0 &&
	       session == leader->pid;
}

static int terminal_find_object(const struct terminal_task *leader, struct keep *keep,
				struct vc_err *err)
{
	size_t n = keep_count(keep), found = n;

	if (major(leader->tty) < PTS_FIRST || major(leader->tty) > PTS_LAST)
		return terminal_refuse(
			leader, err,
			"its controlling terminal is no pty, and would be hung up by "
			"a move; end its session");
	for (size_t i = 0; i < n; i++) {
		int fd = keep_object(keep, i)->fd;
		struct stat st;

		if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode))
			continue;
		if (terminal_is_master(fd, &st, leader)) {
			found = i;
			break;
		}
		if (leader->dev && st.st_rdev == leader->tty && st.st_dev == leader->dev)
			found = i;
	}
	if (found == n)
		return terminal_refuse(
			leader, err,
			"its controlling terminal is not open in the job, so that it "
			"cannot be carried; end its session");
	keep_set_leader(keep, found, leader->pid);
	return 0;
}

int terminals_find(const struct terminals *terminals, struct keep *keep, struct vc_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && terminals && i < terminals->n; i++)
		if (terminal_is_led(&terminals->tasks[i]))
			r = terminal_find_object(&terminals->tasks[i], keep, err);
	return r;
}

void terminals_free(struct terminals *terminals)
{
	if (!terminals)
		return;
	free(terminals->tasks);
	free(terminals);
}

/* --- the held tree ------------------------------------------------------------------------- */

/* A descriptor of the terminal in a process; -1: it has none. */
static int terminal_find_fd(pid_t pid, dev_t tty)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	const char *fd;

	procdir_open(&dir, AT_FDCWD, "/proc/%d/fd", (int)pid);
	while ((fd = procdir_next(&dir))) {
		struct stat st;

		if (fstatat(dir.fd, fd, &st, 0) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == tty)
			return atoi(fd);
	}
	return -1;
}

/* Its controlling terminal opened by name; the new descriptor. */
static int terminal_open(struct hold *hold, pid_t pid)
{
	struct inject_call call = { .nr = SYS_openat,
				    .args = { (uint64_t)AT_FDCWD, 0,
					      O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC },
				    .pointers = 1 << 1,
				    .size = sizeof("/dev/tty") };

	memcpy(call.data, "/dev/tty", sizeof("/dev/tty"));
	return terminal_call(hold, pid, &call);
}

/* An ioctl(2) on the controlling terminal of a process. Signals are held back, so that none is sent
 * to who is in the background. */
static int terminal_control(struct hold *hold, const struct terminal_task *task, dev_t tty,
			    unsigned long request, pid_t argument)
{
	int known = terminal_find_fd(task->pid, tty);
	int fd = known < 0 ? terminal_open(hold, task->pid) : known, r;
	struct inject_call call = { .nr = SYS_ioctl,
				    .args = { (uint64_t)fd, request, 0 },
				    .pointers = 1 << 2,
				    .size = sizeof(argument) };
	struct inject_call end = { .nr = SYS_close, .args = { (uint64_t)fd } };

	if (fd < 0)
		return fd;
	memcpy(call.data, &argument, sizeof(argument));
	r = terminal_call(hold, task->pid, &call);
	if (known < 0)
		terminal_call(hold, task->pid, &end);
	return r;
}

int terminals_put_back(const struct terminals *terminals, struct hold *hold)
{
	int first = 0;

	for (size_t i = 0; i < terminals->n; i++) {
		const struct terminal_task *task = &terminals->tasks[i];
		const struct terminal_task *leader = terminal_leader(terminals, task);
		int r = 0;

		if (!leader || !leader->tty || leader->state == 'Z' || task->state == 'Z')
			continue;
		if (task == leader && task->foreground > 0 && task->foreground != task->group)
			r = terminal_control(hold, task, task->tty, TIOCSPGRP, task->foreground);
		/* It was born before its leader had one, or has given it up. */
		else if (!task->tty)
			r = terminal_control(hold, task, leader->tty, TIOCNOTTY, 0);
		first = first < 0 ? first : r;
	}
	return first;
}
