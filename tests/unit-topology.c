// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-topology.c - cutting machines that are not here, and lists of CPUs
 *
 * hwloc builds the machine that HWLOC_SYNTHETIC describes, so the cuts are tested
 * on machines of any shape.
 */
#include "partition/topology.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "partition/cpulist.h"

static void test_split(void **state)
{
	static const struct {
		const char *machine;
		size_t n;
		const char *along; /* NULL: refused */
		const char *want;  /* "cpus@mems" of each part */
	} row[] = {
		{ "numa:2 l3:2 core:4 pu:2", 0, "NUMA node", "0-15@0 16-31@1" },
		{ "numa:2 l3:2 core:4 pu:2", 2, "NUMA node", "0-15@0 16-31@1" },
		{ "numa:2 l3:2 core:4 pu:2", 1, "NUMA node", "0-31@0-1" },
		{ "numa:2 l3:2 core:4 pu:2", 4, "L3 cache", "0-7@0 8-15@0 16-23@1 24-31@1" },
		{ "numa:2 l3:2 core:4 pu:2", 3, "L3 cache", "0-7@0 8-23@0-1 24-31@1" },
		{ "numa:2 l3:2 core:4 pu:2", 8, "core",
		  "0-3@0 4-7@0 8-11@0 12-15@0 16-19@1 20-23@1 24-27@1 28-31@1" },
		{ "numa:4 core:2 pu:1", 2, "NUMA node", "0-3@0-1 4-7@2-3" },
		{ "l3:2 core:3 pu:2", 0, "L3 cache", "0-5@0 6-11@0" },
		{ "l3:1 core:2 pu:2", 0, "core", "0-1@0 2-3@0" },
		{ "l3:1 core:2 pu:2", 3, "hardware thread", "0@0 1-2@0 3@0" },
		{ "l3:1 core:2 pu:2", 4, "hardware thread", "0@0 1@0 2@0 3@0" },
		{ "l3:1 core:2 pu:2", 5, NULL, NULL },
		{ "pu:1", 0, "NUMA node", "0@0" },
		{ "pu:1", 2, NULL, NULL },
		{ "pu:3", 0, "hardware thread", "0-1@0 2@0" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct topology_part *parts = NULL;
		struct vc_err err = { 0 };
		const char *along = "";
		char got[512] = "";
		size_t n = 0;
		int r;

		setenv("HWLOC_SYNTHETIC", row[i].machine, 1);
		r = topology_split(row[i].n, &parts, &n, &along, &err);
		if (!row[i].along) {
			if (r != -EINVAL)
				fail_msg("row %zu: %d, expected %d", i, r, -EINVAL);
			continue;
		}
		if (r < 0)
			fail_msg("row %zu: %d: %s", i, r, err.text);
		for (size_t k = 0; k < n; k++) {
			size_t len = strlen(got);

			snprintf(got + len, sizeof(got) - len, "%s%s@%s", k ? " " : "",
				 parts[k].cpus, parts[k].mems);
		}
		if (strcmp(got, row[i].want) || strcmp(along, row[i].along))
			fail_msg("row %zu: \"%s\" along %s, expected \"%s\" along %s", i, got,
				 along, row[i].want, row[i].along);
		topology_free(parts, n);
	}
	unsetenv("HWLOC_SYNTHETIC");
}

/* The machine at hand: all its CPUs that we may use, each in one part. */
static void test_split_here(void **state)
{
	struct topology_part *parts = NULL;
	struct vc_err err = { 0 };
	struct cpulist all = { 0 }, set, online;
	const char *along;
	char text[4096];
	size_t n = 0;

	if (topology_split(0, &parts, &n, &along, &err) < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(cpulist_parse(parts[i].cpus, &set), 0);
		assert_false(cpulist_overlap(&all, &set));
		cpulist_join(&all, &set);
		if (topology_check_cpus(parts[i].cpus, NULL, 0, NULL, &err) < 0 ||
		    topology_check_mems(parts[i].mems, NULL, 0, &err) < 0)
			fail_msg("part %zu: %s", i, err.text);
	}
	topology_free(parts, n);
	assert_true(file_read(AT_FDCWD, "/sys/devices/system/cpu/online", text, sizeof(text)) > 0);
	assert_int_equal(cpulist_parse(text, &online), 0);
	cpulist_subtract(&all, &online);
	assert_int_equal(cpulist_count(&all), 0);
}

static void test_mems_of(void **state)
{
	static const struct {
		const char *cpus;
		int code;
		const char *mems;
	} row[] = {
		{ "0", 0, "0" },     { "3", 0, "0" },  { "4", 0, "1" },      { "3-4", 0, "0-1" },
		{ "0,8", 0, "0,2" }, { "", 0, "0-2" }, { "x", -EINVAL, "" },
	};

	setenv("HWLOC_SYNTHETIC", "numa:3 core:4 pu:1", 1);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct vc_err err = { 0 };
		char mems[64] = "";
		int r = topology_mems_of(row[i].cpus, mems, sizeof(mems), &err);

		if (r != row[i].code || strcmp(mems, row[i].mems))
			fail_msg("\"%s\": %d \"%s\", expected %d \"%s\"", row[i].cpus, r, mems,
				 row[i].code, row[i].mems);
	}
	assert_int_equal(topology_mems_of("0,4,8", (char[2]){ "" }, 2, NULL), -ENAMETOOLONG);
	unsetenv("HWLOC_SYNTHETIC");
}

static void test_lists(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *canonical;
		size_t n;
	} row[] = {
		{ "0", 0, "0", 1 },
		{ "0-3,8", 0, "0-3,8", 5 },
		{ "8,3,2,1,0", 0, "0-3,8", 5 },
		{ "0-3,2-5", 0, "0-5", 6 },
		{ " 1 , 3\n", 0, "1,3", 2 },
		{ "63-64,128", 0, "63-64,128", 3 },
		{ "8191", 0, "8191", 1 },
		{ "", 0, "", 0 },
		{ "\n", 0, "", 0 },
		{ "8192", -EINVAL, "", 0 },
		{ "99999999999999999999", -EINVAL, "", 0 },
		{ "3-1", -EINVAL, "", 0 },
		{ "1-", -EINVAL, "", 0 },
		{ "-1", -EINVAL, "", 0 },
		{ "1,", -EINVAL, "", 0 },
		{ ",1", -EINVAL, "", 0 },
		{ "1 2", -EINVAL, "", 0 },
		{ "0-7:2/4", -EINVAL, "", 0 },
		{ "all", -EINVAL, "", 0 },
		{ "+1", -EINVAL, "", 0 },
	};
	struct cpulist set;
	char small[6];

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		char got[64] = "";
		size_t n = 0;
		int r = cpulist_parse(row[i].text, &set);

		if (r == 0) {
			assert_int_equal(cpulist_format(&set, got, sizeof(got)), 0);
			n = cpulist_count(&set);
		}
		if (r != row[i].code || strcmp(got, row[i].canonical) || n != row[i].n)
			fail_msg("\"%s\": %d \"%s\" %zu, expected %d \"%s\" %zu", row[i].text, r,
				 got, n, row[i].code, row[i].canonical, row[i].n);
	}
	assert_int_equal(cpulist_parse("0-3,8", &set), 0);
	assert_int_equal(cpulist_format(&set, small, sizeof(small)), 0);
	assert_int_equal(cpulist_format(&set, small, sizeof(small) - 1), -ENAMETOOLONG);
	assert_int_equal(cpulist_next(&set, 4), 8);
	assert_int_equal(cpulist_next(&set, 9), -1);
	assert_int_equal(cpulist_next(&set, CPULIST_MAX), -1);
}

static void test_overlap(void **state)
{
	static const struct {
		const char *a, *b;
		int want;
	} row[] = {
		{ "0-3", "4-7", 0 },     { "0-3", "3", 1 }, { "0,2,4", "1,3,4095", 0 },
		{ "4095", "0-4095", 1 }, { "", "0", 0 },    { "x", "0", -EINVAL },
		{ "0", "x", -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		int r = topology_overlap(row[i].a, row[i].b);

		if (r != row[i].want)
			fail_msg("\"%s\" and \"%s\": %d, expected %d", row[i].a, row[i].b, r,
				 row[i].want);
	}
}

static void test_check(void **state)
{
	struct vc_err err = { 0 };
	char list[64] = "";
	size_t n = 0;

	assert_int_equal(topology_check_cpus("0,0", list, sizeof(list), &n, &err), 0);
	assert_string_equal(list, "0");
	assert_int_equal(n, 1);
	assert_int_equal(topology_check_cpus("0,8191", list, sizeof(list), &n, &err), -EINVAL);
	if (!strstr(err.text, "no CPU 8191"))
		fail_msg("\"%s\", expected it to name CPU 8191", err.text);
	assert_int_equal(topology_check_cpus("", list, sizeof(list), &n, &err), -EINVAL);
	assert_int_equal(topology_check_mems("0", list, sizeof(list), &err), 0);
	assert_int_equal(topology_check_mems("8000", list, sizeof(list), &err), -EINVAL);
	if (!strstr(err.text, "no memory node 8000"))
		fail_msg("\"%s\", expected it to name node 8000", err.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),   cmocka_unit_test(test_split_here),
		cmocka_unit_test(test_mems_of), cmocka_unit_test(test_lists),
		cmocka_unit_test(test_overlap), cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
