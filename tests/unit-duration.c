// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-duration.c - lengths of time as people write them
 */
#include "common/duration.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_good(void **state)
{
	static const struct {
		const char *text;
		uint64_t usec;
	} row[] = {
		{ "0", 0 },
		{ "5", 5000000 },
		{ "1.5", 1500000 },
		{ "7us", 7 },
		{ "500ms", 500000 },
		{ "500 ms", 500000 },
		{ " 2s ", 2000000 },
		{ "1.25s", 1250000 },
		{ "3 min", 180000000 },
		{ "1min 30s", 90000000 },
		{ "1min30s", 90000000 },
		{ "2h", 7200000000 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		uint64_t usec = UINT64_MAX;

		if (duration_parse(row[i].text, &usec) != 0 || usec != row[i].usec)
			fail_msg("\"%s\": got %llu, expected %llu", row[i].text,
				 (unsigned long long)usec, (unsigned long long)row[i].usec);
	}
}

static void test_bad(void **state)
{
	static const char *const row[] = { "",     " ",    "s",    "ms",    "-1",
					   "-1s",  "+1s",  "1x",   "1 s x", "0x10",
					   "1e3",  "inf",  "nan",  "1.s",   ".5s",
					   "1,5s", "1s 5", "5 1s", "1S",    "99999999999999h" };

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		uint64_t usec = 42;

		if (duration_parse(row[i], &usec) >= 0 || usec != 42)
			fail_msg("\"%s\" was taken for %llu", row[i], (unsigned long long)usec);
	}
}

static void test_about(void **state)
{
	static const struct {
		uint64_t usec;
		const char *text;
	} row[] = { { 0, "0 ms" },          { 1, "1 ms" },         { 349001, "350 ms" },
		    { 1000000, "1 s" },     { 3600000, "4 s" },    { 90000000, "90 s" },
		    { 120000000, "2 min" }, { 387000000, "6 min" } };
	char buf[32];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_string_equal(duration_about(row[i].usec, buf, sizeof(buf)), row[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
