// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-plan.c - which of two events comes first, as a table; and that the event table's file has
 * all of it
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/file.h"
#include "partition/change/failure.h"
#include "partition/change/plan.h"
#include "partition/instance.h"

#define SEC UINT64_C(1000000)
#define NOW (1000 * SEC)

/* "asked" sets a and b; "other" sets b, or, where it is said so, c. */
static const struct {
	const char *what;
	enum plan_cause cause; /* of the order for asked */
	bool other_in_force;
	enum plan_cause other_by;
	unsigned int other_hold_sec, changed_sec_ago; /* 0: never */
	bool apart;                                   /* other sets c alone */
	int expected;
} cases[] = {
	{ "nothing is in force", PLAN_BY_LOAD, false, PLAN_BY_FAILOVER, 0, 0, false, 0 },
	{ "load under failover", PLAN_BY_LOAD, true, PLAN_BY_FAILOVER, 0, 0, false, -EAGAIN },
	{ "time under failover", PLAN_BY_TIME, true, PLAN_BY_FAILOVER, 0, 0, false, -EAGAIN },
	{ "failover under failover", PLAN_BY_FAILOVER, true, PLAN_BY_FAILOVER, 0, 0, false, 0 },
	{ "command under failover", PLAN_BY_COMMAND, true, PLAN_BY_FAILOVER, 0, 0, false, 0 },
	{ "load under failover elsewhere", PLAN_BY_LOAD, true, PLAN_BY_FAILOVER, 0, 0, true, 0 },
	{ "load under time", PLAN_BY_LOAD, true, PLAN_BY_TIME, 0, 0, false, -EAGAIN },
	{ "load under command", PLAN_BY_LOAD, true, PLAN_BY_COMMAND, 0, 0, false, -EAGAIN },
	{ "time under command", PLAN_BY_TIME, true, PLAN_BY_COMMAND, 0, 0, false, 0 },
	{ "time under load", PLAN_BY_TIME, true, PLAN_BY_LOAD, 0, 0, false, 0 },
	{ "load under load", PLAN_BY_LOAD, true, PLAN_BY_LOAD, 0, 0, false, 0 },
	{ "failover under time", PLAN_BY_FAILOVER, true, PLAN_BY_TIME, 60, 1, false, 0 },
	{ "load, held", PLAN_BY_LOAD, true, PLAN_BY_LOAD, 5, 4, false, -EAGAIN },
	{ "load, held after going back", PLAN_BY_LOAD, false, PLAN_BY_LOAD, 5, 4, false, -EAGAIN },
	{ "load, held elsewhere", PLAN_BY_LOAD, true, PLAN_BY_LOAD, 5, 4, true, 0 },
	{ "load, not held any more", PLAN_BY_LOAD, true, PLAN_BY_LOAD, 5, 5, false, 0 },
	{ "time, held for loads", PLAN_BY_TIME, true, PLAN_BY_LOAD, 5, 1, false, 0 },
	{ "command, held for loads", PLAN_BY_COMMAND, true, PLAN_BY_LOAD, 5, 1, false, 0 },
};

static void test_first(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct spec_patch asked_sets[] = { { .name = "a" }, { .name = "b" } };
		struct spec_patch other_sets[] = { { .name = "b" } };
		struct plan_event events[] = {
			{ .name = "asked", .after = asked_sets, .n_after = 2 },
			{ .name = "other", .after = other_sets, .n_after = 1 },
		};
		const struct plan plan = { .events = events, .n = 2 };
		const struct plan_order order = { .event = "asked", .cause = cases[i].cause };
		struct vc_err err = { .text = "" };
		int r;

		if (cases[i].apart)
			strcpy(other_sets[0].name, "c");
		events[1].in_force = cases[i].other_in_force;
		events[1].by = cases[i].other_by;
		events[1].hold_msec = cases[i].other_hold_sec * 1000;
		if (cases[i].changed_sec_ago)
			events[1].changed_usec = NOW - cases[i].changed_sec_ago * SEC;
		r = plan_rank_may_go(&plan, &order, NOW, &err);
		if (r != cases[i].expected)
			fail_msg("%s: %d (%s), expected %d", cases[i].what, r, err.text,
				 cases[i].expected);
	}
}

/* An event's own hold counts for it too, and a clock that was set back holds nothing. */
static void test_own(void **state)
{
	struct spec_patch sets = { .name = "a" };
	struct plan_event event = { .name = "asked",
				    .after = &sets,
				    .n_after = 1,
				    .in_force = true,
				    .by = PLAN_BY_FAILOVER,
				    .hold_msec = 5000,
				    .changed_usec = NOW - SEC };
	const struct plan plan = { .events = &event, .n = 1 };
	struct plan_order order = { .event = "asked", .way = PLAN_REVERT, .cause = PLAN_BY_LOAD };

	assert_int_equal(plan_rank_may_go(&plan, &order, NOW, NULL), -EAGAIN);
	assert_int_equal(plan_rank_may_go(&plan, &order, NOW - 2 * SEC, NULL), 0);
	assert_int_equal(plan_rank_may_go(&plan, &order, NOW + 5 * SEC, NULL), 0);
	order.cause = PLAN_BY_TIME;
	assert_int_equal(plan_rank_may_go(&plan, &order, NOW, NULL), 0);
	order.event = "none";
	assert_int_equal(plan_rank_may_go(&plan, &order, NOW, NULL), -ENOENT);
}

static void test_file(void **state)
{
	char dir[] = "/tmp/vcrun-plan.XXXXXX";
	char failover[] = "vc0", reason[] = "put off: because";
	struct plan_event event = {
		.name = "night",
		.fire = { .failover = failover,
			  .failures = FAILURE_BIT(FAILURE_OOM) | FAILURE_BIT(FAILURE_CPUS),
			  .freeze_msec = 2500 },
		.hold_msec = 1234,
		.in_force = true,
		.by = PLAN_BY_FAILOVER,
		.changed_usec = 77 * SEC,
		.last = { .at_usec = 78 * SEC, .cause = PLAN_BY_TIME, .put_off = true },
	};
	const struct plan plan = { .events = &event, .n = 1 };
	struct instance in = { .dir = dir };
	struct plan *read = NULL;
	const struct plan_event *got;

	strcpy(event.last.reason, reason);
	assert_non_null(mkdtemp(dir));
	in.dirfd = open(dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(plan_json_write(&in, &plan, NULL), 0);
	assert_int_equal(plan_json_read(&in, &read, NULL), 0);
	got = plan_find(read, "night", NULL);
	assert_non_null(got);
	assert_int_equal(got->fire.failures, event.fire.failures);
	assert_int_equal(got->fire.freeze_msec, 2500);
	assert_int_equal(got->hold_msec, 1234);
	assert_int_equal(got->by, PLAN_BY_FAILOVER);
	assert_int_equal(got->changed_usec, 77 * SEC);
	assert_int_equal(got->last.cause, PLAN_BY_TIME);
	assert_true(got->last.put_off);
	assert_string_equal(got->last.reason, reason);
	plan_free(read);
	close(in.dirfd);
	assert_int_equal(file_remove_tree(AT_FDCWD, dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
