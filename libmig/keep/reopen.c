// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * reopen.c - opens again files that the kernel binds to a process or control group
 *
 * The kernel checks the rights: a child takes the user, groups and capabilities of the process, and
 * opens the file. Its real and saved user stay root, so that the user can neither trace it nor send
 * it signals.
 *
 * criu opens the files of /proc as root. Most of them check the rights of the process that reads,
 * or check when they are opened. Some check the rights of the process that opened them; these are
 * refused.
 */
#include "libmig/keep/reopen.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/proc.h"

#define REOPEN_FLAGS (O_ACCMODE | O_PATH | O_DIRECTORY | O_NOFOLLOW)
/* Flags that do not change the rights that are needed. */
#define REOPEN_MORE (O_APPEND | O_NONBLOCK | O_NOATIME)

struct reopen_rights {
	uid_t euid, fsuid;
	gid_t egid, fsgid;
	uint32_t *groups;
	size_t n_groups;
	uint64_t capabilities; /* effective */
};

/* The caller frees ret->groups. */
static int reopen_read_rights(pid_t pid, struct reopen_rights *ret)
{
	_cleanup_free_ char *status = NULL;
	uint32_t uids[4], gids[4];

	*ret = (struct reopen_rights){ .groups = NULL };
	if (proc_status(pid, &status) < 0)
		return -ESRCH;
	if (!proc_ids(status, "Uid", uids) || !proc_ids(status, "Gid", gids) ||
	    !proc_number(status, "CapEff", 16, &ret->capabilities))
		return -EPROTO;
	ret->euid = uids[1];
	ret->fsuid = uids[3];
	ret->egid = gids[1];
	ret->fsgid = gids[3];
	return proc_groups(status, &ret->groups, &ret->n_groups);
}

/* Uses system calls, because the C library would change the rights of all threads. */
static int reopen_take_rights(const struct reopen_rights *rights)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = (uint32_t)rights->capabilities,
		  .permitted = (uint32_t)rights->capabilities },
		{ .effective = (uint32_t)(rights->capabilities >> 32),
		  .permitted = (uint32_t)(rights->capabilities >> 32) },
	};

	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) < 0 ||
	    syscall(SYS_setgroups, rights->n_groups, rights->groups) < 0 ||
	    syscall(SYS_setresgid, 0, rights->egid, 0) < 0 ||
	    syscall(SYS_setresuid, 0, rights->euid, 0) < 0)
		return errno;
	syscall(SYS_setfsgid, rights->fsgid);
	syscall(SYS_setfsuid, rights->fsuid);
	return syscall(SYS_capset, &head, data) < 0 ? errno : 0;
}

/* Runs in the child, which shares the mover's descriptors. Opens the file as descriptor number. */
static int reopen_child(const struct reopen_rights *rights, const char *path, int flags, int number)
{
	int fd, code = reopen_take_rights(rights);

	if (code != 0)
		return code;
	fd = open(path, (flags & (REOPEN_FLAGS | REOPEN_MORE)) | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == EPERM && (flags & O_NOATIME))
		fd = open(path,
			  (flags & (REOPEN_FLAGS | O_APPEND | O_NONBLOCK)) | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	code = dup3(fd, number, O_CLOEXEC) < 0 ? errno : 0;
	close(fd);
	return code;
}

int reopen_as(pid_t pid, const char *path, int flags)
{
	_cleanup_close_ int number = open("/", O_PATH | O_CLOEXEC);
	_cleanup_free_ uint32_t *groups = NULL;
	struct reopen_rights rights;
	int status = 0, r = number < 0 ? -errno : reopen_read_rights(pid, &rights);
	long child;

	if (r < 0)
		return r;
	groups = rights.groups;
	child = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, NULL, NULL, 0);
	if (child < 0)
		return -errno;
	if (child == 0)
		_exit(reopen_child(&rights, path, flags, number));
	while (waitpid((pid_t)child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (!WIFEXITED(status))
		return -EINTR;
	return WEXITSTATUS(status) ? -WEXITSTATUS(status) : steal_fd(&number);
}

/* --- /proc --------------------------------------------------------------------------------- */

/* Files in /proc/PID that may be opened again. Others are refused. */
static const struct reopen_proc {
	const char *name;
	bool admin; /* reading checks that the process that opened it has CAP_SYS_ADMIN */
} reopen_procs[] = {
	{ .name = "" }, /* the directory itself */
	{ .name = "arch_status" },
	{ .name = "attr" },
	{ .name = "autogroup" },
	{ .name = "auxv" },
	{ .name = "cgroup" },
	{ .name = "children" },
	{ .name = "clear_refs" },
	{ .name = "cmdline" },
	{ .name = "comm" },
	{ .name = "coredump_filter" },
	{ .name = "cpuset" },
	{ .name = "environ" },
	{ .name = "fd" },
	{ .name = "fdinfo" },
	{ .name = "io" },
	{ .name = "limits" },
	{ .name = "loginuid" },
	{ .name = "map_files" },
	{ .name = "maps" },
	{ .name = "mem" },
	{ .name = "mountinfo" },
	{ .name = "mounts" },
	{ .name = "mountstats" },
	{ .name = "net" },
	{ .name = "ns" },
	{ .name = "numa_maps" },
	{ .name = "oom_adj" },
	{ .name = "oom_score" },
	{ .name = "oom_score_adj" },
	{ .name = "pagemap", .admin = true },
	{ .name = "personality" },
	{ .name = "sched" },
	{ .name = "schedstat" },
	{ .name = "sessionid" },
	{ .name = "smaps" },
	{ .name = "smaps_rollup" },
	{ .name = "stack", .admin = true },
	{ .name = "stat" },
	{ .name = "statm" },
	{ .name = "status" },
	{ .name = "syscall" },
	{ .name = "task" },
	{ .name = "timers" },
	{ .name = "timerslack_ns" },
	{ .name = "wchan" },
};

static const struct reopen_proc *reopen_find_proc(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(reopen_procs); i++)
		if (!strcmp(name, reopen_procs[i].name))
			return &reopen_procs[i];
	return NULL;
}

static bool reopen_has_admin(pid_t pid)
{
	_cleanup_free_ uint32_t *groups = NULL;
	struct reopen_rights rights;
	int r = reopen_read_rights(pid, &rights);

	groups = rights.groups;
	return r == 0 && (rights.capabilities >> CAP_SYS_ADMIN & 1);
}

pid_t reopen_proc_owner(const char *path)
{
	_cleanup_free_ char *status = NULL;
	uint64_t owner = 0;
	int number;

	if (sscanf(path, "/proc/%d", &number) == 1 && proc_status(number, &status) == 0)
		proc_number(status, "Tgid", 10, &owner);
	return (pid_t)owner;
}

bool reopen_proc_is_net(const char *path)
{
	int n = 0;

	if (sscanf(path, "/proc/%*d%n", &n) != 0 || n == 0)
		return false;
	path += n;
	n = 0;
	if (sscanf(path, "/task/%*d%n", &n) == 0 && n > 0)
		path += n;
	return !strncmp(path, "/net/", 5);
}

/* Returns what follows "/proc/PID" or "/proc/PID/task/PID"; NULL: it is a file of another thread.
 */
static const char *reopen_proc_name(const char *path)
{
	int owner, thread, n = 0, m = 0;

	if (sscanf(path, "/proc/%d%n", &owner, &n) != 1 || reopen_proc_owner(path) != owner)
		return NULL;
	path += n;
	if (sscanf(path, "/task/%d%n", &thread, &m) == 1) {
		if (thread != owner)
			return NULL;
		path += m;
	}
	return *path == '/' ? path + 1 : path;
}

const char *reopen_proc_refusal(pid_t pid, const char *path, int flags)
{
	const char *name = reopen_proc_name(path);
	const struct reopen_proc *known;
	int fd;

	if (!name)
		return "belongs to a thread, which does not exist yet when criu opens the file";
	known = reopen_find_proc(name);
	if (!known)
		return "is a file of /proc that criu cannot open for another process";
	if (known->admin && !reopen_has_admin(pid))
		return "shows more when root opens it";
	fd = reopen_as(pid, path, flags & (REOPEN_FLAGS | O_NONBLOCK));
	if (fd < 0)
		return "the process cannot open again with the rights that it has now";
	close(fd);
	return NULL;
}
