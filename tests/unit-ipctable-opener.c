// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-ipctable-opener.c - the table of IPC objects: openers, their counts and the partitions'
 * handles
 */
#include "tests/ipctable-fixture.h"

/* The flows of the patent: a handle for each partition, valid while it has openers. */
static void test_open_close(void **state)
{
	uint64_t id = make(IPC_KIND_EVENT, "alpha"), found = 0;
	uint32_t first;

	ok(entry_find(table, IPC_KIND_EVENT, "alpha", 5, &found));
	assert_int_equal(found, id);
	assert_int_equal(column_of(id, 0).valid, 0);
	count_in(id, 1, 0);
	first = column_of(id, 0).handle;
	assert_int_equal(column_of(id, 0).valid, 1);
	assert_int_not_equal(first, 0);
	assert_int_equal(column_of(id, 1).valid, 0);
	count_in(id, 2, 0);
	assert_int_equal(column_of(id, 0).handle, first);
	assert_int_equal(column_of(id, 0).openers, 2);
	count_in(id, 3, 1);
	assert_int_equal(column_of(id, 1).valid, 1);
	assert_int_not_equal(column_of(id, 1).handle, first);
	ok(opener_count_out(table, id, 1, 0));
	assert_int_equal(column_of(id, 0).valid, 1);
	ok(opener_count_out(table, id, 2, 0));
	assert_int_equal(column_of(id, 0).valid, 0);
	refused(idle(100, &found), ENOENT);
	ok(opener_count_out(table, id, 3, 0));
	ok(idle(100, &found));
	assert_int_equal(found, id);
	/* Given out once for each look. */
	refused(idle(100, &found), ENOENT);
	ok(entry_remove(table, id));
	assert_int_equal(used(), 0);
	refused(entry_find(table, IPC_KIND_EVENT, "alpha", 5, &found), ENOENT);
	refused(entry_remove(table, id), ENOENT);
}

static void test_counts(void **state)
{
	uint64_t id = make(IPC_KIND_SEM, "counted");
	struct table_opener who = opener(7, 2);
	struct table_object object;

	ok(opener_count_in(table, id, &who, 1, 11, TABLE_UNLIMITED, &err));
	ok(opener_count_in(table, id, &who, 1, 11, TABLE_UNLIMITED, &err)); /* the same request */
	ok(entry_get(table, id, &object));
	assert_int_equal(object.n_open, 1);
	ok(opener_count_in(table, id, &who, 1, 12, TABLE_UNLIMITED, &err));
	ok(opener_count_in(table, id, &who, 3, 13, TABLE_UNLIMITED, &err));
	assert_int_equal(column_of(id, 2).openers, 5);
	ok(opener_count_out(table, id, 7, 14));
	ok(opener_count_out(table, id, 7, 14));
	assert_int_equal(column_of(id, 2).openers, 4);
	refused(opener_count_out(table, id, 8, 0), EBADF);
	refused(opener_count_out(table, id + 1, 7, 0), EBADF);
	ok(opener_drop(table, 7));
	assert_int_equal(column_of(id, 2).openers, 0);
	refused(opener_count_out(table, id, 7, 0), EBADF);
	ok(opener_drop(table, 7));
	who.column = COLUMNS;
	refused(opener_count_in(table, id, &who, 1, 0, TABLE_UNLIMITED, &err), EINVAL);
	ok(entry_remove(table, id));
	who.column = 0;
	refused(opener_count_in(table, id, &who, 1, 0, TABLE_UNLIMITED, &err), ENOENT);
}

static void test_leave(void **state)
{
	uint64_t id = make(IPC_KIND_SYSV_SEM, "left"), other = make(IPC_KIND_SYSV_SEM, "kept");

	refused(opener_leave(table, id, 1), EBADF);
	count_in(id, 1, 0);
	count_in(id, 1, 0);
	count_in(id, 2, 1);
	count_in(other, 1, 0);
	ok(opener_leave(table, id, 1));
	ok(check_table(table, &err));
	refused(opener_leave(table, id, 1), EBADF);
	refused(opener_count_out(table, id, 1, 0), EBADF);
	ok(opener_count_out(table, id, 2, 0));
	ok(opener_count_out(table, other, 1, 0));
	refused(opener_leave(table, UINT64_MAX, 1), EBADF);
}

static void test_limits(void **state)
{
	struct table_object object = object_named(IPC_KIND_EVENT, "");
	struct table_opener who = opener(5, 0);
	uint64_t a = 0, b = 0, c = 0;

	refused(entry_make(table, &object, 0, &a, &err), EDQUOT);
	ok(entry_make(table, &object, 2, &a, &err));
	ok(entry_make(table, &object, 2, &b, &err));
	refused(entry_make(table, &object, 2, &c, &err), EDQUOT);
	object.cuid = 11; /* another's objects do not count */
	ok(entry_make(table, &object, 2, &c, &err));
	ok(entry_made(table, a));
	ok(entry_made(table, b));
	ok(entry_made(table, c));
	/* What is given away counts for who made it still. */
	ok(entry_set_owner(table, a, 11, 12, 0600));
	object.cuid = 10;
	refused(entry_make(table, &object, 2, &c, &err), EDQUOT);
	ok(entry_get(table, a, &object));
	assert_int_equal(object.uid, 11);
	assert_int_equal(object.gid, 12);
	assert_int_equal(object.mode, 0600);

	ok(opener_count_in(table, a, &who, 1, 0, 1, &err));
	ok(opener_count_in(table, a, &who, 1, 0, 1, &err)); /* the same object once more */
	refused(opener_count_in(table, b, &who, 1, 0, 1, &err), EDQUOT);
	ok(opener_count_in(table, b, &who, 1, 0, 2, &err));
	who = opener(6, 0);
	refused(opener_count_in(table, b, &who, 1, 0, 2, &err), EDQUOT);
	refused(entry_set_owner(table, UINT64_MAX, 1, 1, 0), ENOENT);
}

static void test_too_often(void **state)
{
	uint64_t id = make(IPC_KIND_EVENT, "much");
	struct table_opener who = opener(5, 0);

	ok(opener_count_in(table, id, &who, INT32_MAX, 0, TABLE_UNLIMITED, &err));
	refused(opener_count_in(table, id, &who, 1, 0, TABLE_UNLIMITED, &err), EDQUOT);
	ok(opener_drop(table, 5));
}

static void test_openers(void **state)
{
	uint64_t a = make(IPC_KIND_SEM, "a"), b = make(IPC_KIND_SEM, "b"), id, cursor = 0, ids = 0;
	struct table_opener found;
	uint32_t count, at = 0, n = 0;

	count_in(a, 1, 0);
	count_in(b, 1, 0);
	count_in(b, 1, 0);
	count_in(b, 2, 1);
	ok(opener_find(table, 1, &found));
	assert_int_equal(found.n_objects, 2);
	assert_int_equal(found.start, 1001);
	refused(opener_find(table, 3, &found), ENOENT);
	while (opener_next_object(table, 1, &cursor, &id, &count) == 0) {
		assert_int_equal(count, id == a ? 1 : 2);
		ids += id;
	}
	assert_int_equal(ids, a + b);
	cursor = 0;
	refused(opener_next_object(table, 3, &cursor, &id, &count), ENOENT);
	while (opener_next(table, &at, &found) == 0)
		n += (uint32_t)found.pid;
	assert_int_equal(n, 3);
	/* An object that is removed takes its openers along. */
	ok(entry_remove(table, b));
	refused(opener_find(table, 2, &found), ENOENT);
	ok(opener_find(table, 1, &found));
	assert_int_equal(found.n_objects, 1);
}

/* A partition's handle leads to the object, while it is valid, and in that partition only. */
static void test_handles(void **state)
{
	uint64_t id = make(IPC_KIND_EVENT, "one"), other = make(IPC_KIND_SEM, "other"), found = 0;
	uint32_t here, there, again;

	count_in(id, 1, 0);
	count_in(id, 2, 1);
	count_in(other, 1, 0);
	here = column_of(id, 0).handle;
	there = column_of(id, 1).handle;
	assert_int_not_equal(here, there);
	ok(entry_find_handle(table, 0, here, &found));
	assert_int_equal(found, id);
	ok(entry_find_handle(table, 1, there, &found));
	assert_int_equal(found, id);
	ok(entry_find_handle(table, 0, column_of(other, 0).handle, &found));
	assert_int_equal(found, other);
	assert_int_equal(entry_find_handle(table, 1, here, &found), -ENOENT);
	assert_int_equal(entry_find_handle(table, 2, here, &found), -ENOENT);
	assert_int_equal(entry_find_handle(table, UINT32_MAX, here, &found), -ENOENT);
	for (uint32_t i = 0; i < ENTRIES; i++) /* without a count */
		assert_int_equal(entry_find_handle(table, 0, i, &found), -ENOENT);
	assert_int_equal(entry_find_handle(table, 0, UINT32_MAX, &found), -ENOENT);
	/* It goes over with the last opener, and ends with it. */
	ok(opener_move(table, 1, 2, 42, 555));
	assert_int_equal(entry_find_handle(table, 0, here, &found), -ENOENT);
	ok(entry_find_handle(table, 2, here, &found));
	assert_int_equal(found, id);
	ok(opener_drop(table, 1));
	assert_int_equal(entry_find_handle(table, 2, here, &found), -ENOENT);
	/* The next one is another, even if the entry is. */
	ok(entry_remove(table, id));
	assert_int_equal(entry_find_handle(table, 1, there, &found), -ENOENT);
	id = make(IPC_KIND_EVENT, "one");
	for (int i = 0; i < 300; i++) {
		count_in(id, 3, 1);
		again = column_of(id, 1).handle;
		assert_int_not_equal(again, 0);
		ok(entry_find_handle(table, 1, again, &found));
		assert_int_equal(found, id);
		ok(opener_count_out(table, id, 3, 0));
		assert_int_equal(entry_find_handle(table, 1, again, &found), -ENOENT);
	}
	assert_int_not_equal(again, there);
}

/* The handle goes from the source's column to the target's. */
static void test_move(void **state)
{
	uint64_t id = make(IPC_KIND_MQ, "moved");
	uint64_t changes = table_changes(table, 1);
	struct table_opener found;
	uint32_t handle;

	count_in(id, 1, 0);
	count_in(id, 1, 0);
	handle = column_of(id, 0).handle;
	ok(opener_move(table, 1, 1, 42, 555));
	assert_int_equal(column_of(id, 0).valid, 0);
	assert_int_equal(column_of(id, 0).openers, 0);
	assert_int_equal(column_of(id, 1).valid, 1);
	assert_int_equal(column_of(id, 1).handle, handle);
	assert_int_equal(column_of(id, 1).openers, 2);
	assert_true(table_changes(table, 1) > changes);
	ok(opener_find(table, 1, &found));
	assert_int_equal(found.column, 1);
	assert_int_equal(found.job, 42);
	assert_int_equal(found.start, 555);
	/* One of two goes; the one that stays keeps its partition's handle. */
	count_in(id, 2, 1);
	ok(opener_move(table, 1, 2, 42, 556));
	assert_int_equal(column_of(id, 1).handle, handle);
	assert_int_equal(column_of(id, 1).openers, 1);
	assert_int_equal(column_of(id, 2).openers, 2);
	ok(opener_move(table, 1, 2, 42, 557)); /* to where it is */
	assert_int_equal(column_of(id, 2).openers, 2);
	refused(opener_move(table, 9, 2, 42, 1), ENOENT);
	refused(opener_move(table, 1, COLUMNS, 42, 1), EINVAL);
	ok(opener_count_out(table, id, 1, 0));
	ok(opener_count_out(table, id, 1, 0));
	assert_int_equal(column_of(id, 2).valid, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE_TEST(test_open_close), TABLE_TEST(test_counts),    TABLE_TEST(test_leave),
		TABLE_TEST(test_limits),     TABLE_TEST(test_too_often), TABLE_TEST(test_openers),
		TABLE_TEST(test_handles),    TABLE_TEST(test_move),
	};

	return run_table_tests(tests);
}
