// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * process.c - one process of the tree: its state, and the checks that it must pass
 */
#include "libmig/inventory/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "libmig/keep/reopen.h"
#include "libmig/kernel/sandbox.h"

static int process_refuse_tracer(struct inventory_scan *scan, const struct inventory_proc *proc,
				 const char *status)
{
	char name[PROC_NAME];
	uint64_t tracer = 0;

	proc_number(status, "TracerPid", 10, &tracer);
	if (tracer == 0)
		return 0;
	proc_name((pid_t)tracer, name);
	return inventory_refuse(scan, proc,
				"is traced by pid %d (%s), and a traced process cannot be carried; "
				"detach or end the debugger or tracer",
				(int)tracer, name);
}

int inventory_process_read_thread(struct inventory_scan *scan, const struct inventory_proc *proc,
				  pid_t tid, char *ret_state)
{
	char path[48], status[INVENTORY_STATUS];
	const char *state;

	snprintf(path, sizeof(path), "task/%d/status", (int)tid);
	if (inventory_read(proc->dirfd, path, status, sizeof(status)) < 0)
		return -ESRCH;
	state = proc_field(status, "State");
	*ret_state = state ? *state : '?';
	return process_refuse_tracer(scan, proc, status);
}

static int process_read(struct inventory_scan *scan, struct inventory_proc *proc)
{
	static const char *const dumped[] = { "RssAnon", "VmSwap", "HugetlbPages" };
	char status[INVENTORY_STATUS];
	ssize_t len = inventory_read(proc->dirfd, "status", status, sizeof(status));
	uint64_t n_threads = 0;
	const char *field;

	if (len < 0)
		return -ESRCH;
	proc->long_status = len == (ssize_t)sizeof(status) - 1;
	field = proc_field(status, "State");
	proc->state = field ? *field : '?';
	field = proc_field(status, "Name");
	if (field)
		snprintf(proc->name, sizeof(proc->name), "%.*s", (int)strcspn(field, "\n"), field);
	proc_number(status, "Threads", 10, &n_threads);
	proc->n_threads = (unsigned int)n_threads;
	for (size_t i = 0; i < ARRAY_SIZE(dumped); i++) {
		uint64_t kib = 0;

		proc_number(status, dumped[i], 10, &kib);
		scan->inv->mem_bytes += kib * 1024;
	}
	return process_refuse_tracer(scan, proc, status);
}

/* Only the program itself can enter its sandbox, so the mover cannot restore it. */
static int process_check_sandbox(struct inventory_scan *scan, const struct inventory_proc *proc)
{
	struct vc_err why = { 0 };
	int r = sandbox_check_landlock(proc->pid, &why);

	return r == 0 || r == -ESRCH ? r
				     : inventory_refuse(scan, proc,
							"%s, and would be free of it after a move; "
							"start the program without its sandbox",
							why.text);
}

/* The current and the root directory: can root read them, and if they are in /proc, can criu open
 * them? */
static int process_check_directories(struct inventory_scan *scan, const struct inventory_proc *proc)
{
	static const char *const links[] = { "cwd", "root" };

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		char path[PATH_MAX];
		ssize_t len = readlinkat(proc->dirfd, links[i], path, sizeof(path) - 1);
		const char *reason;
		struct stat st;

		if (len < 0 && errno == ENAMETOOLONG)
			return inventory_reach_refuse_length(
				scan, proc, i == 0 ? "its current directory" : "its root directory",
				INVENTORY_PATH_MAX);
		path[len < 0 ? 0 : len] = '\0';
		if (len > 0 && fstatat(proc->dirfd, links[i], &st, 0) < 0) {
			int r = inventory_reach_check(
				scan, proc, i == 0 ? "its current directory" : "its root directory",
				path, errno);

			if (r < 0)
				return r;
		}
		if (strncmp(path, "/proc/", 6) != 0 ||
		    !inventory_has_pid(scan, reopen_proc_owner(path)))
			continue;
		reason = reopen_proc_refusal(proc->pid, path, O_PATH | O_DIRECTORY);
		if (reason)
			return inventory_refuse(
				scan, proc,
				"its %s directory is %s, which %s; have it go to another one",
				i == 0 ? "current" : "root", path, reason);
	}
	return 0;
}

int inventory_process_scan(struct inventory_scan *scan, pid_t pid)
{
	static int (*const checks[])(struct inventory_scan *, const struct inventory_proc *) = {
		inventory_namespace_check,     process_check_sandbox,
		inventory_share_check_groups,  inventory_share_check,
		inventory_reach_check_program, inventory_limit_check,
		inventory_timer_check,         inventory_fd_scan,
		process_check_directories,     inventory_map_scan
	};
	_cleanup_close_ int dirfd = -1;
	struct inventory_proc proc = { .pid = pid };
	char path[32];
	int r;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0 && errno != ENOENT && errno != ESRCH)
		return err_sys(scan->err, errno, "%s", path);
	if (dirfd < 0)
		return 0;
	proc.dirfd = dirfd;
	r = process_read(scan, &proc);
	if (r == 0 && pid != scan->root)
		r = inventory_share_check_exit_signal(scan, &proc);
	/* A zombie has no descriptors, memory or namespaces. */
	for (size_t i = 0; r == 0 && proc.state != 'Z' && i < ARRAY_SIZE(checks); i++)
		r = checks[i](scan, &proc);
	if (r == 0)
		r = inventory_task_scan(scan, &proc);
	return r == -ESRCH ? 0 : r;
}
