// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sandbox.c - restrictions that a process has put on itself
 *
 * Each thread can enter a Landlock domain alone, so all threads are checked. The mover's own domain
 * does not count, because all restored processes are in it again.
 */
#include "libmig/kernel/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "common/procdir.h"
#include "libmig/kernel/peek.h"
#include "libmig/kernel/sight.h"

/* A thread that has no_new_privs may have restricted itself. */
static int sandbox_guess(pid_t pid, const struct vc_err *why, struct vc_err *err)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	pid_t tid;

	if (procdir_open(&dir, AT_FDCWD, "/proc/%d/task", (int)pid) < 0)
		return -ESRCH;
	while ((tid = procdir_next_pid(&dir)) > 0) {
		_cleanup_free_ char *status = NULL;
		uint64_t no_new_privs = 0;

		if (proc_status(tid, &status) == 0)
			proc_number(status, "NoNewPrivs", 10, &no_new_privs);
		if (no_new_privs)
			return err_set(err, EOPNOTSUPP,
				       "has no_new_privs and may be in a Landlock sandbox, which "
				       "cannot be seen here (%.300s)",
				       why->text);
	}
	return 0;
}

int sandbox_check_landlock(pid_t pid, struct vc_err *err)
{
	_cleanup_free_ struct peek_task *tasks = NULL;
	const struct sight *sight = sight_get();
	size_t n;
	int r;

	if (sight->landlock_off)
		return 0;
	if (!sight->sees_landlock)
		return sandbox_guess(pid, &sight->why, err);
	r = peek_process(sight->peek, pid, &tasks, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (!tasks[i].lsm_known || tasks[i].lsm[0] != sight->our_domain)
			r = err_set(err, EPERM, "is in a Landlock sandbox");
	return r;
}

/* Reads the main thread. MDWE belongs to the process, and the securebits are those of a caller with
 * one thread. */
static bool sandbox_look(const struct sight *sight, pid_t pid, struct peek_task *ret)
{
	return sight->peek && peek_thread(sight->peek, pid, ret, NULL) == 0;
}

bool sandbox_has_mdwe(pid_t pid)
{
	const struct sight *sight = sight_get();
	struct peek_task task;

	return sandbox_look(sight, pid, &task) && (task.mm_flags & sight->mdwe);
}

bool sandbox_has_securebits(pid_t pid)
{
	struct peek_task task;

	return sandbox_look(sight_get(), pid, &task) &&
	       (task.securebits & ~(unsigned int)prctl(PR_GET_SECUREBITS));
}
