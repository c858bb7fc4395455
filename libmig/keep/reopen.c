// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * reopen.c - files that the kernel binds to a process or group, opened again
 *
 * The rights are tried out instead of being worked out: a child takes the process's
 * user, groups and capabilities, and opens the file. It keeps root as its real and saved user,
 * so that the user can neither trace nor signal it.
 *
 * criu opens the files of /proc as root. Most of these decide by who reads them, or when they
 * are opened; some by who has opened them, and these are not to be had from root's hand.
 */
#include "libmig/keep/reopen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
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
/* Flags that do not matter for whether it may be opened. */
#define REOPEN_MORE (O_APPEND | O_NONBLOCK | O_NOATIME)

struct reopen_rights {
	uid_t euid, fsuid;
	gid_t egid, fsgid;
	gid_t *groups;
	size_t n_groups;
	uint64_t capabilities; /* effective */
};

static const char *reopen_field(const char *status, const char *key)
{
	const char *field = proc_field(status, key);

	return field ? field : "";
}

static int reopen_read_rights(pid_t pid, struct reopen_rights *ret)
{
	_cleanup_free_ char *status = NULL;
	const char *at;
	char *end;

	*ret = (struct reopen_rights){ .groups = NULL };
	if (proc_status(pid, &status) < 0)
		return -ESRCH;
	if (sscanf(reopen_field(status, "Uid"), "%*u %u %*u %u", &ret->euid, &ret->fsuid) != 2 ||
	    sscanf(reopen_field(status, "Gid"), "%*u %u %*u %u", &ret->egid, &ret->fsgid) != 2 ||
	    sscanf(reopen_field(status, "CapEff"), "%lx", &ret->capabilities) != 1)
		return -EPROTO;
	at = reopen_field(status, "Groups");
	ret->groups = calloc(strcspn(at, "\n") / 2 + 1, sizeof(*ret->groups));
	if (!ret->groups)
		return -ENOMEM;
	for (;; at = end) {
		unsigned long group;

		while (*at == ' ' || *at == '\t')
			at++;
		if (*at < '0' || *at > '9')
			return 0;
		group = strtoul(at, &end, 10);
		ret->groups[ret->n_groups++] = (gid_t)group;
	}
}

/* By system calls: the C library would change the rights of all of the mover's threads. */
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

/* In the child, which shares the mover's descriptors: puts the file in the place of number. */
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
	_cleanup_free_ gid_t *groups = NULL;
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

/* What is in /proc/PID and may be opened again. What is not here is not known to be harmless. */
static const struct reopen_proc {
	const char *name;
	bool admin; /* who opened it is asked for CAP_SYS_ADMIN when it is read */
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
	_cleanup_free_ gid_t *groups = NULL;
	struct reopen_rights rights;
	int r = reopen_read_rights(pid, &rights);

	groups = rights.groups;
	return r == 0 && (rights.capabilities >> CAP_SYS_ADMIN & 1);
}

pid_t reopen_proc_owner(const char *path)
{
	int number, owner;

	if (sscanf(path, "/proc/%d", &number) != 1 || proc_scan(number, "Tgid", "%d", &owner) != 1)
		return 0;
	return owner;
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

/* Behind "/proc/PID" and "/proc/PID/task/PID"; NULL: it is another thread's. */
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
		return "belongs to a thread, which is not there yet when it would be opened again";
	known = reopen_find_proc(name);
	if (!known)
		return "is one of /proc that cannot be opened again for a process";
	if (known->admin && !reopen_has_admin(pid))
		return "shows more if root opens it";
	fd = reopen_as(pid, path, flags & (REOPEN_FLAGS | O_NONBLOCK));
	if (fd < 0)
		return "could not be opened again by its process, with the rights that it has now";
	close(fd);
	return NULL;
}
