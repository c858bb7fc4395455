// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-cgroup.c - our groups, on this machine's real hierarchies
 *
 * Every test has two instances of its own, named after this process, and removes
 * them whatever happens. What needs no kernel (paths, the base line, the names in
 * /proc/PID/cgroup, v2's statistics) is checked from tables.
 */
#include "partition/cgroup.h"

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
#include "partition/cgroup-priv.h"
#include "partition/cpulist.h"
#include "partition/partition.h"

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

static int setup(void **state)
{
	char name[32];

	snprintf(name, sizeof(name), "vcrun-ta%d", (int)getpid());
	if (cg_open(name, NULL, &one, &err) < 0)
		return -1;
	snprintf(name, sizeof(name), "vcrun-tb%d", (int)getpid());
	return cg_open(name, NULL, &two, &err);
}

static int teardown(void **state)
{
	struct cg **cgs[] = { &one, &two };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cgs); i++) {
		if (!*cgs[i])
			continue;
		cg_kill(*cgs[i], "", WAIT_USEC, NULL);
		if (cg_remove(*cgs[i], "", &err) < 0) {
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

static size_t online_cpus(void)
{
	char text[256];
	struct cpulist set;

	assert_true(file_read(AT_FDCWD, "/sys/devices/system/cpu/online", text, sizeof(text)) > 0);
	assert_int_equal(cpulist_parse(text, &set), 0);
	return cpulist_count(&set);
}

/* A child that does what it is told, and does not outlive the test program. */
static pid_t start(void (*work)(void))
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

static void work_sleep(void)
{
	for (;;)
		pause();
}

static void work_spin(void)
{
	for (;;)
		__asm__ volatile("");
}

static void *thread_spin(void *arg)
{
	work_spin();
	return NULL;
}

static void work_threads(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, thread_spin, NULL);
	pthread_create(&thread, NULL, thread_spin, NULL);
	work_sleep();
}

static void work_memory(void)
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

static void assert_group_of(struct cg *cg, pid_t pid, const char *want)
{
	char path[256] = "";
	int r = cg_of_pid(cg, pid, path, sizeof(path));

	if (r != 0 || strcmp(path, want))
		fail_msg("process %d is in \"%s\" (%d), expected \"%s\"", (int)pid, path, r, want);
}

static void test_base_line(void **state)
{
	static const char *const bad[] = {
		"",
		"cpuset",
		"cpuset|1|/sys/fs/cgroup",
		"cpuset|1|/sys/fs/cgroup|a|b",
		"cpuset|3|/sys/fs/cgroup|a",
		"cpuset|1|sys|a",
		"cpuset|1|/sys/fs/cgroup|",
		"cpuset|1|/sys/fs/cgroup|/a",
		"floppy|1|/sys/fs/cgroup|a",
		"|2|/|a;|2|/|a;|2|/|a;|2|/|a;|2|/|a;|2|/|a;|2|/|a",
	};
	struct cg *again = NULL;

	ok(cg_open("another", cg_base(one), &again, &err));
	assert_string_equal(cg_base(again), cg_base(one));
	assert_string_not_equal(cg_base(one), cg_base(two));
	cg_free(again);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int r = cg_open("x", bad[i], &again, &err);

		if (r != -EINVAL)
			fail_msg("\"%s\": %d, expected %d", bad[i], r, -EINVAL);
	}
	refused(cg_open("x", "cpuset|1|/nowhere/at/all|a", &again, &err), ENOENT);
}

static void test_paths(void **state)
{
	static const char *const bad[] = { "/vc0", "vc0/", "vc0//job-1", "..", "vc0/../vc1",
					   ".",    "a\nb", "a|b",        "a;b" };
	char longest[400];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int r = cg_create(one, bad[i], &err);

		if (r != -EINVAL)
			fail_msg("\"%s\": %d, expected %d", bad[i], r, -EINVAL);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	refused(cg_create(one, longest, &err), EINVAL);
	refused(cg_remove(one, "..", &err), EINVAL);
	refused(cg_kill(one, "..", 0, &err), EINVAL);
}

static void test_proc_group(void **state)
{
	static const struct {
		int version;
		unsigned int bits;
		const char *text;
		const char *want; /* NULL: none */
	} row[] = {
		{ 2, 0, "5:cpuset:/a\n0::/b/c\n", "b/c" },
		{ 2, 0, "0::/", "" },
		{ 2, 0, "5:cpuset:/a\n", NULL },
		{ 1, CG_CPU, "3:cpu,cpuacct:/x\n2:cpuset:/y\n", "x" },
		{ 1, CG_CPUACCT, "3:cpu,cpuacct:/x\n2:cpuset:/y\n", "x" },
		{ 1, CG_CPUSET, "3:cpu,cpuacct:/x\n2:cpuset:/y:z\n", "y:z" },
		{ 1, CG_CPU, "2:cpuset:/y\n1:name=cpu:/n\n", NULL },
		{ 1, CG_PIDS, "", NULL },
		{ 1, CG_PIDS, "::::\n\n:", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct cg_hier hier = { .version = row[i].version, .bits = row[i].bits };
		char got[64] = "-";
		int r = cg_proc_group(&hier, row[i].text, got, sizeof(got));

		if (row[i].want ? r != 0 || strcmp(got, row[i].want) : r != -ENOENT)
			fail_msg("row %zu: %d \"%s\", expected \"%s\"", i, r, got,
				 row[i].want ? row[i].want : "-ENOENT");
	}
}

static void test_create_and_remove(void **state)
{
	char **names;
	size_t n = 9;

	assert_false(cg_exists(one, "vc0"));
	ok(cg_create(one, "vc0/job-1", &err));
	ok(cg_create(one, "vc0/job-2", &err));
	ok(cg_create(one, "vc0/job-2", &err));
	assert_true(cg_exists(one, "vc0") && cg_exists(one, "vc0/job-1"));
	assert_false(cg_exists(two, "vc0"));
	ok(cg_children(one, "vc0", &names, &n, &err));
	assert_int_equal(n, 2);
	assert_string_equal(names[0], "job-1");
	assert_string_equal(names[1], "job-2");
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
	ok(cg_remove(one, "vc0/job-1", &err));
	ok(cg_remove(one, "vc0/job-1", &err));
	assert_false(cg_exists(one, "vc0/job-1"));
	assert_true(cg_exists(one, "vc0/job-2"));
	ok(cg_remove(one, "", &err));
	assert_false(cg_exists(one, ""));
}

/* What a crash leaves may be there in some hierarchies only. */
static void test_remains_are_adopted(void **state)
{
	const struct partition_spec spec = { .name = "vc0",
					     .cpus = (char[]){ "0" },
					     .mems = (char[]){ "0" },
					     .memory_bytes = 64u << 20 };
	enum cg_exclusive obtained;
	struct cg_memory memory;
	char group[CG_GROUP_MAX], cpus[64], mems[64];
	pid_t pid;

	ok(cg_create(one, "vc0/job-1", &err));
	pid = start(work_sleep);
	ok(cg_attach(one, "vc0/job-1", pid, &err));
	ok(cg_create(one, "vc0/job-2", &err));
	ok(cg_group(&one->hier[0], "vc0/job-2", group));
	assert_int_equal(unlinkat(one->hier[0].fd, group, AT_REMOVEDIR), 0);
	assert_false(cg_exists(one, "vc0/job-2"));
	ok(cg_create(one, "vc0/job-2", &err));
	assert_true(cg_exists(one, "vc0/job-2"));

	ok(partition_create(one, &spec, &obtained, &err));
	assert_int_equal(obtained, CG_SHARED);
	ok(cg_get_cpus(one, "vc0/job-1", cpus, sizeof(cpus), mems, sizeof(mems), &err));
	assert_string_equal(cpus, "0");
	ok(cg_memory_read(one, "vc0", &memory));
	assert_int_equal(memory.limit_bytes, 64u << 20);
	assert_group_of(one, pid, "vc0/job-1");
	refused(partition_destroy(one, "vc0", &err), EBUSY);
	assert_non_null(strstr(err.text, "partition vc0"));
}

static void test_cpus(void **state)
{
	static const struct {
		const char *path, *cpus;
		bool exclusive;
		bool refused;
		enum cg_exclusive least; /* CG_DEDICATED satisfies CG_ADVISORY */
	} row[] = {
		{ "vc0", "0", true, false, CG_ADVISORY },
		{ "vc0", "1", true, false, CG_ADVISORY }, /* its jobs move along */
		{ "vc0", "0-1", false, false, CG_SHARED },
		{ "vc0", "0", true, false, CG_ADVISORY },
		{ "vc1", "1", true, false, CG_ADVISORY },
		{ "vc1", "0-1", false, false, CG_SHARED },
		{ "vc0", "0", true, false, CG_SHARED }, /* vc1 overlaps now */
		{ "vc0", "", true, true, CG_SHARED },
		{ "vc0", "0-", true, true, CG_SHARED },
		{ "vc0", "5000", true, true, CG_SHARED },
	};
	char cpus[64], mems[64];

	if (online_cpus() < 2)
		skip();
	ok(cg_create(one, PARTITION_SHIMS_GROUP, &err));
	ok(cg_create(one, "vc0/job-1", &err));
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		enum cg_exclusive got = 99, now = 99;
		int r;

		if (i == 4)
			ok(cg_create(one, "vc1", &err));
		r = cg_set_cpus(one, row[i].path, row[i].cpus, NULL, row[i].exclusive, &got, &err);
		if (row[i].refused) {
			if (r >= 0 || got != 99)
				fail_msg("row %zu: %d, obtained %d; expected an error", i, r, got);
			continue;
		}
		if (r != 0)
			fail_msg("row %zu: %d: %s", i, r, err.text);
		if (row[i].least == CG_SHARED ? got != CG_SHARED : got < row[i].least)
			fail_msg("row %zu: obtained %d, expected %d", i, got, row[i].least);
		ok(cg_get_exclusive(one, row[i].path, row[i].exclusive, &now));
		assert_int_equal(now, got);
		ok(cg_get_cpus(one, row[i].path, cpus, sizeof(cpus), mems, sizeof(mems), &err));
		assert_string_equal(cpus, row[i].cpus);
		ok(cg_get_cpus(one, "vc0/job-1", cpus, sizeof(cpus), mems, sizeof(mems), &err));
		if (!strcmp(row[i].path, "vc0"))
			assert_string_equal(cpus, row[i].cpus);
	}
	assert_int_equal(cg_get_cpus(one, "vc0", cpus, 1, mems, sizeof(mems), &err), -ENAMETOOLONG);
	refused(cg_set_cpus(one, "none", "0", NULL, false, &(enum cg_exclusive){ 0 }, &err),
		ENOENT);
}

/* The kernel really keeps a process on its group's CPUs. */
static void test_cpus_hold(void **state)
{
	enum cg_exclusive obtained;
	cpu_set_t set;
	pid_t pid;

	if (online_cpus() < 2)
		skip();
	ok(cg_create(one, "vc0/job-1", &err));
	ok(cg_set_cpus(one, "vc0", "1", NULL, false, &obtained, &err));
	pid = start(work_sleep);
	ok(cg_attach(one, "vc0/job-1", pid, &err));
	assert_int_equal(sched_getaffinity(pid, sizeof(set), &set), 0);
	assert_int_equal(CPU_COUNT(&set), 1);
	assert_true(CPU_ISSET(1, &set));
	ok(cg_set_cpus(one, "vc0", "0", NULL, false, &obtained, &err));
	assert_int_equal(sched_getaffinity(pid, sizeof(set), &set), 0);
	assert_int_equal(CPU_COUNT(&set), 1);
	assert_true(CPU_ISSET(0, &set));
}

static bool has_swap(void)
{
	char text[4096];

	return file_read(AT_FDCWD, "/proc/swaps", text, sizeof(text)) > 0 && strchr(text, '\n');
}

static void test_memory(void **state)
{
	struct cg_memory job = { 0 }, part = { 0 };
	pid_t pid;

	ok(cg_create(one, "vc0/job-1", &err));
	ok(cg_memory_read(one, "vc0", &part));
	assert_true(part.limit_bytes == CG_NO_LIMIT);
	ok(cg_set_memory(one, "vc0", 64u << 20, &err));
	{
		struct cg_entry *entry;
		int entered = 99;

		ok(cg_entry_open(one, "vc0/job-1", &entry, &err));
		pid = cg_entry_fork(entry, &entered);
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			work_memory();
		}
		cg_entry_free(entry);
	}
	assert_true(pid > 0);
	assert_true(eventually(cg_memory_read(one, "vc0/job-1", &job) == 0 &&
			       job.rss_bytes >= 31u << 20));
	ok(cg_memory_read(one, "vc0", &part));
	assert_int_equal(part.limit_bytes, 64u << 20);
	assert_in_range(part.used_bytes, 31u << 20, 64u << 20);
	assert_in_range(part.rss_bytes, 31u << 20, 40u << 20);
	assert_true(job.limit_bytes == CG_NO_LIMIT);
	if (!has_swap()) {
		refused(cg_set_memory(one, "vc0", 8u << 20, &err), EBUSY);
		ok(cg_memory_read(one, "vc0", &part));
		assert_int_equal(part.limit_bytes, 64u << 20);
		assert_int_equal(kill(pid, 0), 0);
	}
	ok(cg_set_memory(one, "vc0", CG_NO_LIMIT, &err));
	ok(cg_memory_read(one, "vc0", &part));
	assert_true(part.limit_bytes == CG_NO_LIMIT);
	assert_true(cg_memory_read(one, "none", &part) < 0);
}

static size_t count_in(struct cg *cg, const char *path)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;

	ok(cg_pids(cg, path, &pids, &n, &err));
	return n;
}

static void test_attach_moves_all_threads(void **state)
{
	unsigned int running = 99;
	uint64_t cpu = 0;
	pid_t pid = start(work_threads);

	ok(cg_create(one, "vc0/job-1", &err));
	ok(cg_create(one, "vc0/job-2", &err));
	ok(cg_attach(one, "vc0/job-1", pid, &err));
	assert_group_of(one, pid, "vc0/job-1");
	assert_int_equal(cg_of_pid(two, pid, (char[64]){ "" }, 64), -ENOENT);
	assert_int_equal(count_in(one, "vc0/job-1"), 1);
	assert_int_equal(count_in(one, ""), 1);
	/* Two spin, the first thread sleeps; all three are there. */
	assert_true(eventually(cg_runnable(one, "vc0", &running) == 0 && running == 2));
	assert_true(eventually(cg_cpu_usec(one, "vc0", &cpu) == 0 && cpu > 50000));
	ok(cg_attach(one, "vc0/job-2", pid, &err));
	ok(cg_runnable(one, "vc0/job-1", &running));
	assert_int_equal(running, 0);
	ok(cg_runnable(one, "vc0/job-2", &running));
	assert_int_equal(running, 2);
	kill(pid, SIGSTOP);
	assert_true(eventually(cg_runnable(one, "", &running) == 0 && running == 0));
}

/* CPU time of a job that is gone stays with its partition. */
static void test_cpu_time_stays(void **state)
{
	uint64_t job = 0, before = 0, after = 0;
	pid_t pid = start(work_spin);

	ok(cg_create(one, "vc0/job-1", &err));
	ok(cg_attach(one, "vc0/job-1", pid, &err));
	assert_true(eventually(cg_cpu_usec(one, "vc0/job-1", &job) == 0 && job > 50000));
	ok(cg_kill(one, "vc0/job-1", WAIT_USEC, &err));
	ok(cg_cpu_usec(one, "vc0", &before));
	assert_true(before >= job);
	ok(cg_remove(one, "vc0/job-1", &err));
	ok(cg_cpu_usec(one, "vc0", &after));
	assert_true(after >= before);
	assert_true(cg_cpu_usec(one, "vc0/job-1", &after) < 0);
}

static void test_entry(void **state)
{
	static const char *const how[] = { "enter", "fork" };
	struct cg_entry *entry = NULL;

	ok(cg_create(one, "vc0/job-1", &err));
	refused(cg_entry_open(one, "vc0/none", &entry, &err), ENOENT);
	ok(cg_entry_open(one, "vc0/job-1", &entry, &err));
	for (size_t i = 0; i < ARRAY_SIZE(how); i++) {
		int entered = 99, to[2], r;
		pid_t pid;
		char c;

		assert_int_equal(pipe2(to, O_CLOEXEC), 0);
		pid = i == 0 ? fork() : cg_entry_fork(entry, &entered);
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (i == 0)
				entered = cg_entry_enter(entry);
			c = (char)-entered;
			if (write(to[1], &c, 1) == 1)
				work_sleep();
			_exit(1);
		}
		close(to[1]);
		assert_true(pid > 0);
		r = (int)read(to[0], &c, 1);
		close(to[0]);
		if (r != 1 || c != 0)
			fail_msg("%s: read %d, the child got %d, expected 0", how[i], r, c);
		assert_group_of(one, pid, "vc0/job-1");
		/* In every hierarchy, not only where membership is tracked. */
		for (size_t k = 0; k < one->n; k++) {
			_cleanup_free_ pid_t *pids = NULL;
			char group[CG_GROUP_MAX];
			size_t n = 0;

			ok(cg_group(&one->hier[k], "vc0/job-1", group));
			ok(cg_hier_pids(&one->hier[k], group, &pids, &n));
			if (n != i + 1)
				fail_msg("%s: %zu processes in %s, expected %zu", how[i], n,
					 one->hier[k].mount, i + 1);
		}
	}
	cg_entry_free(entry);
}

static void test_attach_is_all_or_nothing(void **state)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	char group[CG_GROUP_MAX], proc[64];
	const struct cg_hier *last = &one->hier[one->n - 1];
	pid_t pid = start(work_sleep);

	snprintf(proc, sizeof(proc), "/proc/%d/cgroup", (int)pid);
	ok(cg_create(one, "vc0/job-1", &err));
	ok(cg_group(last, "vc0/job-1", group));
	assert_int_equal(unlinkat(last->fd, group, AT_REMOVEDIR), 0);
	assert_true(file_read_all(AT_FDCWD, proc, 65536, &before) > 0);
	refused(cg_attach(one, "vc0/job-1", pid, &err), ENOENT);
	assert_true(file_read_all(AT_FDCWD, proc, 65536, &after) > 0);
	assert_string_equal(after, before);
	ok(cg_create(one, "vc0/job-1", &err));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	refused(cg_attach(one, "vc0/job-1", pid, &err), ESRCH);
	assert_int_equal(cg_of_pid(one, pid, proc, sizeof(proc)), -ESRCH);
}

static void work_family(void)
{
	signal(SIGTERM, SIG_IGN);
	for (int i = 0; i < 5; i++) {
		if (fork() == 0) {
			setsid();
			work_sleep();
		}
	}
	/* Forks as fast as it can, so that a single round of signals is not enough. */
	for (;;) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
}

static void test_kill(void **state)
{
	struct cg_entry *entry;
	int entered = 99;
	pid_t pid, stopped;

	ok(cg_create(one, "vc0/job-1", &err));
	ok(cg_create(one, "vc0/job-2", &err));
	ok(cg_entry_open(one, "vc0/job-1", &entry, &err));
	pid = cg_entry_fork(entry, &entered);
	if (pid == 0)
		work_family();
	cg_entry_free(entry);
	stopped = start(work_sleep);
	ok(cg_attach(one, "vc0/job-2", stopped, &err));
	kill(stopped, SIGSTOP);
	assert_true(eventually(count_in(one, "vc0") >= 7));
	refused(cg_remove(one, "vc0", &err), EBUSY);
	assert_true(cg_exists(one, "vc0/job-1"));
	ok(cg_kill(one, "vc0", WAIT_USEC, &err));
	assert_int_equal(count_in(one, "vc0"), 0);
	ok(cg_kill(one, "vc0", WAIT_USEC, &err));
	/* Their zombies, which nobody has waited for, do not hold the group. */
	ok(cg_remove(one, "vc0", &err));
	assert_int_equal(waitpid(stopped, &entered, 0), stopped);
	assert_int_equal(WTERMSIG(entered), SIGKILL);
	waitpid(pid, NULL, 0);
	ok(cg_kill(one, "vc0", 0, &err));
}

static void test_no_suicide(void **state)
{
	int status;
	pid_t pid;

	ok(cg_create(one, "vc0", &err));
	pid = fork();
	if (pid == 0) {
		int r = cg_attach(one, "vc0", 0, &err);

		_exit(r == 0 ? -cg_kill(one, "vc0", 0, &err) : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EDEADLK);
}

static void test_two_instances(void **state)
{
	enum cg_exclusive obtained;
	pid_t a = start(work_sleep), b = start(work_sleep);

	ok(cg_create(one, "vc0/job-1", &err));
	ok(cg_create(two, "vc0/job-1", &err));
	/* The same CPU wanted by both: neither instance is refused. */
	ok(cg_set_cpus(one, "vc0", "0", NULL, true, &obtained, &err));
	ok(cg_set_cpus(two, "vc0", "0", NULL, true, &obtained, &err));
	ok(cg_attach(one, "vc0/job-1", a, &err));
	ok(cg_attach(two, "vc0/job-1", b, &err));
	assert_int_equal(count_in(one, ""), 1);
	ok(cg_kill(one, "", WAIT_USEC, &err));
	ok(cg_remove(one, "", &err));
	assert_false(cg_exists(one, ""));
	assert_group_of(two, b, "vc0/job-1");
	assert_int_equal(kill(b, 0), 0);
}

/* A process inside a job that is given the base line works on the same groups. */
static void test_from_inside(void **state)
{
	int status;
	pid_t pid;

	ok(cg_create(one, "vc0/job-1", &err));
	pid = fork();
	if (pid == 0) {
		struct cg *again;
		char path[64] = "";

		if (cg_attach(one, "vc0/job-1", 0, &err) < 0 ||
		    cg_open("vcrun", cg_base(one), &again, &err) < 0)
			_exit(1);
		if (cg_of_pid(again, 0, path, sizeof(path)) < 0 || strcmp(path, "vc0/job-1"))
			_exit(2);
		_exit(cg_create(again, "vc1/job-2", &err) < 0 ? 3 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(cg_exists(one, "vc1/job-2"));
	assert_false(cg_exists(one, "vc0/job-1/vcrun"));
}

static void put(int dirfd, const char *name, const char *text)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* v2's statistics from a made-up tree: this needs no v2 memory controller. */
static void test_v2_statistics(void **state)
{
	char dir[] = "/tmp/unit-cgroup.XXXXXX", base[128];
	struct cg_memory memory;
	uint64_t usec = 0;
	double pct = -1;
	struct cg *fake;
	int fd;

	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(fd, "vcrun", 0755), 0);
	assert_int_equal(mkdirat(fd, "vcrun/vc0", 0755), 0);
	put(fd, "vcrun/vc0/memory.current", "1000000\n");
	put(fd, "vcrun/vc0/memory.max", "max\n");
	put(fd, "vcrun/vc0/memory.stat",
	    "anon 4096\nfile 900000\nshmem 8192\nfile_mapped 12288\nanon_thp 7\n");
	put(fd, "vcrun/vc0/cpu.stat", "usage_usec 123456\nuser_usec 1\n");
	put(fd, "vcrun/vc0/memory.pressure", "some avg10=12.50 avg60=1.00 avg300=0.00 total=9\n");
	snprintf(base, sizeof(base), "cpuset,memory|2|%s|vcrun", dir);
	ok(cg_open("x", base, &fake, &err));
	ok(cg_memory_read(fake, "vc0", &memory));
	assert_int_equal(memory.used_bytes, 1000000);
	assert_int_equal(memory.rss_bytes, 4096 + 12288);
	assert_true(memory.limit_bytes == CG_NO_LIMIT);
	put(fd, "vcrun/vc0/memory.max", "2097152\n");
	ok(cg_memory_read(fake, "vc0", &memory));
	assert_int_equal(memory.limit_bytes, 2097152);
	ok(cg_cpu_usec(fake, "vc0", &usec));
	assert_int_equal(usec, 123456);
	ok(cg_pressure_pct(fake, "vc0", "memory", &pct));
	assert_true(pct > 12.49 && pct < 12.51);
	assert_int_equal(cg_pressure_pct(fake, "vc0", "io", &pct), -ENOENT);
	cg_free(fake);
	close(fd);
	ok(file_remove_tree(AT_FDCWD, dir));
}

static void test_job_group_names(void **state)
{
	static const struct {
		const char *path;
		int code;
		const char *part;
		unsigned int job;
	} row[] = {
		{ "vc0/job-7", 0, "vc0", 7 },
		{ "vc0/job-7/deeper/still", 0, "vc0", 7 },
		{ "vc0/job-4294967295", 0, "vc0", 4294967295u },
		{ "vc0/job-4294967296", -EINVAL, "", 0 },
		{ "vc0/job-0", -EINVAL, "", 0 },
		{ "vc0/job-", -EINVAL, "", 0 },
		{ "vc0/job--1", -EINVAL, "", 0 },
		{ "vc0/job-7x", -EINVAL, "", 0 },
		{ "/job-7", -EINVAL, "", 0 },
		{ "vc0", -EINVAL, "", 0 },
		{ "shims", -EINVAL, "", 0 },
		{ "a-name-that-is-longer-than-it-may-be/job-1", -EINVAL, "", 0 },
	};
	char buf[64];

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		char part[PARTITION_NAME_MAX] = "";
		unsigned int job = 0;
		int r = partition_parse_group(row[i].path, part, sizeof(part), &job);

		if (r != row[i].code || strcmp(part, row[i].part) || job != row[i].job)
			fail_msg("%s: %d \"%s\" %u, expected %d \"%s\" %u", row[i].path, r, part,
				 job, row[i].code, row[i].part, row[i].job);
	}
	assert_string_equal(partition_job_group("vc1", 12, buf, sizeof(buf)), "vc1/job-12");
}

#define group_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proc_group),
		cmocka_unit_test(test_job_group_names),
		cmocka_unit_test(test_v2_statistics),
		group_test(test_base_line),
		group_test(test_paths),
		group_test(test_create_and_remove),
		group_test(test_remains_are_adopted),
		group_test(test_cpus),
		group_test(test_cpus_hold),
		group_test(test_memory),
		group_test(test_attach_moves_all_threads),
		group_test(test_cpu_time_stays),
		group_test(test_entry),
		group_test(test_attach_is_all_or_nothing),
		group_test(test_kill),
		group_test(test_no_suicide),
		group_test(test_two_instances),
		group_test(test_from_inside),
	};

	/* Orphans of a job come to us, so that nothing outlives the test. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (setup(NULL) < 0 || cg_create(one, "probe", &err) < 0) {
		printf("SKIP: cannot make groups here: %s\n", err.text);
		teardown(NULL);
		return SKIPPED;
	}
	if (teardown(NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
