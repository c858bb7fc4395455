// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sched.c - scheduling, and attributes that are read or set without the process's help
 *
 * A restored process begins with no CPU time. So RLIMIT_CPU is lowered by the time that the process
 * had used.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/proc.h"
#include "libmig/state/priv.h"

#define SCHED_PR_SET_MEMORY_MERGE 67

/* The kernel's struct sched_values, as of Linux 5.3. */
struct sched_values {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

/* Does nothing if nothing differs: the call would make the default time slice the thread's own. */
static int sched_put(const struct state_item *item, struct hold *hold)
{
	struct sched_values want, have;

	memcpy(&want, item->call.data, sizeof(want));
	if (syscall(SYS_sched_getattr, item->tid, &have, sizeof(have), 0) < 0)
		return -errno;
	if (!memcmp(&want, &have, sizeof(want)))
		return 0;
	return syscall(SYS_sched_setattr, item->tid, &want, 0) < 0 ? -errno : 0;
}

static int sched_read(const struct state_proc *proc, pid_t tid)
{
	struct sched_values sched = { 0 };
	struct state_item *item;

	if (syscall(SYS_sched_getattr, tid, &sched, sizeof(sched), 0) < 0)
		return 0;
	item = state_add(proc, "the scheduling", tid);
	item->put = sched_put;
	memcpy(item->call.data, &sched, sizeof(sched));
	return 0;
}

/* A zombie keeps its niceness, which ps(1) shows; criu would give it its own. */
int state_sched_read_zombie(const struct state_proc *proc)
{
	return sched_read(proc, proc->pid);
}

static int sched_read_personality(const struct state_proc *proc, pid_t tid)
{
	struct state_item *item;
	char path[64], text[32];
	unsigned long value;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/personality", (int)proc->pid, (int)tid);
	if (file_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return 0;
	value = strtoul(text, NULL, 16);
	/* Restored processes have the mover's personality. */
	if ((int)value == personality(0xffffffff))
		return 0;
	item = state_add(proc, "the personality", tid);
	item->must = true;
	item->call = (struct inject_call){ .nr = __NR_personality, .args = { value } };
	return 0;
}

/* Restored threads have the mover's cookie of core scheduling. */
static int sched_read_cookie(const struct state_proc *proc, pid_t tid)
{
	uint64_t own = 0, cookie = 0;

	if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, 0, &own) < 0 ||
	    prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, tid, 0, &cookie) < 0 || cookie == own)
		return 0;
	return state_refuse(proc,
			    "has a cookie of core scheduling (PR_SCHED_CORE), which cannot be "
			    "carried; start the program without it");
}

static int sched_put_autogroup(const struct state_item *item, struct hold *hold)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/autogroup", (int)item->pid);
	return file_write(AT_FDCWD, path, (const char *)item->call.data);
}

/* The niceness of the process's session. */
static int sched_read_autogroup(const struct state_proc *proc)
{
	struct state_item *item;
	char text[128];
	const char *nice;

	if (proc_read(proc->pid, "autogroup", text, sizeof(text)) < 0)
		return 0;
	nice = strstr(text, " nice ");
	if (!nice || atoi(nice + 6) == 0)
		return 0;
	item = state_add(proc, "the autogroup's niceness", proc->pid);
	item->put = sched_put_autogroup;
	snprintf((char *)item->call.data, sizeof(item->call.data), "%d", atoi(nice + 6));
	return 0;
}

static int sched_read_merging(const struct state_proc *proc)
{
	struct state_item *item;
	char text[1024];

	if (proc_read(proc->pid, "ksm_stat", text, sizeof(text)) < 0 ||
	    !strstr(text, "ksm_merge_any: yes"))
		return 0;
	item = state_add(proc, "PR_SET_MEMORY_MERGE", proc->pid);
	item->call =
		(struct inject_call){ .nr = __NR_prctl, .args = { SCHED_PR_SET_MEMORY_MERGE, 1 } };
	return 0;
}

/* Returns the CPU time of a process. */
static uint64_t sched_cpu_sec(pid_t pid)
{
	uint64_t user, system;

	if (proc_scan_stat(pid, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
			   &user, &system) != 2)
		return 0;
	return (user + system) / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* The kernel treats a limit of 0 as 1 s. */
static uint64_t sched_left(uint64_t limit, uint64_t used)
{
	if (limit == RLIM_INFINITY)
		return limit;
	return limit > used + 1 ? limit - used : 1;
}

static int sched_read_cpu_limit(const struct state_proc *proc)
{
	uint64_t used = sched_cpu_sec(proc->pid), soft, hard;
	_cleanup_free_ char *text = NULL;
	char words[2][32];
	struct state_item *item;
	const char *line;

	if (used == 0 || proc_read_all(proc->pid, "limits", 65536, &text) < 0)
		return 0;
	line = strstr(text, "\nMax cpu time ");
	if (!line || sscanf(line, "\nMax cpu time %31s %31s", words[0], words[1]) != 2)
		return 0;
	soft = words[0][0] == 'u' ? RLIM_INFINITY : strtoull(words[0], NULL, 10);
	hard = words[1][0] == 'u' ? RLIM_INFINITY : strtoull(words[1], NULL, 10);
	if (soft == RLIM_INFINITY && hard == RLIM_INFINITY)
		return 0;
	item = state_add(proc, "RLIMIT_CPU", proc->pid);
	item->must = true;
	item->call = (struct inject_call){ .nr = __NR_prlimit64,
					   .args = { 0, RLIMIT_CPU, 0, 0 },
					   .pointers = 1 << 2,
					   .size = 2 * sizeof(uint64_t) };
	memcpy(item->call.data, (uint64_t[]){ sched_left(soft, used), sched_left(hard, used) },
	       2 * sizeof(uint64_t));
	return 0;
}

int state_sched_read(const struct state_proc *proc)
{
	int r = sched_read_autogroup(proc);

	if (r == 0)
		r = sched_read_merging(proc);
	if (r == 0)
		r = sched_read_cpu_limit(proc);
	for (size_t i = 0; r == 0 && i < proc->n_tids; i++) {
		r = sched_read(proc, proc->tids[i]);
		if (r == 0)
			r = sched_read_personality(proc, proc->tids[i]);
		if (r == 0)
			r = sched_read_cookie(proc, proc->tids[i]);
	}
	return r;
}
