// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * kernel.c - one thread in the kernel's view
 *
 * All data is read from /proc with the mover's rights. No process of the job can influence it.
 */
#include "libmig/verify/priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/proc.h"
#include "libmig/kernel/peek.h"
#include "libmig/kernel/sight.h"

#define KERNEL_STATUS_MAX (4u << 20) /* with 65536 groups */
#define KERNEL_LIMITS_NAME 26        /* width of the first column of /proc/PID/limits */

static bool kernel_parse_status(const char *status, struct verify_kernel *kernel)
{
	static const char *const caps[N_CAPS] = {
		[CAPS_INH] = "CapInh", [CAPS_PRM] = "CapPrm", [CAPS_EFF] = "CapEff",
		[CAPS_BND] = "CapBnd", [CAPS_AMB] = "CapAmb",
	};
	uint64_t no_new_privs, seccomp, n_filters = 0, umask = 0;

	if (!proc_ids(status, "Uid", kernel->uid) || !proc_ids(status, "Gid", kernel->gid) ||
	    proc_groups(status, &kernel->groups, &kernel->n_groups) < 0 ||
	    !proc_number(status, "NoNewPrivs", 10, &no_new_privs) ||
	    !proc_number(status, "Seccomp", 10, &seccomp))
		return false;
	for (size_t i = 0; i < N_CAPS; i++)
		if (!proc_number(status, caps[i], 16, &kernel->caps[i]))
			return false;
	kernel->has_filters = proc_number(status, "Seccomp_filters", 10, &n_filters);
	/* A zombie has no umask. */
	proc_number(status, "Umask", 8, &umask);
	kernel->no_new_privs = (unsigned int)no_new_privs;
	kernel->seccomp = (unsigned int)seccomp;
	kernel->n_filters = (unsigned int)n_filters;
	kernel->umask = (unsigned int)umask;
	return true;
}

/* The name in parentheses may contain any character. The exit code is the last field. */
static bool kernel_parse_stat(const char *stat, struct verify_kernel *kernel)
{
	const char *at = strrchr(stat, ')'), *last;
	int terminal;

	if (!at || sscanf(at, ") %c %d %d %d %d %d", &kernel->state, &kernel->parent,
			  &kernel->group, &kernel->session, &terminal, &kernel->foreground) != 6)
		return false;
	last = strrchr(at, ' ');
	kernel->exit_code = atoi(last + 1);
	kernel->terminal = (unsigned int)terminal;
	return true;
}

int verify_kernel_look(struct verify *verify, const struct verify_kernel *kernel,
		       const struct peek_task **ret)
{
	const struct sight *sight = sight_get();
	int r = 0;

	*ret = NULL;
	if (sight->peek && verify->seen_pid != kernel->pid) {
		free(verify->seen);
		verify->seen = NULL;
		verify->n_seen = 0;
		r = peek_process(sight->peek, kernel->pid, &verify->seen, &verify->n_seen,
				 verify->err);
		verify->seen_pid = r == 0 ? kernel->pid : 0;
	}
	for (size_t i = 0; r == 0 && i < verify->n_seen; i++)
		if (verify->seen[i].tid == kernel->tid)
			*ret = &verify->seen[i];
	return r;
}

int verify_kernel_read(struct verify *verify, pid_t pid, pid_t tid, struct verify_kernel *ret)
{
	_cleanup_free_ char *status = NULL;
	char path[64], stat[2048];
	ssize_t r;

	*ret = (struct verify_kernel){ .pid = pid, .tid = tid };
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid, (int)tid);
	r = file_read_all(AT_FDCWD, path, KERNEL_STATUS_MAX, &status);
	if (r < 0)
		return err_sys(verify->err, (int)-r, "%s", path);
	if (!kernel_parse_status(status, ret))
		return err_set(verify->err, EKEYREJECTED, "%s lacks a field that vcrun compares",
			       path);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, (int)tid);
	r = file_read(AT_FDCWD, path, stat, sizeof(stat));
	if (r < 0)
		return err_sys(verify->err, (int)-r, "%s", path);
	if (!kernel_parse_stat(stat, ret))
		return err_set(verify->err, EKEYREJECTED, "%s lacks a field that vcrun compares",
			       path);
	return 0;
}

void verify_kernel_done(struct verify_kernel *kernel)
{
	free(kernel->groups);
	kernel->groups = NULL;
}

static bool kernel_parse_limit(const char *text, uint64_t *ret)
{
	char *end;

	*ret = !strcmp(text, "unlimited") ? UINT64_MAX : strtoull(text, &end, 10);
	return *ret == UINT64_MAX || (end != text && !*end);
}

/* prlimit(2) needs CAP_SYS_RESOURCE; the file has the same numbers in the same order. */
int verify_kernel_limits(struct verify *verify, pid_t pid, uint64_t soft[VERIFY_N_LIMITS],
			 uint64_t hard[VERIFY_N_LIMITS])
{
	_cleanup_free_ char *limits = NULL;
	char path[64], words[2][32];
	const char *line;
	ssize_t r;
	int n = 0;

	r = proc_read_all(pid, "limits", 65536, &limits);
	if (r < 0)
		return err_sys(verify->err, (int)-r, "%s", path);
	for (line = strchr(limits, '\n'); line && line[1] && n < VERIFY_N_LIMITS;
	     line = strchr(line + 1, '\n'), n++)
		if (strlen(line + 1) <= KERNEL_LIMITS_NAME ||
		    sscanf(line + 1 + KERNEL_LIMITS_NAME, "%31s %31s", words[0], words[1]) != 2 ||
		    !kernel_parse_limit(words[0], &soft[n]) ||
		    !kernel_parse_limit(words[1], &hard[n]))
			break;
	if (n != VERIFY_N_LIMITS || (line && line[1]))
		return err_set(verify->err, EKEYREJECTED, "%s lacks a field that vcrun compares",
			       path);
	return 0;
}
