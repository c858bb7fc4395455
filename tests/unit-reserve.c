// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-reserve - cpu_exclusive on v1, by the kernel's rules, on a machine of eight CPUs that is
 * alone
 *
 * A real machine has neighbours, or two CPUs. So the groups are files here, and every write to them
 * first goes through what cpuset1_validate_change() and cpus_excl_conflict() of the kernel
 * (kernel/cgroup/cpuset*.c) check; what they would refuse is refused with their error.
 * tests/reserve-kept.sh tries the same on the kernel, where that is possible.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "partition/cgroup/priv.h"
#include "partition/partition.h"

#define ALL "0-7"

static char dir[64];
static struct cg *cg;
static const struct cg_hier *hier;

/* --- the kernel ------------------------------------------------------------ */

struct set {
	struct cpulist cpus;
	bool exclusive;
};

static struct set set_of(const char *group)
{
	struct set set = { .exclusive = cg_cpus_v1_is_exclusive(hier, group) };

	if (cg_cpus_read_list(hier, group, "cpuset.cpus", &set.cpus) < 0)
		fail_msg("there is no group '%s'", group);
	return set;
}

static bool set_within(const struct set *a, const struct set *b)
{
	struct cpulist left = a->cpus;

	cpulist_subtract(&left, &b->cpus);
	return cpulist_count(&left) == 0 && a->exclusive <= b->exclusive;
}

static void put(const char *group, const char *file, const char *text)
{
	_cleanup_close_ int fd = -1;
	char path[CG_GROUP_MAX + 64];

	snprintf(path, sizeof(path), "%s%s%s", group, *group ? "/" : "", file);
	fd = openat(hier->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

struct trial {
	const char *group;
	struct set set;
};

static const char *below(const char *group, const char *name, char path[static CG_GROUP_MAX])
{
	snprintf(path, CG_GROUP_MAX, "%s%s%s", group, *group ? "/" : "", name);
	return path;
}

static int check_child(const struct trial *trial, const char *group)
{
	struct set child = set_of(group);

	return set_within(&child, &trial->set) ? 0 : -EBUSY;
}

static int check_sibling(const struct trial *trial, const char *group)
{
	struct set sibling;

	if (!strcmp(group, trial->group))
		return 0;
	sibling = set_of(group);
	return (trial->set.exclusive || sibling.exclusive) &&
			       cpulist_overlap(&trial->set.cpus, &sibling.cpus)
		       ? -EINVAL
		       : 0;
}

static int kernel_check(const struct trial *trial)
{
	char parent[CG_GROUP_MAX];
	struct set above;
	int r = 0;

	CG_FOREACH_CHILD(walk, hier, trial->group)
		r = r == 0 ? check_child(trial, walk.group) : r;
	if (r < 0 || !*trial->group)
		return r;
	cg_group_parent(trial->group, parent);
	above = set_of(parent);
	if (!set_within(&trial->set, &above))
		return -EACCES;
	CG_FOREACH_CHILD(walk, hier, parent)
		r = r == 0 ? check_sibling(trial, walk.group) : r;
	return r;
}

/* What ld's --wrap puts in place of the functions without __wrap_. */
int __wrap_cg_file_write(const struct cg_hier *h, const char *group, const char *file,
			 const char *text);
int __wrap_cg_lib_set(struct cg *c, const struct cg_hier *h, const char *group, const char *file,
		      const char *value, struct vc_err *err);

int __wrap_cg_file_write(const struct cg_hier *h, const char *group, const char *file,
			 const char *text)
{
	struct trial trial = { .group = group };
	int r = 0;

	if (!strcmp(file, "cpuset.cpus") || !strcmp(file, "cpuset.cpu_exclusive")) {
		trial.set = set_of(group);
		if (!strcmp(file, "cpuset.cpus"))
			r = cpulist_parse(text, &trial.set.cpus);
		else
			trial.set.exclusive = !strcmp(text, "1");
		if (r == 0)
			r = kernel_check(&trial);
	}
	/* Unlike the kernel's, these files have to be made shorter. */
	if (r == 0)
		put(group, file, text);
	return r;
}

int __wrap_cg_lib_set(struct cg *c, const struct cg_hier *h, const char *group, const char *file,
		      const char *value, struct vc_err *err)
{
	return __wrap_cg_file_write(h, group, file, value);
}

/* --- the groups ------------------------------------------------------------ */

static void make(const char *group, const char *cpus)
{
	if (*group)
		assert_int_equal(mkdirat(hier->fd, group, 0755), 0);
	put(group, "cpuset.mems", "0");
	put(group, "cgroup.procs", "");
	put(group, "cpuset.cpu_exclusive", *group ? "0" : "1");
	put(group, "cpuset.cpus", cpus);
}

static int setup(void **state)
{
	char base[128];

	strcpy(dir, "/tmp/vcrun-reserve-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(base, sizeof(base), "cpuset|1|%s|vcrun", dir);
	assert_int_equal(cg_open("x", base, &cg, NULL), 0);
	hier = cg_hier_of(cg, CG_CPUSET);
	make("", ALL);
	make("vcrun", ALL);
	make("vcrun/shims", ALL);
	return 0;
}

static int teardown(void **state)
{
	cg_free(cg);
	return file_remove_tree(AT_FDCWD, dir);
}

static void is(const char *group, const char *cpus, bool exclusive)
{
	struct set set = set_of(group);
	char text[256];

	cpulist_format(&set.cpus, text, sizeof(text));
	if (strcmp(text, cpus) != 0 || set.exclusive != exclusive)
		fail_msg("%s has CPUs %s, exclusive: %d; expected %s, %d", *group ? group : "/",
			 text, set.exclusive, cpus, exclusive);
}

/* As the program does it; the partition then has these CPUs, as its own or not. */
static void give(const char *partition, const char *cpus, bool asked, bool kept)
{
	char group[CG_GROUP_MAX];
	enum cg_exclusive got;
	struct vc_err err = { .code = 0 };

	if (cg_cpus_set(cg, partition, cpus, "0", asked, &got, &err) < 0)
		fail_msg("%s: CPUs %s: %s", partition, cpus, err.text);
	is(below("vcrun", partition, group), cpus, kept);
	if ((cg_cpus_get_keeper(cg, partition) != NULL) != kept)
		fail_msg("%s: told to be kept: %d, expected %d", partition, !kept, kept);
}

static void test_alone(void **state)
{
	make("vcrun/a", ALL);
	give("a", "0", true, true);
	is("vcrun", "0,7", true);
	is("vcrun/shims", "7", false);
	/* One more; the base grows with it, and shims stay. */
	make("vcrun/b", "7");
	give("b", "1", true, true);
	is("vcrun", "0-1,7", true);
	is("vcrun/shims", "7", false);
	is("vcrun/a", "0", true);
	/* One that shares is room enough for shims. */
	make("vcrun/c", "7");
	make("vcrun/c/job-1", "7");
	give("c", "2-3", false, false);
	is("vcrun/c/job-1", "2-3", false);
	give("b", "4", true, true);
	is("vcrun", "0,2-4", true);
	is("vcrun/shims", "2-3", false);
	/* Which then wants them as its own: shims find another CPU. */
	give("c", "2-3", true, true);
	is("vcrun", "0,2-4,7", true);
	is("vcrun/shims", "7", false);
	/* Who is told to share gives it up, and has it again. */
	give("c", "0", false, false);
	is("vcrun/a", "0", false);
	is("vcrun/b", "4", true);
	give("a", "0", true, false);
	give("c", "5", false, false);
	give("a", "0", true, true);
	/* Exchanged, as reshape does it. */
	assert_int_equal(cg_cpus_release(cg, "a", NULL), 0);
	assert_int_equal(cg_cpus_release(cg, "b", NULL), 0);
	give("a", "4", false, false);
	give("b", "0", false, false);
	give("a", "4", true, true);
	give("b", "0", true, true);
	is("vcrun/a", "4", true);
	/* Nothing is anybody's own: all is given back. */
	give("a", "4", false, false);
	give("b", "0", false, false);
	is("vcrun", ALL, false);
	is("vcrun/shims", ALL, false);
}

/* Shims run on something; if nothing is left for them, nobody has CPUs as its own. */
static void test_all_are_taken(void **state)
{
	make("vcrun/a", ALL);
	give("a", "0-3", true, true);
	is("vcrun/shims", "7", false);
	make("vcrun/b", "7");
	give("b", "4-7", true, false);
	is("vcrun/a", "0-3", false);
	is("vcrun", ALL, false);
	is("vcrun/shims", ALL, false);
	/* One CPU is left again, and each is set anew. */
	give("b", "4-6", true, true);
	is("vcrun/shims", "0-3", false);
	give("a", "0-3", true, true);
	is("vcrun/b", "4-6", true);
	is("vcrun/shims", "7", false);
	give("a", "0-3,7", true, false);
	is("vcrun/b", "4-6", false);
	is("vcrun/shims", ALL, false);
}

static void test_neighbours(void **state)
{
	make("vcrun/a", ALL);
	make("docker", ALL);
	give("a", "0", true, false);
	is("vcrun", ALL, false);
	is("vcrun/shims", ALL, false);
	/* It has none of these. */
	put("docker", "cpuset.cpus", "5-7");
	give("a", "0", true, true);
	is("vcrun", "0,4", true);
	is("vcrun/shims", "4", false);
	give("a", "5", true, false);
	is("vcrun", ALL, false);
	/* And one that has some as its own. */
	put("docker", "cpuset.cpu_exclusive", "1");
	put("vcrun", "cpuset.cpus", "0-4");
	put("vcrun/a", "cpuset.cpus", "0-4");
	put("vcrun/shims", "cpuset.cpus", "0-4");
	give("a", "0", true, true);
	give("a", "0", false, false);
	is("vcrun", "0,4", false);
	{
		enum cg_exclusive got;
		struct vc_err err;

		assert_int_equal(cg_cpus_set(cg, "a", "6", "0", true, &got, &err), -EACCES);
		is("vcrun/a", "0", false);
	}
}

/* One more instance comes, and nothing is left. */
static void test_other_instances(void **state)
{
	make("vcrun/a", ALL);
	make("vcrunner", "");
	give("a", "0", true, true);
	cg_cpus_v1_ask_instances(hier, "");
	is("vcrun/a", "0", false);
	is("vcrun", "0,7", false);
	put("vcrunner", "cpuset.cpus", "3");
	put("vcrunner", "cpuset.cpu_exclusive", "1");
	cg_cpus_v1_ask_instances(hier, "");
	is("vcrunner", "3", true);
	/* It is tried again with the next change. */
	give("a", "0", true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_are_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_neighbours, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_instances, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
