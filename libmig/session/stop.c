// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * stop.c - stopped processes
 *
 * A stop is a property of each thread, and who traces it is told the signal. A thread that is let
 * go with another stop signal pending takes that on its way, in the kernel. Its process has been
 * stopped all the time, as far as the kernel tells its parent.
 */
#include "libmig/session/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "common/procdir.h"
#include "libmig/criu/hold.h"
#include "libmig/image/priv.h"

/* Fields of CRIU's core_entry and task_core_entry */
#define CORE_TC 3
#define TC_STOP_SIGNAL 21

/* Stops of other kinds that a thread may come by. */
#define STOP_TRIES 16

struct stop {
	pid_t pid;
	int signal; /* the terminal's; 0: it was another one */
	bool told;  /* its parent has waited for that */
};

struct stops {
	struct stop *all;
	size_t n;
};

/* The signal that has stopped the thread, which we trace; 0: it is not stopped, or gone.
 * *ret_passed: a signal that it must get when it is let go. */
static int stop_await(pid_t tid, int *ret_passed)
{
	int status;

	*ret_passed = 0;
	while (waitpid(tid, &status, __WALL) < 0)
		if (errno != EINTR)
			return 0;
	if (!WIFSTOPPED(status))
		return 0;
	if (status >> 16 != PTRACE_EVENT_STOP) {
		*ret_passed = WSTOPSIG(status);
		return 0;
	}
	return WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
}

static bool stop_is_terminals(int signal)
{
	return signal == SIGTTIN || signal == SIGTTOU;
}

/* Stops the thread by SIGSTOP if the terminal has stopped it; the signal that has, 0: none. */
static int stop_exchange(pid_t pid, pid_t tid)
{
	int passed, first, now;

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0)
		return 0;
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	first = now = stop_await(tid, &passed);
	if (stop_is_terminals(first))
		syscall(SYS_tgkill, pid, tid, SIGSTOP);
	for (int i = 0; i < STOP_TRIES && stop_is_terminals(first) && now != SIGSTOP; i++) {
		if (ptrace(PTRACE_CONT, tid, NULL, (void *)(long)passed) < 0)
			break;
		now = stop_await(tid, &passed);
	}
	ptrace(PTRACE_DETACH, tid, NULL, (void *)(long)passed);
	return stop_is_terminals(first) ? first : 0;
}

/* *ret_told: the kernel has nothing to tell the parent any more (Linux 5.18; before, it is not
 * known and counts as told: stat's last field is 0). */
static bool stop_is_stopped(pid_t pid, bool *ret_told)
{
	char stat[1024];
	const char *after, *last;

	if (proc_read(pid, "stat", stat, sizeof(stat)) < 0)
		return false;
	after = strrchr(stat, ')');
	last = strrchr(stat, ' ');
	*ret_told = last && atoi(last + 1) == 0;
	return after && after[1] == ' ' && after[2] == 'T';
}

static void stop_take_process(struct stops *stops, pid_t pid, bool told)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	int signal = 0;
	pid_t tid;

	procdir_open(&dir, AT_FDCWD, "/proc/%d/task", (int)pid);
	while ((tid = procdir_next_pid(&dir)) > 0) {
		int taken = stop_exchange(pid, tid);

		signal = taken ? taken : signal;
	}
	stops->all[stops->n++] = (struct stop){ .pid = pid, .signal = signal, .told = told };
}

int stops_take(const pid_t *pids, size_t n, struct stops **ret)
{
	struct stops *stops = NULL;

	for (size_t i = 0; i < n; i++) {
		bool told;

		if (!stop_is_stopped(pids[i], &told))
			continue;
		if (!stops) {
			stops = calloc(1, sizeof(*stops));
			if (stops)
				stops->all = calloc(n, sizeof(*stops->all));
			if (!stops || !stops->all) {
				stops_free(stops);
				return -ENOMEM;
			}
		}
		stop_take_process(stops, pids[i], told);
	}
	*ret = stops;
	return 0;
}

void stops_free(struct stops *stops)
{
	if (!stops)
		return;
	free(stops->all);
	free(stops);
}

/* It may have been continued, or stopped by another signal since. */
static int stop_adapt(const struct stop *stop, int dirfd)
{
	_cleanup_(image_done) struct image core;
	struct image_field tc, signal;

	if (image_open(&core, dirfd, "core-%d.img", (int)stop->pid) < 0 ||
	    !image_next_entry(&core) || !image_find(core.entry, core.end, CORE_TC, &tc))
		return -EPROTO;
	if (!image_find(tc.at, tc.at + tc.len, TC_STOP_SIGNAL, &signal) || signal.len != 1 ||
	    signal.value != SIGSTOP)
		return 0;
	*signal.at = (uint8_t)stop->signal;
	return image_write_back(&core);
}

int stops_adapt(const struct stops *stops, int dirfd)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < stops->n; i++)
		if (stops->all[i].signal)
			r = stop_adapt(&stops->all[i], dirfd);
	return r;
}

bool stops_change(const struct stops *stops)
{
	for (size_t i = 0; stops && i < stops->n; i++)
		if (stops->all[i].signal)
			return true;
	return false;
}

/* --- the restored tree --------------------------------------------------------------------- */

/* The kernel's struct sigaction. */
struct stop_action {
	uint64_t handler, flags, restorer, mask;
};

static long stop_call(struct hold *hold, pid_t pid, struct inject_call *call)
{
	long value;
	int r = hold_call(hold, pid, pid, call, &value);

	return r < 0 ? r : value;
}

static long stop_set_action(struct hold *hold, pid_t pid, const struct stop_action *action)
{
	struct inject_call call = { .nr = SYS_rt_sigaction,
				    .args = { SIGCHLD, 0, 0, sizeof(action->mask) },
				    .pointers = 1 << 1,
				    .size = sizeof(*action) };

	memcpy(call.data, action, sizeof(*action));
	return stop_call(hold, pid, &call);
}

static bool stop_get_action(struct hold *hold, pid_t pid, struct stop_action *ret)
{
	struct inject_call call = { .nr = SYS_rt_sigaction,
				    .args = { SIGCHLD, 0, 0, sizeof(ret->mask) },
				    .pointers = 1 << 2,
				    .size = sizeof(*ret) };

	if (stop_call(hold, pid, &call) < 0)
		return false;
	memcpy(ret, call.data, sizeof(*ret));
	return true;
}

/* The parent has learnt of it in its life before: by a signal, and by wait(2) if it has asked. */
static void stop_put_back(const struct stop *stop, struct hold *hold)
{
	struct stop_action action, quiet;
	pid_t parent = 0;
	bool silenced;

	if (proc_look(stop->pid, NULL, &parent) < 0 || parent <= 0)
		return;
	silenced = stop_get_action(hold, parent, &action) && !(action.flags & SA_NOCLDSTOP);
	if (silenced) {
		quiet = action;
		quiet.flags |= SA_NOCLDSTOP;
		silenced = stop_set_action(hold, parent, &quiet) == 0;
	}
	if (hold_stop(hold, stop->pid) > 0 && stop->told) {
		struct inject_call call = { .nr = SYS_waitid,
					    .args = { P_PID, (uint64_t)stop->pid, 0,
						      WSTOPPED | WNOHANG, 0 } };

		stop_call(hold, parent, &call);
	}
	if (silenced)
		stop_set_action(hold, parent, &action);
}

/* Children first: of a process that is stopped nothing more can be asked. */
void stops_put_back(const struct stops *stops, struct hold *hold)
{
	for (size_t i = stops ? stops->n : 0; i-- > 0;)
		stop_put_back(&stops->all[i], hold);
}
