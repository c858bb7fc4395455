// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-calendar.c - calendar expressions and load conditions: table, and systemd as the judge
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "partition/change/calendar.h"
#include "partition/change/condition.h"

/* Sunday, 22 November 2026, 03:20:30 UTC. */
#define NOW 1795317630

static void next_text(const struct calendar *calendar, time_t after, char *buf, size_t size)
{
	uint64_t usec;
	struct tm tm;
	time_t at;

	if (calendar_next(calendar, (uint64_t)after * 1000000 + 999999, &usec) < 0) {
		snprintf(buf, size, "never");
		return;
	}
	at = (time_t)(usec / 1000000);
	strftime(buf, size, "%F %T", gmtime_r(&at, &tm));
}

static void test_next(void **state)
{
	static const struct {
		const char *text, *want;
	} row[] = {
		{ "22:00", "2026-11-22 22:00:00" },
		{ "03:20:30", "2026-11-23 03:20:30" },
		{ "03:20:31", "2026-11-22 03:20:31" },
		{ "03:20", "2026-11-23 03:20:00" },
		{ "Mon..Fri 06:30", "2026-11-23 06:30:00" },
		{ "sat,sun 01:00", "2026-11-28 01:00:00" },
		{ "Fri..Sun", "2026-11-27 00:00:00" },
		{ "Sunday 04:00", "2026-11-22 04:00:00" },
		{ "*-*-01 00:00:00", "2026-12-01 00:00:00" },
		{ "12-24 18:00", "2026-12-24 18:00:00" },
		{ "02-29", "2028-02-29 00:00:00" },
		{ "2027-01-01", "2027-01-01 00:00:00" },
		{ "2026-11-21", "never" },
		{ "*:0/15", "2026-11-22 03:30:00" },
		{ "*:*:0/7", "2026-11-22 03:20:35" },
		{ "*:5..10", "2026-11-22 04:05:00" },
		{ "*:1,41", "2026-11-22 03:41:00" },
		{ "Mon *-*-1..7 12:00", "2026-12-07 12:00:00" },
		{ "02-30", "never" },
		{ "minutely", "2026-11-22 03:21:00" },
		{ "hourly", "2026-11-22 04:00:00" },
		{ "daily", "2026-11-23 00:00:00" },
		{ "weekly", "2026-11-23 00:00:00" },
		{ "monthly", "2026-12-01 00:00:00" },
		{ "quarterly", "2027-01-01 00:00:00" },
		{ "yearly", "2027-01-01 00:00:00" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct calendar calendar;
		struct vc_err err = { 0 };
		char got[32];

		if (calendar_parse(row[i].text, &calendar, &err) < 0)
			fail_msg("\"%s\": %s", row[i].text, err.text);
		next_text(&calendar, NOW, got, sizeof(got));
		if (strcmp(got, row[i].want) != 0)
			fail_msg("\"%s\": %s, expected %s", row[i].text, got, row[i].want);
	}
}

static void test_mistakes(void **state)
{
	static const char *const wrong[] = {
		"",          " ",      "22",        "25:00",     "22:60",         "22:00:61",
		"Mon..",     "Nonday", "2026-13-1", "*-*-0",     "1-2-3-4",       "1:2:3:4",
		"22:00 Mon", "*:0/0",  "*:5..3",    "22:00 CET", "22:00 UTC UTC", "*-*-* ..",
		"99999-1-1", "1::2",   "-1:00",     "Mon Tue",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct calendar calendar;
		struct vc_err err = { 0 };

		if (calendar_parse(wrong[i], &calendar, &err) != -EINVAL || !*err.text)
			fail_msg("\"%s\" was taken for a time", wrong[i]);
	}
}

/* Berlin: at the end of March 02:00 to 03:00 is not there, in October it is there twice. */
static void test_summer_time(void **state)
{
	struct calendar calendar;
	uint64_t first, second;

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	assert_int_equal(calendar_parse("02:30", &calendar, NULL), 0);
	/* 28 March 2027, 00:00 UTC, is half an hour and more before the jump at 01:00 UTC. */
	assert_int_equal(calendar_next(&calendar, UINT64_C(1806192000000000), &first), 0);
	assert_int_equal(calendar_next(&calendar, first, &second), 0);
	assert_true(first - UINT64_C(1806192000000000) <= UINT64_C(2) * 3600 * 1000000);
	assert_true(second - first >= UINT64_C(22) * 3600 * 1000000);
	/* 31 October 2027, once. */
	assert_int_equal(calendar_next(&calendar, UINT64_C(1824933600000000), &first), 0);
	assert_int_equal(calendar_next(&calendar, first, &second), 0);
	assert_true(second - first >= UINT64_C(23) * 3600 * 1000000);
	setenv("TZ", "UTC", 1);
	tzset();
}

/* systemd-analyze(1) says the same; {} where it is not installed. */
static void test_like_systemd(void **state)
{
	static const char *const same[] = {
		"Mon..Fri 06:30", "*:0/15",           "*-*-01 00:00:00",    "12-24 18:00",
		"Fri..Sun",       "*-02-29 01:02:03", "Tue *-*-1..7 12:00", "*-1/3-1 *:*:0/20",
		"daily",          "quarterly",
	};

	if (system("systemd-analyze --version >/dev/null 2>&1") != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		struct calendar calendar;
		char command[512], theirs[64] = "", ours[32];
		FILE *out;

		snprintf(command, sizeof(command),
			 "TZ=UTC LC_ALL=C systemd-analyze calendar --base-time=@%d '%s' | "
			 "sed -n 's/ *Next elapse: [A-Za-z]* \\(.*\\) UTC/\\1/p'",
			 NOW, same[i]);
		out = popen(command, "r");
		assert_non_null(out);
		if (fgets(theirs, sizeof(theirs), out))
			theirs[strcspn(theirs, "\n")] = '\0';
		pclose(out);
		assert_int_equal(calendar_parse(same[i], &calendar, NULL), 0);
		next_text(&calendar, NOW, ours, sizeof(ours));
		if (strcmp(ours, theirs) != 0)
			fail_msg("\"%s\": %s, systemd says %s", same[i], ours, theirs);
	}
}

static void test_condition(void **state)
{
	static const struct {
		const char *text;
		int code;
		enum condition_metric metric;
		bool above;
		double than;
		uint64_t for_usec;
	} row[] = {
		{ "vc0.cpu > 90% for 30s", 0, CONDITION_CPU, true, 90, 30000000 },
		{ " vc0.memory<12.5%", 0, CONDITION_MEMORY, false, 12.5, 0 },
		{ "vc0.jobs > 3 for 2 min", 0, CONDITION_JOBS, true, 3, 120000000 },
		{ "vc0.runnable > 0 for 1h", 0, CONDITION_RUNNABLE, true, 0, UINT64_C(3600000000) },
		{ "vc0.cpu > 90 for 5", 0, CONDITION_CPU, true, 90, 5000000 },
		{ "vc0.cpus > 90% for 1min", 0, CONDITION_CPUS, true, 90, 60000000 },
		{ "vc0.cpuss > 90%", -EINVAL, 0, false, 0, 0 },
		{ "vc0.jobs > 3%", -EINVAL, 0, false, 0, 0 },
		{ "vc0.cpu = 90", -EINVAL, 0, false, 0, 0 },
		{ "cpu > 90", -EINVAL, 0, false, 0, 0 },
		{ ".cpu > 90", -EINVAL, 0, false, 0, 0 },
		{ "vc0.disk > 90", -EINVAL, 0, false, 0, 0 },
		{ "vc0.cpu > x", -EINVAL, 0, false, 0, 0 },
		{ "vc0.cpu > 90% for", -EINVAL, 0, false, 0, 0 },
		{ "vc0.cpu > 90% for 3 days", -EINVAL, 0, false, 0, 0 },
		{ "vc0.cpu > 90% or so", -EINVAL, 0, false, 0, 0 },
		{ "", -EINVAL, 0, false, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct condition got = { .above = false };
		int r = condition_parse(row[i].text, &got, NULL);

		if (r != row[i].code || got.metric != row[i].metric || got.above != row[i].above ||
		    got.than != row[i].than || got.for_usec != row[i].for_usec)
			fail_msg("\"%s\": %d, metric %d, %d %g for %" PRIu64, row[i].text, r,
				 (int)got.metric, got.above, got.than, got.for_usec);
	}
}

static void test_watch(void **state)
{
	struct condition condition;
	struct condition_watch watch = { 0 };

	assert_int_equal(condition_parse("a.cpu > 50 for 2s", &condition, NULL), 0);
	assert_false(condition_met(&condition, &watch, 60, 1000000));
	assert_false(condition_met(&condition, &watch, 60, 2900000));
	assert_true(condition_met(&condition, &watch, 60, 3000000));
	assert_false(condition_met(&condition, &watch, 99, 9000000)); /* said already */
	assert_false(condition_met(&condition, &watch, 50, 10000000));
	assert_false(condition_met(&condition, &watch, 51, 11000000));
	assert_false(condition_met(&condition, &watch, 40, 12000000)); /* not long enough */
	assert_false(condition_met(&condition, &watch, 51, 12500000));
	assert_true(condition_met(&condition, &watch, 51, 14500000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next),        cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_summer_time), cmocka_unit_test(test_like_systemd),
		cmocka_unit_test(test_condition),   cmocka_unit_test(test_watch),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
