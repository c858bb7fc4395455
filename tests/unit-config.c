// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-config.c - vcrun.conf: what is read, and what each mistake is answered with
 */
#include "partition/config/config.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "partition/cgroup/cgroup.h"

static char dir[64], file[80];

static int setup(void **state)
{
	strcpy(dir, "/tmp/unit-config.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/conf", dir);
	return 0;
}

static int teardown(void **state)
{
	unlink(file);
	return rmdir(dir);
}

static void put(const char *text)
{
	FILE *out = fopen(file, "we");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static struct config *read_good(const char *text)
{
	struct config *config = NULL;
	struct vc_err err = { 0 };
	int r;

	put(text);
	r = config_read(file, &config, &err);
	if (r != 0)
		fail_msg("%d, expected 0: %s", r, err.text);
	return config;
}

static void test_defaults(void **state)
{
	static const char *const empty[] = { NULL, "", "# nothing but a comment\n" };

	for (size_t i = 0; i < ARRAY_SIZE(empty); i++) {
		struct config *config = NULL;

		if (empty[i])
			config = read_good(empty[i]);
		else
			assert_int_equal(config_read(NULL, &config, NULL), 0);
		assert_string_equal(config->policy, "leastcpu");
		assert_null(config->criu);
		assert_null(config->policy_path);
		assert_int_equal(config->sample_interval_msec, 250);
		assert_int_equal(config->max_jobs_per_user, 1000);
		assert_int_equal(config->move_max_stop_usec, 60000000);
		assert_int_equal(config->images_per_user_bytes, 0);
		assert_int_equal(config->ipc_entries, 1 << 20);
		assert_int_equal(config->ipc_objects_per_user, 100000);
		assert_true(config->exclusive);
		assert_false(config->overcommit);
		assert_int_equal(config->n_parts, 0);
		config_free(config);
	}
}

static void test_whole_file(void **state)
{
	struct config *config = read_good("policy = \"roundrobin\"\n"
					  "sample-interval-msec = 100\n"
					  "max-jobs-per-user = 7\n"
					  "move-max-stop = \"1.5s\"\n"
					  "images-per-user = \"1.5G\"\n"
					  "ipc-entries = 4096\n"
					  "ipc-objects-per-user = 16\n"
					  "criu = \"/opt/criu\"\n"
					  "policy-path = \"/opt/policies\"\n"
					  "partition zeta {\n"
					  "  cpus = \"0,0\"\n"
					  "  mems = \"0\"\n"
					  "  memory = \"64M\"\n"
					  "}\n"
					  "partition alpha-2 {\n"
					  "  cpus = \"0\"\n"
					  "  exclusive = yes\n"
					  "}\n"
					  "exclusive = false\n");

	assert_string_equal(config->policy, "roundrobin");
	assert_string_equal(config->criu, "/opt/criu");
	assert_string_equal(config->policy_path, "/opt/policies");
	assert_int_equal(config->sample_interval_msec, 100);
	assert_int_equal(config->max_jobs_per_user, 7);
	assert_int_equal(config->move_max_stop_usec, 1500000);
	assert_int_equal(config->images_per_user_bytes, UINT64_C(3) << 29);
	assert_int_equal(config->ipc_entries, 4096);
	assert_int_equal(config->ipc_objects_per_user, 16);
	assert_false(config->exclusive);
	assert_int_equal(config->n_parts, 2);
	assert_string_equal(config->parts[0].name, "zeta");
	assert_string_equal(config->parts[0].cpus, "0");
	assert_string_equal(config->parts[0].mems, "0");
	assert_int_equal(config->parts[0].memory_bytes, 64u << 20);
	assert_false(config->parts[0].exclusive);
	assert_string_equal(config->parts[1].name, "alpha-2");
	assert_string_equal(config->parts[1].mems, "0");
	assert_true(config->parts[1].memory_bytes == CG_NO_LIMIT);
	assert_true(config->parts[1].exclusive);
	config_free(config);
}

/* Two exclusive partitions may not share a CPU; one that is not may. */
static void test_shared_cpu_is_allowed(void **state)
{
	struct config *config = read_good("partition a { cpus = \"0\" }\n"
					  "partition b { cpus = \"0\"\n exclusive = false }\n");

	assert_int_equal(config->n_parts, 2);
	config_free(config);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text;
		int line;
		const char *says;
	} row[] = {
		{ "policy = \"x y\"\n", 1, "no policy's name" },
		{ "\n\npolcy = \"x\"\n", 3, "here there are: policy, " },
		{ "partition a {\n cpus = \"0\"\n memroy = \"1G\"\n}\n", 3,
		  "here there are: cpus, " },
		{ "sample-interval-msec = 1\n", 1, "from 10 to 60000, not 1" },
		{ "sample-interval-msec = soon\n", 1, "invalid integer" },
		{ "max-jobs-per-user = 0\n", 1, "from 1 to" },
		{ "images-per-user = \"much\"\n", 1, "give a size" },
		{ "images-per-user = \"0\"\n", 1, "give a size" },
		{ "move-max-stop = \"soon\"\n", 1, "give a time" },
		{ "ipc-entries = 15\n", 1, "from 16 to 16777216" },
		{ "ipc-entries = 16777217\n", 1, "from 16 to 16777216" },
		{ "ipc-objects-per-user = 0\n", 1, "from 1 to" },
		{ "partition ipc { cpus = \"0\" }\n", 1, "uses it itself" },
		{ "criu = \"criu\"\n", 1, "begins with /" },
		{ "exclusive = perhaps\n", 1, "write true or false" },
		{ "partition A {\n cpus = \"0\"\n}\n", 3, "no partition's name" },
		{ "partition a_b { cpus = \"0\" }\n", 1, "no partition's name" },
		{ "partition \"../x\" { cpus = \"0\" }\n", 1, "no partition's name" },
		{ "partition abcdefghijklmnopqrstuvwxyz012345 { cpus = \"0\" }\n", 1,
		  "at most 31" },
		{ "partition shims { cpus = \"0\" }\n", 1, "uses it itself" },
		{ "partition jobs { cpus = \"0\" }\n", 1, "uses it itself" },
		{ "partition a { cpus = \"0\" }\npartition a { cpus = \"0\" }\n", 2, "title" },
		{ "partition a {\n}\n", 2, "has no cpus" },
		{ "partition a {\n cpus = \"8191\"\n}\n", 2, "no CPU 8191" },
		{ "partition a {\n cpus = \"all\"\n}\n", 2, "no list of CPUs" },
		{ "partition a {\n cpus = \"0\"\n mems = \"8000\"\n}\n", 3, "no memory node 8000" },
		{ "partition a {\n cpus = \"0\"\n memory = \"big\"\n}\n", 3, "no size" },
		{ "partition a {\n cpus = \"0\"\n memory = \"0\"\n}\n", 3, "no size" },
		{ "partition a {\n cpus = \"0\"\n memory = \"9999T\"\n}\n", 3,
		  "more than the machine has" },
		{ "partition a { cpus = \"0\" }\npartition b {\n cpus = \"0\"\n\n\n}\n", 3,
		  "both want the same CPU" },
		{ "partition a {\n cpus = \"0\"\n", 2, "no closing }" },
		{ "policy = \n", 2, "" },
		{ "}\n", 1, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct config *config = NULL;
		struct vc_err err = { 0 };
		char where[128];
		int r;

		put(row[i].text);
		r = config_read(file, &config, &err);
		snprintf(where, sizeof(where), "%s:%d: ", file, row[i].line);
		if (r != -EINVAL || config || strncmp(err.text, where, strlen(where)) ||
		    !strstr(err.text, row[i].says))
			fail_msg("row %zu: %d \"%s\", expected %d \"%s… %s\"", i, r, err.text,
				 -EINVAL, where, row[i].says);
	}
}

static void test_no_file(void **state)
{
	struct config *config = NULL;
	struct vc_err err = { 0 };

	assert_int_equal(config_read("/nowhere/vcrun.conf", &config, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nowhere/vcrun.conf"));
}

static void test_parse_size(void **state)
{
	static const struct {
		const char *text;
		int code;
		uint64_t want;
	} row[] = {
		{ "0", 0, 0 },
		{ "123456", 0, 123456 },
		{ "64M", 0, 64u << 20 },
		{ "64m", 0, 64u << 20 },
		{ "1.5G", 0, 3u << 29 },
		{ "0.001K", 0, 1 },
		{ "1T", 0, UINT64_C(1) << 40 },
		{ "max", 0, CG_NO_LIMIT },
		{ "18446744073709551614", 0, UINT64_MAX - 1 },
		{ "18446744073709551615", -EINVAL, 0 },
		{ "18446744073709551616", -EINVAL, 0 },
		{ "99999999T", -EINVAL, 0 },
		{ "1.5", -EINVAL, 0 },
		{ "1.G", -EINVAL, 0 },
		{ ".5G", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 G", -EINVAL, 0 },
		{ "1GB", -EINVAL, 0 },
		{ "G", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		uint64_t got = 0;
		int r = config_size_parse(row[i].text, &got);

		if (r != row[i].code || got != row[i].want)
			fail_msg("\"%s\": %d %" PRIu64 ", expected %d %" PRIu64, row[i].text, r,
				 got, row[i].code, row[i].want);
	}
}

static void test_format_size(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *want;
	} row[] = {
		{ 0, "0" },
		{ 1023, "1023" },
		{ 1024, "1K" },
		{ 1536, "1.5K" },
		{ 1000000, "976.6K" },
		{ 64u << 20, "64M" },
		{ (1u << 20) - 1, "1M" },
		{ 3u << 29, "1.5G" },
		{ UINT64_C(10) << 30, "10G" },
		{ UINT64_C(25276506112), "23.54G" },
		{ UINT64_C(1) << 50, "1024T" },
		{ CG_NO_LIMIT, "max" },
	};
	char buf[32];

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		config_size_format(row[i].bytes, buf, sizeof(buf));
		if (strcmp(buf, row[i].want))
			fail_msg("%" PRIu64 ": \"%s\", expected \"%s\"", row[i].bytes, buf,
				 row[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_whole_file),
		cmocka_unit_test(test_shared_cpu_is_allowed),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_parse_size),
		cmocka_unit_test(test_format_size),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
