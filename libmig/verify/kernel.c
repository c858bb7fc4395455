// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * kernel.c - one thread as the kernel sees it, and what is said when an image differs
 *
 * All of it is read from /proc with the mover's own rights, which nobody in the job has a part in.
 */
#include "libmig/verify/priv.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "libmig/kernel/peek.h"
#include "libmig/kernel/sight.h"

#define VERIFY_STATUS_MAX (4u << 20) /* 65536 groups in it */
#define VERIFY_DUMPABLE 3u           /* of a memory's flags: its low bits, since Linux 2.6.23 */
#define VERIFY_LIMITS_NAME 26        /* width of the first column of /proc/PID/limits */

int verify_refuse(struct verify *verify, pid_t tid, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return err_set(verify->err, EKEYREJECTED,
		       "pid %d: %s. Something has changed the job's memory while it was frozen; "
		       "the job was not moved and runs on",
		       (int)tid, text);
}

int verify_equal(struct verify *verify, const struct verify_item *item, uint64_t image,
		 uint64_t kernel)
{
	char values[2][32];
	const uint64_t both[] = { image, kernel };

	if (image == kernel)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		if (item->is_mask)
			snprintf(values[i], sizeof(values[i]), "0x%" PRIx64, both[i]);
		else
			snprintf(values[i], sizeof(values[i]), "%" PRId64, (int64_t)both[i]);
	}
	if (item->from_outside)
		return err_set(verify->err, EAGAIN,
			       "pid %d: its image says %s %s, the kernel says %s. It was changed "
			       "while the job was frozen; the job was not moved and runs on",
			       (int)item->tid, item->what, values[0], values[1]);
	return verify_refuse(verify, item->tid, "its image says %s %s, the kernel says %s",
			     item->what, values[0], values[1]);
}

/* The text behind "\nNAME:"; NULL: there is no such line. */
static const char *verify_line(const char *status, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = status; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, len) && line[len] == ':')
			return line + len + 1;
	}
	return NULL;
}

static bool verify_parse_ids(const char *status, const char *name, uint32_t ret[4])
{
	const char *line = verify_line(status, name);

	return line && sscanf(line, "%" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32, &ret[0],
			      &ret[1], &ret[2], &ret[3]) == 4;
}

static bool verify_parse_number(const char *status, const char *name, int base, uint64_t *ret)
{
	const char *line = verify_line(status, name);
	char *end;

	if (!line)
		return false;
	*ret = strtoull(line, &end, base);
	return end != line;
}

static bool verify_parse_groups(const char *status, struct verify_kernel *kernel)
{
	const char *line = verify_line(status, "Groups"), *end = line ? strchr(line, '\n') : NULL;

	if (!end)
		return false;
	kernel->groups = calloc((size_t)(end - line) / 2 + 1, sizeof(uint32_t));
	if (!kernel->groups)
		return false;
	while (line < end) {
		char *behind;
		unsigned long group = strtoul(line, &behind, 10);

		if (behind == line || behind > end)
			break;
		kernel->groups[kernel->n_groups++] = (uint32_t)group;
		line = behind;
	}
	return true;
}

static bool verify_parse_status(const char *status, struct verify_kernel *kernel)
{
	static const char *const caps[N_CAPS] = {
		[CAPS_INH] = "CapInh", [CAPS_PRM] = "CapPrm", [CAPS_EFF] = "CapEff",
		[CAPS_BND] = "CapBnd", [CAPS_AMB] = "CapAmb",
	};
	uint64_t no_new_privs, seccomp, n_filters = 0, umask = 0;

	if (!verify_parse_ids(status, "Uid", kernel->uid) ||
	    !verify_parse_ids(status, "Gid", kernel->gid) || !verify_parse_groups(status, kernel) ||
	    !verify_parse_number(status, "NoNewPrivs", 10, &no_new_privs) ||
	    !verify_parse_number(status, "Seccomp", 10, &seccomp))
		return false;
	for (size_t i = 0; i < N_CAPS; i++)
		if (!verify_parse_number(status, caps[i], 16, &kernel->caps[i]))
			return false;
	kernel->has_filters = verify_parse_number(status, "Seccomp_filters", 10, &n_filters);
	/* A zombie has none any more. */
	verify_parse_number(status, "Umask", 8, &umask);
	kernel->no_new_privs = (unsigned int)no_new_privs;
	kernel->seccomp = (unsigned int)seccomp;
	kernel->n_filters = (unsigned int)n_filters;
	kernel->umask = (unsigned int)umask;
	return true;
}

/* Behind the name, in which anything may stand. The exit code is the last field. */
static bool verify_parse_stat(const char *stat, struct verify_kernel *kernel)
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
	r = file_read_all(AT_FDCWD, path, VERIFY_STATUS_MAX, &status);
	if (r < 0)
		return err_sys(verify->err, (int)-r, "%s", path);
	if (!verify_parse_status(status, ret))
		return err_set(verify->err, EKEYREJECTED, "%s has not all that is compared", path);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, (int)tid);
	r = file_read(AT_FDCWD, path, stat, sizeof(stat));
	if (r < 0)
		return err_sys(verify->err, (int)-r, "%s", path);
	if (!verify_parse_stat(stat, ret))
		return err_set(verify->err, EKEYREJECTED, "%s has not all that is compared", path);
	return 0;
}

void verify_kernel_done(struct verify_kernel *kernel)
{
	free(kernel->groups);
	kernel->groups = NULL;
}

static bool verify_parse_limit(const char *text, uint64_t *ret)
{
	char *end;

	*ret = !strcmp(text, "unlimited") ? UINT64_MAX : strtoull(text, &end, 10);
	return *ret == UINT64_MAX || (end != text && !*end);
}

/* prlimit(2) would want CAP_SYS_RESOURCE; the file has the same numbers, in the same order. */
int verify_kernel_limits(struct verify *verify, pid_t pid, uint64_t soft[VERIFY_N_LIMITS],
			 uint64_t hard[VERIFY_N_LIMITS])
{
	_cleanup_free_ char *limits = NULL;
	char path[64], words[2][32];
	const char *line;
	ssize_t r;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	r = file_read_all(AT_FDCWD, path, 65536, &limits);
	if (r < 0)
		return err_sys(verify->err, (int)-r, "%s", path);
	for (line = strchr(limits, '\n'); line && line[1] && n < VERIFY_N_LIMITS;
	     line = strchr(line + 1, '\n'), n++)
		if (strlen(line + 1) <= VERIFY_LIMITS_NAME ||
		    sscanf(line + 1 + VERIFY_LIMITS_NAME, "%31s %31s", words[0], words[1]) != 2 ||
		    !verify_parse_limit(words[0], &soft[n]) ||
		    !verify_parse_limit(words[1], &hard[n]))
			break;
	if (n != VERIFY_N_LIMITS || (line && line[1]))
		return err_set(verify->err, EKEYREJECTED, "%s has not all that is compared", path);
	return 0;
}
