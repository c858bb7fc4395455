// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-cgroup-procs.c - real processes in our groups: entering, counting, killing
 */
#include "partition/cgroup/cgroup.h"

#include "tests/cgroup-fixture.h"

static void test_attach_moves_all_threads(void **state)
{
	unsigned int running = 99;
	uint64_t cpu = 0;
	pid_t pid = start(work_threads);

	ok(cg_group_create(one, "vc0/job-1", &err));
	ok(cg_group_create(one, "vc0/job-2", &err));
	ok(cg_entry_attach(one, "vc0/job-1", pid, &err));
	assert_group_of(one, pid, "vc0/job-1");
	assert_int_equal(cg_procs_group(two, pid, (char[64]){ "" }, 64), -ENOENT);
	assert_int_equal(count_in(one, "vc0/job-1"), 1);
	assert_int_equal(count_in(one, ""), 1);
	/* Two spin, the first thread sleeps; all three are there. */
	assert_true(eventually(cg_procs_runnable(one, "vc0", &running) == 0 && running == 2));
	assert_true(eventually(cg_stat_cpu_usec(one, "vc0", &cpu) == 0 && cpu > 50000));
	ok(cg_entry_attach(one, "vc0/job-2", pid, &err));
	ok(cg_procs_runnable(one, "vc0/job-1", &running));
	assert_int_equal(running, 0);
	ok(cg_procs_runnable(one, "vc0/job-2", &running));
	assert_int_equal(running, 2);
	kill(pid, SIGSTOP);
	assert_true(eventually(cg_procs_runnable(one, "", &running) == 0 && running == 0));
}

/* CPU time of a job that is gone stays with its partition. */
static void test_cpu_time_stays(void **state)
{
	uint64_t job = 0, before = 0, after = 0;
	pid_t pid = start(work_spin);

	ok(cg_group_create(one, "vc0/job-1", &err));
	ok(cg_entry_attach(one, "vc0/job-1", pid, &err));
	assert_true(eventually(cg_stat_cpu_usec(one, "vc0/job-1", &job) == 0 && job > 50000));
	ok(cg_procs_kill(one, "vc0/job-1", WAIT_USEC, &err));
	ok(cg_stat_cpu_usec(one, "vc0", &before));
	assert_true(before >= job);
	ok(cg_group_remove(one, "vc0/job-1", &err));
	ok(cg_stat_cpu_usec(one, "vc0", &after));
	assert_true(after >= before);
	assert_true(cg_stat_cpu_usec(one, "vc0/job-1", &after) < 0);
}

static void test_entry(void **state)
{
	static const char *const how[] = { "enter", "fork" };
	struct cg_entry *entry = NULL;

	ok(cg_group_create(one, "vc0/job-1", &err));
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

			ok(cg_group_of(&one->hier[k], "vc0/job-1", group));
			ok(cg_procs_of_hier(&one->hier[k], group, &pids, &n));
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
	ok(cg_group_create(one, "vc0/job-1", &err));
	ok(cg_group_of(last, "vc0/job-1", group));
	assert_int_equal(unlinkat(last->fd, group, AT_REMOVEDIR), 0);
	assert_true(file_read_all(AT_FDCWD, proc, 65536, &before) > 0);
	refused(cg_entry_attach(one, "vc0/job-1", pid, &err), ENOENT);
	assert_true(file_read_all(AT_FDCWD, proc, 65536, &after) > 0);
	assert_string_equal(after, before);
	ok(cg_group_create(one, "vc0/job-1", &err));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	refused(cg_entry_attach(one, "vc0/job-1", pid, &err), ESRCH);
	assert_int_equal(cg_procs_group(one, pid, proc, sizeof(proc)), -ESRCH);
}

/* The last of the hierarchies refuses, after the others have taken the process. */
static void test_attach_is_put_back(void **state)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	const struct cg_hier *cpuset = cg_hier_of(one, CG_CPUSET);
	char group[CG_GROUP_MAX], proc[64], base[4096];
	struct cg *turned = NULL;
	const char *rest;
	pid_t pid;

	if (!cpuset || cpuset->version != 1)
		skip();
	/* The same base groups with cpuset, the first, moved to the end. */
	rest = strchr(cg_base(one), ';');
	assert_non_null(rest);
	snprintf(base, sizeof(base), "%s;%.*s", rest + 1, (int)(rest - cg_base(one)), cg_base(one));
	ok(cg_open("x", base, &turned, &err));
	ok(cg_group_create(one, "vc0/job-1", &err));
	ok(cg_group_of(cpuset, "vc0/job-1", group));
	assert_int_equal(unlinkat(cpuset->fd, group, AT_REMOVEDIR), 0);
	assert_int_equal(mkdirat(cpuset->fd, group, 0755), 0);
	pid = start(work_sleep);
	snprintf(proc, sizeof(proc), "/proc/%d/cgroup", (int)pid);
	assert_true(file_read_all(AT_FDCWD, proc, 65536, &before) > 0);
	refused(cg_entry_attach(turned, "vc0/job-1", pid, &err), ENOSPC);
	assert_true(file_read_all(AT_FDCWD, proc, 65536, &after) > 0);
	assert_string_equal(after, before);
	/* Making it again gives it the CPUs that it lacks. */
	ok(cg_group_create(one, "vc0/job-1", &err));
	ok(cg_entry_attach(turned, "vc0/job-1", pid, &err));
	cg_free(turned);
	kill(pid, SIGKILL);
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

	ok(cg_group_create(one, "vc0/job-1", &err));
	ok(cg_group_create(one, "vc0/job-2", &err));
	ok(cg_entry_open(one, "vc0/job-1", &entry, &err));
	pid = cg_entry_fork(entry, &entered);
	if (pid == 0)
		work_family();
	cg_entry_free(entry);
	stopped = start(work_sleep);
	ok(cg_entry_attach(one, "vc0/job-2", stopped, &err));
	kill(stopped, SIGSTOP);
	assert_true(eventually(count_in(one, "vc0") >= 7));
	refused(cg_group_remove(one, "vc0", &err), EBUSY);
	assert_true(cg_group_exists(one, "vc0/job-1"));
	ok(cg_procs_kill(one, "vc0", WAIT_USEC, &err));
	assert_int_equal(count_in(one, "vc0"), 0);
	ok(cg_procs_kill(one, "vc0", WAIT_USEC, &err));
	/* Their zombies, which nobody has waited for, do not hold the group. */
	ok(cg_group_remove(one, "vc0", &err));
	assert_int_equal(waitpid(stopped, &entered, 0), stopped);
	assert_int_equal(WTERMSIG(entered), SIGKILL);
	waitpid(pid, NULL, 0);
	ok(cg_procs_kill(one, "vc0", 0, &err));
}

static void test_no_suicide(void **state)
{
	int status;
	pid_t pid;

	ok(cg_group_create(one, "vc0", &err));
	pid = fork();
	if (pid == 0) {
		int r = cg_entry_attach(one, "vc0", 0, &err);

		_exit(r == 0 ? -cg_procs_kill(one, "vc0", 0, &err) : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EDEADLK);
}

static void test_two_instances(void **state)
{
	/* v2 gives a dedicated CPU to one of them only. */
	bool exclusive = cg_hier_of(one, CG_CPUSET)->version == 1;
	enum cg_exclusive obtained;
	pid_t a = start(work_sleep), b = start(work_sleep);

	ok(cg_group_create(one, "vc0/job-1", &err));
	ok(cg_group_create(two, "vc0/job-1", &err));
	/* The same CPU wanted by both: neither instance is refused. */
	ok(cg_cpus_set(one, "vc0", "0", NULL, exclusive, &obtained, &err));
	ok(cg_cpus_set(two, "vc0", "0", NULL, exclusive, &obtained, &err));
	ok(cg_entry_attach(one, "vc0/job-1", a, &err));
	ok(cg_entry_attach(two, "vc0/job-1", b, &err));
	assert_int_equal(count_in(one, ""), 1);
	ok(cg_procs_kill(one, "", WAIT_USEC, &err));
	ok(cg_group_remove(one, "", &err));
	assert_false(cg_group_exists(one, ""));
	assert_group_of(two, b, "vc0/job-1");
	assert_int_equal(kill(b, 0), 0);
}

/* A process inside a job that is given the base line works on the same groups. */
static void test_from_inside(void **state)
{
	int status;
	pid_t pid;

	ok(cg_group_create(one, "vc0/job-1", &err));
	pid = fork();
	if (pid == 0) {
		struct cg *again;
		char path[64] = "";

		if (cg_entry_attach(one, "vc0/job-1", 0, &err) < 0 ||
		    cg_open("vcrun", cg_base(one), &again, &err) < 0)
			_exit(1);
		if (cg_procs_group(again, 0, path, sizeof(path)) < 0 || strcmp(path, "vc0/job-1"))
			_exit(2);
		_exit(cg_group_create(again, "vc1/job-2", &err) < 0 ? 3 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(cg_group_exists(one, "vc1/job-2"));
	assert_false(cg_group_exists(one, "vc0/job-1/vcrun"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		group_test(test_attach_moves_all_threads),
		group_test(test_cpu_time_stays),
		group_test(test_entry),
		group_test(test_attach_is_all_or_nothing),
		group_test(test_attach_is_put_back),
		group_test(test_kill),
		group_test(test_no_suicide),
		group_test(test_two_instances),
		group_test(test_from_inside),
	};

	if (!can_make_groups())
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
