// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sched.c - rows of tests/move-state: scheduling, priorities and CPU time
 */
#include "tests/state/state.h"

#include <linux/sched.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define IOPRIO_BEST_EFFORT_7 (2 << 13 | 7)

static int set_ioprio(void)
{
	return (int)syscall(SYS_ioprio_set, 1, 0, IOPRIO_BEST_EFFORT_7);
}

static void get_ioprio(char ret[STATE_VALUE])
{
	state_number(ret, syscall(SYS_ioprio_get, 1, 0));
}

static int set_corefilter(void)
{
	return state_write_file("/proc/self/coredump_filter", "0x7f");
}

static void get_corefilter(char ret[STATE_VALUE])
{
	state_read_file("/proc/self/coredump_filter", ret);
}

struct sched_attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

static int set_sched(struct sched_attributes attributes)
{
	attributes.size = sizeof(attributes);
	return (int)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

static void get_sched(char ret[STATE_VALUE])
{
	struct sched_attributes is = { 0 };

	if (syscall(SYS_sched_getattr, 0, &is, sizeof(is), 0) < 0) {
		state_number(ret, -1);
		return;
	}
	snprintf(ret, STATE_VALUE, "policy %u flags %lu nice %d priority %u %lu/%lu/%lu util %u-%u",
		 is.policy, (unsigned long)is.flags, is.nice, is.priority,
		 (unsigned long)is.runtime, (unsigned long)is.deadline, (unsigned long)is.period,
		 is.util_min, is.util_max);
}

static int set_sched_slice(void)
{
	return set_sched((struct sched_attributes){ .policy = SCHED_OTHER, .runtime = 1700000 });
}
#define get_sched_slice get_sched

static int set_sched_reset(void)
{
	return set_sched((struct sched_attributes){
		.policy = SCHED_OTHER, .nice = 3, .flags = SCHED_FLAG_RESET_ON_FORK });
}
#define get_sched_reset get_sched

static int set_sched_batch(void)
{
	return set_sched((struct sched_attributes){ .policy = SCHED_BATCH, .nice = 5 });
}
#define get_sched_batch get_sched

static int set_sched_idle(void)
{
	return set_sched((struct sched_attributes){ .policy = SCHED_IDLE });
}
#define get_sched_idle get_sched

static int set_sched_deadline(void)
{
	return set_sched((struct sched_attributes){ .policy = SCHED_DEADLINE,
						    .runtime = 2000000,
						    .deadline = 90000000,
						    .period = 100000000 });
}
#define get_sched_deadline get_sched

static int set_sched_clamp(void)
{
	return set_sched((struct sched_attributes){ .policy = SCHED_OTHER,
						    .flags = SCHED_FLAG_UTIL_CLAMP_MIN |
							     SCHED_FLAG_UTIL_CLAMP_MAX,
						    .util_min = 100,
						    .util_max = 900 });
}
#define get_sched_clamp get_sched

static int set_core_cookie(void)
{
	return prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, 0, 0);
}

static void get_core_cookie(char ret[STATE_VALUE])
{
	unsigned long cookie = 0;

	prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, 0, &cookie);
	state_number(ret, cookie != 0);
}

static int set_autogroup(void)
{
	return state_write_file("/proc/self/autogroup", "7");
}

static void get_autogroup(char ret[STATE_VALUE])
{
	char text[STATE_VALUE], *nice;

	state_read_file("/proc/self/autogroup", text);
	nice = strstr(text, "nice ");
	snprintf(ret, STATE_VALUE, "%s", nice ? nice : "none");
}

static int set_oom(void)
{
	return state_write_file("/proc/self/oom_score_adj", "345");
}

static void get_oom(char ret[STATE_VALUE])
{
	state_read_file("/proc/self/oom_score_adj", ret);
}

static int burn(double seconds)
{
	struct rusage usage;

	do
		getrusage(RUSAGE_SELF, &usage);
	while ((double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec * 1e-6 +
		       (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec * 1e-6 <
	       seconds);
	return 0;
}

static int set_cpu_clock(void)
{
	return burn(0.3);
}

/* It never runs backwards. */
static void get_cpu_clock(char ret[STATE_VALUE])
{
	static double latest;
	struct timespec t;
	double is;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	is = (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
	snprintf(ret, STATE_VALUE, "%s", is < latest ? "back" : "on");
	latest = is;
}

const struct state_row state_sched[] = {
	STATE_ROW(ioprio),      STATE_ROW(sched_slice),     STATE_ROW(sched_reset),
	STATE_ROW(sched_batch), STATE_ROW(sched_idle),      STATE_ROW(sched_deadline),
	STATE_ROW(sched_clamp), STATE_ROW(core_cookie),     STATE_FILE_ROW(autogroup),
	STATE_FILE_ROW(oom),    STATE_FILE_ROW(corefilter), STATE_ROW(cpu_clock),
	{ .name = NULL },
};
