// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * proc.c - reading /proc about a process that may belong to a hostile user
 */
#include "common/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"

#define STATUS_MAX (4u << 20)       /* bytes: the list of groups may be long */
#define PROC_PIDFS_MAGIC 0x50494446 /* linux/magic.h, from 6.9 on */

const char *proc_field(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (!strncmp(line, key, len) && line[len] == ':') {
			line += len + 1;
			return line + strspn(line, " \t");
		}
	}
	return NULL;
}

ssize_t proc_read(pid_t pid, const char *file, char *buf, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return file_read(AT_FDCWD, path, buf, size);
}

ssize_t proc_read_all(pid_t pid, const char *file, size_t max, char **ret)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return file_read_all(AT_FDCWD, path, max, ret);
}

int proc_status(pid_t pid, char **ret)
{
	ssize_t len = pid == 0 ? file_read_all(AT_FDCWD, "/proc/self/status", STATUS_MAX, ret)
			       : proc_read_all(pid, "status", STATUS_MAX, ret);

	return len < 0 ? (int)len : 0;
}

int proc_scan(pid_t pid, const char *key, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	const char *field;
	va_list ap;
	int r = proc_status(pid, &text);

	if (r < 0)
		return r;
	field = proc_field(text, key);
	if (!field)
		return 0;
	va_start(ap, fmt);
	r = vsscanf(field, fmt, ap);
	va_end(ap);
	return r < 0 ? 0 : r;
}

int proc_scan_stat(pid_t pid, const char *fmt, ...)
{
	char text[1024];
	const char *rest;
	va_list ap;
	int r;

	r = (int)proc_read(pid, "stat", text, sizeof(text));
	if (r < 0)
		return r;
	/* The name in parentheses may contain any character. */
	rest = strrchr(text, ')');
	if (!rest)
		return -EPROTO;
	va_start(ap, fmt);
	r = vsscanf(rest + 1, fmt, ap);
	va_end(ap);
	return r;
}

bool proc_number(const char *text, const char *key, int base, uint64_t *ret)
{
	const char *field = proc_field(text, key);
	char *end;
	uint64_t value = field ? strtoull(field, &end, base) : 0;

	if (!field || end == field)
		return false;
	*ret = value;
	return true;
}

bool proc_ids(const char *status, const char *key, uint32_t ret[static 4])
{
	const char *field = proc_field(status, key);

	return field && sscanf(field, "%" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32, &ret[0],
			       &ret[1], &ret[2], &ret[3]) == 4;
}

int proc_groups(const char *status, uint32_t **ret, size_t *ret_n)
{
	const char *at = proc_field(status, "Groups"), *end = at ? strchrnul(at, '\n') : NULL;
	uint32_t *groups;
	size_t n = 0;

	if (!at)
		return -EPROTO;
	groups = calloc((size_t)(end - at) / 2 + 1, sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	while (at < end) {
		char *behind;
		unsigned long group = strtoul(at, &behind, 10);

		if (behind == at || behind > end)
			break;
		groups[n++] = (uint32_t)group;
		at = behind;
	}
	*ret = groups;
	*ret_n = n;
	return 0;
}

void proc_name(pid_t pid, char ret[static PROC_NAME])
{

	if (proc_read(pid, "comm", ret, PROC_NAME) < 0)
		strcpy(ret, "?");
}

int proc_look(pid_t pid, char *ret_state, pid_t *ret_parent)
{
	char text[512], state;
	const char *field;
	ssize_t len;
	int parent;

	/* This runs for every thread several times a second. Both are at the beginning. */
	len = proc_read(pid, "status", text, sizeof(text));
	if (len < 0)
		return (int)len;
	field = proc_field(text, "State");
	if (!field || sscanf(field, "%c", &state) != 1)
		return -EPROTO;
	field = proc_field(text, "PPid");
	if (!field || sscanf(field, "%d", &parent) != 1)
		return -EPROTO;
	if (ret_state)
		*ret_state = state;
	if (ret_parent)
		*ret_parent = parent;
	return 0;
}

int proc_runs(pid_t pid, uint64_t *ret)
{
	unsigned long long given_up, taken_away;
	int r = proc_scan(pid, "voluntary_ctxt_switches", "%llu\nnonvoluntary_ctxt_switches: %llu",
			  &given_up, &taken_away);

	if (r != 2)
		return r < 0 ? r : -EPROTO;
	*ret = given_up + taken_away;
	return 0;
}

/* Returns its start time in the kernel's ticks since boot; 0: unknown. */
static uint64_t proc_start(pid_t pid)
{
	uint64_t start;
	int n = proc_scan_stat(pid,
			       " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
			       "%*d %*d %*d %" SCNu64,
			       &start);

	return n == 1 ? start : 0;
}

uint64_t proc_identity(pid_t pid, pid_t *ret_parent)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct statfs fs;
	struct stat st;
	uint64_t identity;
	char state;

	if (pidfd < 0 || proc_look(pid, &state, ret_parent) < 0 || state == 'Z' || state == 'X')
		return 0;
	/* pidfs numbers each process once. */
	if (fstatfs(pidfd, &fs) == 0 && fs.f_type == PROC_PIDFS_MAGIC && fstat(pidfd, &st) == 0)
		identity = st.st_ino;
	else
		identity = proc_start(pid);
	/* If the signal reaches it, the PID was not reused in between. */
	return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0 ? identity : 0;
}

pid_t proc_fork(int *ret_pidfd)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t pid;

	*ret_pidfd = -1;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid >= 0 || (errno != ENOSYS && errno != EPERM))
		return pid < 0 ? -errno : pid;
	/* A seccomp filter forbids clone3(2). */
	pid = fork();
	if (pid <= 0)
		return pid < 0 ? -errno : 0;
	*ret_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (*ret_pidfd < 0) {
		int r = -errno;

		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return r;
	}
	return pid;
}

int proc_reap(pid_t child, int *ret_status)
{
	for (;;) {
		if (waitpid(child, ret_status, WUNTRACED) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!WIFSTOPPED(*ret_status))
			return 0;
		kill(child, SIGKILL);
	}
}
