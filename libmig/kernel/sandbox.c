// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sandbox.c - restrictions that a process has laid upon itself
 *
 * Every thread counts: one alone can enter a Landlock domain. A domain that is ours too is none,
 * since whatever we start or restore is in it again.
 */
#include "libmig/kernel/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "libmig/kernel/peek.h"
#include "libmig/kernel/sight.h"

/* A thread that has no_new_privs may have restricted itself. */
static int sandbox_guess(pid_t pid, const struct vc_err *why, struct vc_err *err)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		return -ESRCH;
	while ((entry = readdir(dir))) {
		_cleanup_free_ char *status = NULL;
		char name[300];

		snprintf(name, sizeof(name), "%s/status", entry->d_name);
		if (entry->d_name[0] == '.' || file_read_all(dirfd(dir), name, 65536, &status) < 0)
			continue;
		if (strstr(status, "\nNoNewPrivs:\t1"))
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

/* The main thread speaks for all here: each of these is a property of the process, or of its one
 * thread that asks. */
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
