// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-cgroup.c - our groups, their CPUs and memory, on this machine's hierarchies
 *
 * What needs no kernel (paths, the base line, the names in /proc/PID/cgroup, v2's
 * statistics) is checked from tables. Run on v1, v2 and mixed machines.
 */
#include "partition/cgroup/cgroup.h"

#include "tests/cgroup-fixture.h"

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
		"|2|/|a;|2|/|a;|2|/|a;|2|/|a;|2|/|a;|2|/|a;|2|/|a;|2|/|a;|2|/|a",
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
		int r = cg_group_create(one, bad[i], &err);

		if (r != -EINVAL)
			fail_msg("\"%s\": %d, expected %d", bad[i], r, -EINVAL);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	refused(cg_group_create(one, longest, &err), EINVAL);
	refused(cg_group_remove(one, "..", &err), EINVAL);
	refused(cg_procs_kill(one, "..", 0, &err), EINVAL);
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

	assert_false(cg_group_exists(one, "vc0"));
	ok(cg_group_create(one, "vc0/job-1", &err));
	ok(cg_group_create(one, "vc0/job-2", &err));
	ok(cg_group_create(one, "vc0/job-2", &err));
	assert_true(cg_group_exists(one, "vc0") && cg_group_exists(one, "vc0/job-1"));
	assert_false(cg_group_exists(two, "vc0"));
	ok(cg_group_children(one, "vc0", &names, &n, &err));
	assert_int_equal(n, 2);
	assert_string_equal(names[0], "job-1");
	assert_string_equal(names[1], "job-2");
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
	ok(cg_group_remove(one, "vc0/job-1", &err));
	ok(cg_group_remove(one, "vc0/job-1", &err));
	assert_false(cg_group_exists(one, "vc0/job-1"));
	assert_true(cg_group_exists(one, "vc0/job-2"));
	ok(cg_group_remove(one, "", &err));
	assert_false(cg_group_exists(one, ""));
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

	ok(cg_group_create(one, "vc0/job-1", &err));
	pid = start(work_sleep);
	ok(cg_entry_attach(one, "vc0/job-1", pid, &err));
	ok(cg_group_create(one, "vc0/job-2", &err));
	ok(cg_group_of(&one->hier[0], "vc0/job-2", group));
	assert_int_equal(unlinkat(one->hier[0].fd, group, AT_REMOVEDIR), 0);
	assert_false(cg_group_exists(one, "vc0/job-2"));
	ok(cg_group_create(one, "vc0/job-2", &err));
	assert_true(cg_group_exists(one, "vc0/job-2"));

	ok(partition_create(one, &spec, &obtained, &err));
	assert_int_equal(obtained, CG_SHARED);
	ok(cg_cpus_get(one, "vc0/job-1", cpus, sizeof(cpus), mems, sizeof(mems), &err));
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
	ok(cg_group_create(one, PARTITION_SHIMS_GROUP, &err));
	ok(cg_group_create(one, "vc0/job-1", &err));
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		enum cg_exclusive got = 99, now = 99;
		int r;

		if (i == 4)
			ok(cg_group_create(one, "vc1", &err));
		r = cg_cpus_set(one, row[i].path, row[i].cpus, NULL, row[i].exclusive, &got, &err);
		if (row[i].refused) {
			if (r >= 0 || got != 99)
				fail_msg("row %zu: %d, obtained %d; expected an error", i, r, got);
			continue;
		}
		if (r != 0)
			fail_msg("row %zu: %d: %s", i, r, err.text);
		if (row[i].least == CG_SHARED ? got != CG_SHARED : got < row[i].least)
			fail_msg("row %zu: obtained %d, expected %d", i, got, row[i].least);
		ok(cg_cpus_get_exclusive(one, row[i].path, row[i].exclusive, &now));
		assert_int_equal(now, got);
		ok(cg_cpus_get(one, row[i].path, cpus, sizeof(cpus), mems, sizeof(mems), &err));
		assert_string_equal(cpus, row[i].cpus);
		ok(cg_cpus_get(one, "vc0/job-1", cpus, sizeof(cpus), mems, sizeof(mems), &err));
		if (!strcmp(row[i].path, "vc0"))
			assert_string_equal(cpus, row[i].cpus);
	}
	assert_int_equal(cg_cpus_get(one, "vc0", cpus, 1, mems, sizeof(mems), &err), -ENAMETOOLONG);
	refused(cg_cpus_set(one, "none", "0", NULL, false, &(enum cg_exclusive){ 0 }, &err),
		ENOENT);
}

static void assert_exclusive(const char *path, const char *cpus, bool asked, enum cg_exclusive want)
{
	enum cg_exclusive got = 99;
	int r = cg_cpus_set(one, path, cpus, NULL, asked, &got, &err);

	if (r != 0 || got != want)
		fail_msg("%s with CPUs %s: %d, %s; expected %s: %s", path, cpus, r,
			 partition_exclusive_name(got), partition_exclusive_name(want), err.text);
}

static void assert_now(const char *path, enum cg_exclusive want)
{
	enum cg_exclusive got = 99;

	ok(cg_cpus_get_exclusive(one, path, true, &got));
	if (got != want)
		fail_msg("%s: now %s, expected %s", path, partition_exclusive_name(got),
			 partition_exclusive_name(want));
}

/* Where the kernel can: CPUs that nobody else runs on, and their return. */
static void test_dedicated(void **state)
{
	const struct cg_hier *hier = cg_hier_of(one, CG_CPUSET);
	struct cpulist before, after;
	char cpus[64], mems[64];
	pid_t pid;

	if (!hier || hier->version != 2 || strchr(hier->base, '/') || online_cpus() < 4)
		skip();
	ok(cg_cpus_read_list(hier, "", "cpuset.cpus.effective", &before));
	if (cpulist_count(&before) < 4)
		skip();
	ok(cg_group_create(one, PARTITION_SHIMS_GROUP, &err));
	ok(cg_group_create(one, "vc0/job-1", &err));
	ok(cg_group_create(one, "vc1", &err));
	assert_exclusive("vc0", "1", true, CG_DEDICATED);
	ok(cg_cpus_read_list(hier, "", "cpuset.cpus.effective", &after));
	assert_false(cpulist_has(&after, 1));
	ok(cg_cpus_get(one, PARTITION_SHIMS_GROUP, cpus, sizeof(cpus), mems, sizeof(mems), &err));
	assert_false(topology_overlap(cpus, "1"));
	pid = start(work_sleep);
	ok(cg_entry_attach(one, PARTITION_SHIMS_GROUP, pid, &err));
	ok(cg_entry_attach(one, "vc0/job-1", start(work_sleep), &err));

	/* Changed while jobs run in it. */
	assert_exclusive("vc0", "2", true, CG_DEDICATED);
	ok(cg_cpus_get(one, "vc0/job-1", cpus, sizeof(cpus), mems, sizeof(mems), &err));
	assert_string_equal(cpus, "2");
	/* One that shares with it ends it; without that one it is back. */
	assert_exclusive("vc1", "2", false, CG_SHARED);
	assert_now("vc0", CG_SHARED);
	assert_exclusive("vc1", "1", false, CG_SHARED);
	assert_exclusive("vc0", "2", true, CG_DEDICATED);
	/* What a partition leaves goes back to the rest of the system, so another can be had. */
	assert_exclusive("vc1", "1", true, CG_DEDICATED);
	assert_exclusive("vc0", "0", true, CG_DEDICATED);
	assert_now("vc1", CG_DEDICATED);
	ok(cg_cpus_read_list(hier, "", "cpuset.cpus.effective", &after));
	assert_true(cpulist_count(&after) >= 1);
	assert_exclusive("vc0", "2", true, CG_DEDICATED);
	/* All CPUs to partitions: nothing would be left for the others. */
	ok(cpulist_format(&before, cpus, sizeof(cpus)));
	cpulist_subtract(&before, &(struct cpulist){ .word = { 1u << 2 } });
	ok(cpulist_format(&before, cpus, sizeof(cpus)));
	assert_exclusive("vc1", cpus, true, CG_ADVISORY);
	assert_now("vc0", CG_ADVISORY);
	ok(cg_procs_kill(one, "", WAIT_USEC, &err));
	ok(cg_group_remove(one, "", &err));
	cpulist_add(&before, 2);
	ok(cg_cpus_read_list(hier, "", "cpuset.cpus.effective", &after));
	assert_true(cpulist_equal(&after, &before));
}

/* The kernel really keeps a process on its group's CPUs. */
static void test_cpus_hold(void **state)
{
	enum cg_exclusive obtained;
	cpu_set_t set;
	pid_t pid;

	if (online_cpus() < 2)
		skip();
	ok(cg_group_create(one, "vc0/job-1", &err));
	ok(cg_cpus_set(one, "vc0", "1", NULL, false, &obtained, &err));
	pid = start(work_sleep);
	ok(cg_entry_attach(one, "vc0/job-1", pid, &err));
	assert_int_equal(sched_getaffinity(pid, sizeof(set), &set), 0);
	assert_int_equal(CPU_COUNT(&set), 1);
	assert_true(CPU_ISSET(1, &set));
	ok(cg_cpus_set(one, "vc0", "0", NULL, false, &obtained, &err));
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

	ok(cg_group_create(one, "vc0/job-1", &err));
	ok(cg_memory_read(one, "vc0", &part));
	assert_true(part.limit_bytes == CG_NO_LIMIT);
	ok(cg_memory_set(one, "vc0", 64u << 20, &err));
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
		refused(cg_memory_set(one, "vc0", 8u << 20, &err), EBUSY);
		ok(cg_memory_read(one, "vc0", &part));
		assert_int_equal(part.limit_bytes, 64u << 20);
		assert_int_equal(kill(pid, 0), 0);
	}
	ok(cg_memory_set(one, "vc0", CG_NO_LIMIT, &err));
	ok(cg_memory_read(one, "vc0", &part));
	assert_true(part.limit_bytes == CG_NO_LIMIT);
	assert_true(cg_memory_read(one, "none", &part) < 0);
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
	    "anon 4096\nfile 900000\nshmem 8192\nfile_mapped 12288\nanon_thp 7\n"
	    "inactive_file 800000\nactive_file 60000\nunevictable 4096\n"
	    "slab_reclaimable 5000\nslab_unreclaimable 1000\n");
	put(fd, "vcrun/vc0/cpu.stat", "usage_usec 123456\nuser_usec 1\n");
	put(fd, "vcrun/vc0/memory.pressure", "some avg10=12.50 avg60=1.00 avg300=0.00 total=9\n");
	snprintf(base, sizeof(base), "cpuset,memory|2|%s|vcrun", dir);
	ok(cg_open("x", base, &fake, &err));
	ok(cg_memory_read(fake, "vc0", &memory));
	assert_int_equal(memory.charged_bytes, 1000000);
	assert_int_equal(memory.used_bytes, 1000000 - 800000 - 60000 - 5000);
	assert_int_equal(memory.rss_bytes, 4096 + 12288);
	assert_true(memory.limit_bytes == CG_NO_LIMIT);
	put(fd, "vcrun/vc0/memory.max", "2097152\n");
	ok(cg_memory_read(fake, "vc0", &memory));
	assert_int_equal(memory.limit_bytes, 2097152);
	ok(cg_stat_cpu_usec(fake, "vc0", &usec));
	assert_int_equal(usec, 123456);
	ok(cg_stat_pressure_pct(fake, "vc0", "memory", &pct));
	assert_true(pct > 12.49 && pct < 12.51);
	assert_int_equal(cg_stat_pressure_pct(fake, "vc0", "io", &pct), -ENOENT);
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
		group_test(test_dedicated),
		group_test(test_cpus_hold),
		group_test(test_memory),
	};

	if (!can_make_groups())
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
