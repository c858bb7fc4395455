// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-ipctable-entry.c - the table of IPC objects: objects: names, ids, flags, limits
 */
#include "tests/ipctable-fixture.h"

static void test_names(void **state)
{
	struct table_object object = object_named(IPC_KIND_MQ, "one");
	char longest[TABLE_NAME_MAX + 2];
	uint64_t id = make(IPC_KIND_EVENT, "one"), found, posix;

	refused(entry_find(table, IPC_KIND_MQ, "one", 3, &found), EPROTOTYPE);
	refused(entry_make(table, &object, TABLE_UNLIMITED, &found, &err), EPROTOTYPE);
	object = object_named(IPC_KIND_EVENT, "one");
	refused(entry_make(table, &object, TABLE_UNLIMITED, &found, &err), EEXIST);
	/* The interposer's kinds have names of their own. */
	posix = make(IPC_KIND_POSIX_MQ, "one");
	ok(entry_find(table, IPC_KIND_POSIX_MQ, "one", 3, &found));
	assert_int_equal(found, posix);
	refused(entry_find(table, IPC_KIND_POSIX_SEM, "one", 3, &found), ENOENT);
	/* What is only a part of a name is another. */
	refused(entry_find(table, IPC_KIND_EVENT, "on", 2, &found), ENOENT);
	refused(entry_find(table, IPC_KIND_EVENT, "", 0, &found), ENOENT);

	memset(longest, 'x', sizeof(longest));
	longest[TABLE_NAME_MAX] = '\0';
	id = make(IPC_KIND_EVENT, longest);
	ok(entry_find(table, IPC_KIND_EVENT, longest, TABLE_NAME_MAX, &found));
	assert_int_equal(found, id);
	refused(entry_find(table, IPC_KIND_EVENT, longest, TABLE_NAME_MAX + 1, &found), ENOENT);
	object.name_len = TABLE_NAME_MAX + 1;
	refused(entry_make(table, &object, TABLE_UNLIMITED, &found, &err), ENAMETOOLONG);
}

static void test_nameless(void **state)
{
	uint64_t a = make(IPC_KIND_SYSV_SHM, ""), b = make(IPC_KIND_SYSV_SHM, ""), found;

	assert_int_not_equal(a, b);
	ok(entry_find_id(table, a, &found));
	assert_int_equal(found, a);
	ok(entry_find_id(table, b & INT32_MAX, &found));
	assert_int_equal(found, b);
	refused(entry_find_id(table, 0, &found), ENOENT);
	refused(entry_find_id(table, UINT64_MAX, &found), ENOENT);
	refused(entry_find_id(table, INT32_MAX, &found), ENOENT);
}

/* An id and its short form are one object's alone, however often its entry is used again. */
static void test_ids(void **state)
{
	uint64_t before = 0, found;

	for (int i = 0; i < 100000; i++) {
		uint64_t id = make(IPC_KIND_SHM, "");

		assert_true(id > INT32_MAX);
		assert_true(id > before);
		assert_int_not_equal(id & INT32_MAX, 0);
		if (before)
			refused(entry_find_id(table, before, &found), ENOENT);
		ok(entry_remove(table, id));
		before = id;
	}
}

static void test_unlink(void **state)
{
	uint64_t first = make(IPC_KIND_SHM, "seg"), second, found;
	struct table_object object;

	count_in(first, 1, 0);
	ok(entry_unlink(table, first));
	refused(entry_find(table, IPC_KIND_SHM, "seg", 3, &found), ENOENT);
	ok(entry_find_id(table, first, &found));
	ok(entry_get(table, first, &object));
	assert_true(object.unlinked);
	assert_string_equal(object.name, "seg");
	second = make(IPC_KIND_SHM, "seg");
	assert_int_not_equal(first, second);
	ok(entry_find(table, IPC_KIND_SHM, "seg", 3, &found));
	assert_int_equal(found, second);
	ok(entry_unlink(table, first)); /* once more is nothing */
	ok(opener_count_out(table, first, 1, 0));
	ok(idle(5, &found)); /* newest first: the second has no opener yet */
	ok(idle(5, &found));
	refused(idle(5, &found), ENOENT);
	refused(entry_unlink(table, UINT64_MAX), ENOENT);
}

static void test_persistent(void **state)
{
	struct table_object object = object_named(IPC_KIND_MQ, "stays");
	uint64_t id, found;

	object.persistent = true;
	ok(entry_make(table, &object, TABLE_UNLIMITED, &id, &err));
	ok(entry_made(table, id));
	refused(idle(1, &found), ENOENT);
	count_in(id, 1, 0);
	ok(opener_count_out(table, id, 1, 0));
	refused(idle(1, &found), ENOENT);
	ok(entry_unlink(table, id));
	ok(idle(1, &found));
	assert_int_equal(found, id);
}

static void test_full(void **state)
{
	struct table_object object = object_named(IPC_KIND_EVENT, "one too many");
	uint64_t ids[ENTRIES], id;
	char name[16];

	for (int i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		ids[i] = make(IPC_KIND_EVENT, name);
	}
	refused(entry_make(table, &object, TABLE_UNLIMITED, &id, &err), ENOSPC);
	ok(entry_remove(table, ids[17]));
	ids[17] = make(IPC_KIND_EVENT, "in its place");
	refused(entry_make(table, &object, TABLE_UNLIMITED, &id, &err), ENOSPC);
}

static void test_walk(void **state)
{
	uint64_t cursor = 0, id;
	int n = 0;

	make(IPC_KIND_EVENT, "a");
	ok(entry_remove(table, make(IPC_KIND_EVENT, "b")));
	make(IPC_KIND_EVENT, "c");
	while (entry_next(table, &cursor, &id) == 0)
		n++;
	assert_int_equal(n, 2);
	refused(entry_next(table, &cursor, &id), ENOENT);
}

/* What is being made is not found, and counts as lost when its maker does not come back. */
static void test_making(void **state)
{
	struct table_object object = object_named(IPC_KIND_SHM, "half");
	uint64_t id, found, repairs = table_repairs(table);

	ok(entry_make(table, &object, TABLE_UNLIMITED, &id, &err));
	refused(entry_find(table, IPC_KIND_SHM, "half", 4, &found), ENOENT);
	refused(entry_find_id(table, id, &found), ENOENT);
	refused(idle(1, &found), ENOENT);
	ok(entry_made(table, id));
	ok(entry_find(table, IPC_KIND_SHM, "half", 4, &found));
	refused(entry_made(table, UINT64_MAX), ENOENT);
	assert_int_equal(table_repairs(table), repairs);
}

static void test_done(void **state)
{
	uint64_t id = 0;

	assert_false(table_was_done(table, 0, &id));
	assert_false(table_was_done(table, 7, &id));
	table_note_done(table, 0, 5);
	table_note_done(table, 7, 5);
	assert_false(table_was_done(table, 0, &id));
	assert_true(table_was_done(table, 7, &id));
	assert_int_equal(id, 5);
	for (uint64_t i = 0; i < 1023; i++)
		table_note_done(table, 1000 + i, 5);
	assert_true(table_was_done(table, 7, &id));
	table_note_done(table, 8, 5);
	assert_false(table_was_done(table, 7, &id)); /* forgotten */
	assert_true(table_was_done(table, 2022, &id));
}

static void share_is(uint32_t uid, uint32_t kind, uint64_t objects, uint64_t units)
{
	struct table_share share = user_share(table, uid, kind);

	assert_int_equal(share.objects, objects);
	assert_int_equal(share.units, units);
	ok(check_table(table, &err));
}

/* What the kernel limits is counted by its maker and kind. */
static void test_shares(void **state)
{
	static const struct {
		uint32_t kind;
		bool limited, counts_unlinked;
	} rows[] = {
		{ IPC_KIND_POSIX_MQ, true, true },    { IPC_KIND_SYSV_MSG, true, false },
		{ IPC_KIND_SYSV_SEM, true, false },   { IPC_KIND_SYSV_SHM, true, false },
		{ IPC_KIND_POSIX_SEM, false, false }, { IPC_KIND_SHM, false, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct table_object object = object_named(rows[i].kind, "");
		uint64_t n = rows[i].limited, m = rows[i].counts_unlinked, a, b;

		object.units = 5;
		share_is(10, rows[i].kind, 0, 0);
		ok(entry_make(table, &object, TABLE_UNLIMITED, &a, &err));
		ok(entry_made(table, a));
		share_is(10, rows[i].kind, n, 5 * n);
		object.units = 7;
		ok(entry_make(table, &object, TABLE_UNLIMITED, &b, &err));
		ok(entry_made(table, b));
		share_is(10, rows[i].kind, 2 * n, 12 * n);
		share_is(11, rows[i].kind, 0, 0);
		ok(entry_set_owner(table, a, 11, 12, 0600));
		ok(entry_unlink(table, a));
		share_is(10, rows[i].kind, n + m, 7 * n + 5 * m);
		table_damaged(table);
		table_unlock(table);
		ok(table_lock(table, &err)); /* repairs it */
		share_is(10, rows[i].kind, n + m, 7 * n + 5 * m);
		ok(entry_remove(table, a));
		share_is(10, rows[i].kind, n, 7 * n);
		ok(entry_remove(table, b));
		share_is(10, rows[i].kind, 0, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE_TEST(test_names),  TABLE_TEST(test_nameless),   TABLE_TEST(test_ids),
		TABLE_TEST(test_unlink), TABLE_TEST(test_persistent), TABLE_TEST(test_full),
		TABLE_TEST(test_walk),   TABLE_TEST(test_making),     TABLE_TEST(test_done),
		TABLE_TEST(test_shares),
	};

	return run_table_tests(tests);
}
