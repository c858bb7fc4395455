/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cgroup-fixture.h - two instances on this machine's real hierarchies, for one test
 *
 * They are named after this process, and removed whatever the test did.
 */
#ifndef VC_TESTS_CGROUP_FIXTURE_H
#define VC_TESTS_CGROUP_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "partition/cgroup/priv.h"
#include "partition/partition.h"
#include "partition/topology.h"

#define SKIPPED 77
#define WAIT_USEC 5000000

static struct cg *one, *two;
static struct vc_err err;

/* A failing call shows its sentence. */
#define ok(call)                                                                                   \
	do {                                                                                       \
		int _r = (call);                                                                   \
		if (_r != 0)                                                                       \
			fail_msg("%s: %d, expected 0: %s", #call, _r, err.text);                   \
	} while (0)
#define refused(call, code)                                                                        \
	do {                                                                                       \
		int _r = (call);                                                                   \
		if (_r != -(code))                                                                 \
			fail_msg("%s: %d, expected %d: %s", #call, _r, -(code), err.text);         \
	} while (0)

static inline int setup(void **state)
{
	char name[32];

	snprintf(name, sizeof(name), "vcrun-ta%d", (int)getpid());
	if (cg_open(name, NULL, &one, &err) < 0)
		return -1;
	snprintf(name, sizeof(name), "vcrun-tb%d", (int)getpid());
	return cg_open(name, NULL, &two, &err);
}

static inline int teardown(void **state)
{
	struct cg **cgs[] = { &one, &two };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cgs); i++) {
		if (!*cgs[i])
			continue;
		cg_procs_kill(*cgs[i], "", WAIT_USEC, NULL);
		if (cg_group_remove(*cgs[i], "", &err) < 0) {
			print_error("left behind: %s\n", err.text);
			r = -1;
		}
		cg_free(*cgs[i]);
		*cgs[i] = NULL;
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return r;
}

static inline size_t online_cpus(void)
{
	char text[256];
	struct cpulist set;

	assert_true(file_read(AT_FDCWD, "/sys/devices/system/cpu/online", text, sizeof(text)) > 0);
	assert_int_equal(cpulist_parse(text, &set), 0);
	return cpulist_count(&set);
}

/* A child that does what it is told, and does not outlive the test program. */
static inline pid_t start(void (*work)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		work();
		_exit(0);
	}
	return pid;
}

static inline void work_sleep(void)
{
	for (;;)
		pause();
}

static inline void work_spin(void)
{
	for (;;)
		__asm__ volatile("");
}

static inline void *thread_spin(void *arg)
{
	work_spin();
	return NULL;
}

static inline void work_threads(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, thread_spin, NULL);
	pthread_create(&thread, NULL, thread_spin, NULL);
	work_sleep();
}

static inline void work_memory(void)
{
	size_t size = 32u << 20;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		_exit(1);
	for (size_t i = 0; i < size; i += 4096)
		((volatile char *)p)[i] = 1;
	work_sleep();
}

/* Waits until a condition holds; says whether it came. */
#define eventually(condition)                                                                      \
	__extension__({                                                                            \
		uint64_t _until = clock_mono_usec() + WAIT_USEC;                                   \
		while (!(condition) && clock_mono_usec() < _until)                                 \
			clock_sleep_usec(2000);                                                    \
		(condition);                                                                       \
	})

static inline void assert_group_of(struct cg *cg, pid_t pid, const char *want)
{
	char path[256] = "";
	int r = cg_procs_group(cg, pid, path, sizeof(path));

	if (r != 0 || strcmp(path, want))
		fail_msg("process %d is in \"%s\" (%d), expected \"%s\"", (int)pid, path, r, want);
}

static inline size_t count_in(struct cg *cg, const char *path)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;

	ok(cg_procs_list(cg, path, &pids, &n, &err));
	return n;
}

#define group_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Whether groups can be made here at all; if not, why the tests are skipped. */
static inline bool can_make_groups(void)
{
	/* Orphans of a job come to us, so that nothing outlives the test. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (setup(NULL) < 0 || cg_group_create(one, "probe", &err) < 0) {
		printf("SKIP: cannot make groups here: %s\n", err.text);
		teardown(NULL);
		return false;
	}
	return teardown(NULL) == 0;
}

#endif
