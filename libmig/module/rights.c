// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * rights.c - the capabilities of criu, and limits that it may not read
 *
 * To read the limits of another user, prlimit(2) needs CAP_SYS_RESOURCE, which root in many
 * containers does not have, or the user's real uid, with which the user could stop criu while it
 * holds the job. But /proc/PID/limits shows the same to every user. So criu's syscall(2) is
 * replaced (slot.h), and a forbidden prlimit(2) is answered from that file.
 */
#include "libmig/module/rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/proc.h"
#include "libmig/module/peer.h"
#include "libmig/module/slot.h"

#define RIGHTS_N_ARGS 6
#define RIGHTS_LIMITS_NAME 26 /* width of the first column of /proc/PID/limits */

int rights_drop(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];
	const char *env = getenv(RIGHTS_ENV);
	uint64_t keep;

	if (!env)
		return 0;
	keep = strtoull(env, NULL, 16);
	if (syscall(SYS_capget, &header, caps) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		caps[i].permitted &= (uint32_t)(keep >> (32 * i));
		caps[i].effective &= caps[i].permitted;
	}
	return syscall(SYS_capset, &header, caps) < 0 ? -errno : 0;
}

/* Reads the file once for each process: criu asks for the limits of a process in order, from the
 * first on. */
static char *rights_read_limits(pid_t pid, long resource)
{
	static char text[4096];
	static pid_t whose;

	if (whose == pid && resource > 0)
		return text;
	whose = proc_read(pid, "limits", text, sizeof(text)) > 0 ? pid : 0;
	return whose ? text : NULL;
}

static bool rights_parse_limit(const char *word, rlim64_t *ret)
{
	char *end = NULL;

	*ret = strcmp(word, "unlimited") ? strtoull(word, &end, 10) : RLIM64_INFINITY;
	return !end || (end != word && !*end);
}

static long rights_get_limit(pid_t pid, long resource, struct rlimit64 *ret)
{
	const char *line = rights_read_limits(pid, resource);
	char soft[32], hard[32];

	/* The first line is the heading. */
	for (long i = 0; line && i <= resource; i++) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (line && strlen(line) > RIGHTS_LIMITS_NAME &&
	    sscanf(line + RIGHTS_LIMITS_NAME, "%31s %31s", soft, hard) == 2 &&
	    rights_parse_limit(soft, &ret->rlim_cur) && rights_parse_limit(hard, &ret->rlim_max))
		return 0;
	errno = EPERM;
	return -1;
}

/* Replaces syscall(2). Like the C library's function it always reads six arguments. */
static long rights_syscall(long number, ...)
{
	long args[RIGHTS_N_ARGS], r;
	va_list list;

	va_start(list, number);
	for (int i = 0; i < RIGHTS_N_ARGS; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	if (peer_wait(number, args, &r))
		return r;
	r = syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
	if (r < 0 && errno == EPERM && number == SYS_prlimit64 && args[0] > 0 && !args[2] &&
	    args[3])
		return rights_get_limit((pid_t)args[0], args[1], (struct rlimit64 *)args[3]);
	return r;
}

void rights_answer_limits(void)
{
	slot_replace("syscall", (slot_function *)rights_syscall);
}
