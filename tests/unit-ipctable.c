// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-ipctable.c - the shared table of IPC objects, within one process
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "ipcmap/kind.h"
#include "ipcmap/table/hash.h"
#include "ipcmap/table/table.h"

#define COLUMNS 3
#define ENTRIES 64

static struct table *table;
static char dir[] = "/tmp/unit-ipctable.XXXXXX";
static int dirfd_;
static struct vc_err err;

#define ok(call)                                                                                   \
	do {                                                                                       \
		int r;                                                                             \
                                                                                                   \
		err = (struct vc_err){ 0 };                                                        \
		r = (call);                                                                        \
		if (r != 0)                                                                        \
			fail_msg("%s: got %d (%s), expected 0", #call, r, err.text);               \
	} while (0)

#define refused(call, code)                                                                        \
	do {                                                                                       \
		int r;                                                                             \
                                                                                                   \
		err = (struct vc_err){ 0 };                                                        \
		r = (call);                                                                        \
		if (r != -(code))                                                                  \
			fail_msg("%s: got %d (%s), expected %d", #call, r, err.text, -(code));     \
	} while (0)

static int set_up(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd_ < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	unlinkat(dirfd_, "table", 0);
	close(dirfd_);
	return rmdir(dir);
}

static int fresh_table(void **state)
{
	if (table_create(dirfd_, "table", COLUMNS, ENTRIES, &err) < 0 ||
	    table_open(dirfd_, "table", &table, &err) < 0 || table_lock(table, &err) < 0) {
		print_error("%s\n", err.text);
		return -1;
	}
	return 0;
}

/* After each test all must agree. */
static int check_after(void **state)
{
	int r = check_table(table, &err);

	if (r < 0)
		print_error("check_table: %s\n", err.text);
	table_unlock(table);
	table_close(table);
	return r;
}

static struct table_object object_named(uint32_t kind, const char *name)
{
	struct table_object object = {
		.kind = kind, .uid = 10, .cuid = 10, .gid = 20, .mode = 0640
	};

	object.name_len = strlen(name);
	memcpy(object.name, name, object.name_len);
	return object;
}

static uint64_t make(uint32_t kind, const char *name)
{
	struct table_object object = object_named(kind, name);
	uint64_t id = 0;

	ok(entry_make(table, &object, TABLE_UNLIMITED, &id, &err));
	ok(entry_made(table, id));
	return id;
}

static struct table_opener opener(pid_t pid, uint32_t column)
{
	return (struct table_opener){
		.pid = pid, .start = 1000u + (uint32_t)pid, .column = column, .uid = 10
	};
}

static void count_in(uint64_t id, pid_t pid, uint32_t column)
{
	struct table_opener who = opener(pid, column);

	ok(opener_count_in(table, id, &who, 1, 0, TABLE_UNLIMITED, &err));
}

static struct table_column column_of(uint64_t id, uint32_t column)
{
	struct table_column ret = { 0 };

	ok(entry_get_column(table, id, column, &ret));
	return ret;
}

/* The first that is to be looked at. */
static int idle(uint64_t now_usec, uint64_t *ret_id)
{
	uint64_t cursor = 0;

	return entry_next_idle(table, &cursor, now_usec, now_usec, ret_id);
}

static uint32_t used(void)
{
	uint32_t n, capacity;

	table_usage(table, &n, &capacity);
	assert_int_equal(capacity, ENTRIES);
	return n;
}

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

static void test_done(void **state)
{
	assert_false(table_was_done(table, 0));
	assert_false(table_was_done(table, 7));
	table_note_done(table, 0);
	table_note_done(table, 7);
	assert_false(table_was_done(table, 0));
	assert_true(table_was_done(table, 7));
	for (uint64_t i = 0; i < 1023; i++)
		table_note_done(table, 1000 + i);
	assert_true(table_was_done(table, 7));
	table_note_done(table, 8);
	assert_false(table_was_done(table, 7)); /* forgotten */
	assert_true(table_was_done(table, 2022));
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

static void test_create_ranges(void **state)
{
	refused(table_create(dirfd_, "t", 0, ENTRIES, &err), EINVAL);
	refused(table_create(dirfd_, "t", TABLE_COLUMNS_MAX + 1, ENTRIES, &err), EINVAL);
	refused(table_create(dirfd_, "t", 1, TABLE_ENTRIES_MIN - 1, &err), EINVAL);
	refused(table_create(dirfd_, "t", 1, TABLE_ENTRIES_MAX + 1, &err), EINVAL);
	refused(table_create(dirfd_, "no/t", 1, ENTRIES, &err), ENOENT);
}

/* In the largest table handles come again soonest, and are never 0. */
static void test_handles_come_again(void **state)
{
	struct table *small = table;
	uint64_t id, found = 0;

	ok(table_create(dirfd_, "most", 2, TABLE_ENTRIES_MAX, &err));
	ok(table_open(dirfd_, "most", &table, &err));
	ok(table_lock(table, &err));
	id = make(IPC_KIND_EVENT, "first");
	for (int i = 0; i < 600; i++) {
		count_in(id, 1, 0);
		assert_int_not_equal(column_of(id, 0).handle, 0);
		ok(entry_find_handle(table, 0, column_of(id, 0).handle, &found));
		assert_int_equal(found, id);
		ok(opener_count_out(table, id, 1, 0));
	}
	ok(check_table(table, &err));
	table_unlock(table);
	table_close(table);
	table = small;
	unlinkat(dirfd_, "most", 0);
}

/* The largest possible one takes next to no memory. */
static void test_sparse(void **state)
{
	struct table *large;
	struct stat st;

	ok(table_create(dirfd_, "large", TABLE_COLUMNS_MAX, 1 << 20, &err));
	ok(fstatat(dirfd_, "large", &st, 0));
	assert_true(st.st_size > 1 << 30);
	assert_true(st.st_blocks * 512 < 1 << 20);
	assert_int_equal(st.st_mode & 0777, 0600);
	ok(table_open(dirfd_, "large", &large, &err));
	table_close(large);
	unlinkat(dirfd_, "large", 0);
}

static void write_at(const char *name, off_t at, const void *data, size_t size)
{
	int fd = openat(dirfd_, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, size, at), size);
	close(fd);
}

static void test_foreign_files(void **state)
{
	uint32_t number = 99;
	struct table *none;

	refused(table_open(dirfd_, "missing", &none, &err), ENOENT);
	refused(table_open(dirfd_, ".", &none, &err), EISDIR);
	write_at("foreign", 0, "short", 5);
	refused(table_open(dirfd_, "foreign", &none, &err), EPROTO);
	ok(table_create(dirfd_, "foreign", COLUMNS, ENTRIES, &err));
	write_at("foreign", 8, &number, sizeof(number)); /* the version */
	refused(table_open(dirfd_, "foreign", &none, &err), EPROTO);
	ok(table_create(dirfd_, "foreign", COLUMNS, ENTRIES, &err));
	number = 0;
	write_at("foreign", 12, &number, sizeof(number)); /* columns */
	refused(table_open(dirfd_, "foreign", &none, &err), EPROTO);
	ok(table_create(dirfd_, "foreign", COLUMNS, ENTRIES, &err));
	number = ENTRIES + 1;
	write_at("foreign", 16, &number, sizeof(number)); /* entries: the size does not fit then */
	refused(table_open(dirfd_, "foreign", &none, &err), EPROTO);
	unlinkat(dirfd_, "foreign", 0);
}

/* The checker can fail: a bit of the table changed behind its back is found, and repaired. */
static void test_check_and_repair(void **state)
{
	uint64_t id = make(IPC_KIND_SEM, "mended"), found;
	int fd = openat(dirfd_, "table", O_RDWR | O_CLOEXEC), caught = 0;
	struct stat st;

	assert_true(fd >= 0);
	ok(fstat(fd, &st));
	count_in(id, 1, 1);
	ok(check_table(table, &err));
	for (off_t at = 4096; at < st.st_size && caught < 50; at += 4) {
		uint32_t was, is;

		if (pread(fd, &was, sizeof(was), at) != (ssize_t)sizeof(was) || was == 0 ||
		    was == UINT32_MAX)
			continue;
		is = was ^ 1;
		assert_int_equal(pwrite(fd, &is, sizeof(is), at), sizeof(is));
		caught += check_table(table, &err) == -EUCLEAN;
		assert_int_equal(pwrite(fd, &was, sizeof(was), at), sizeof(was));
	}
	assert_true(caught >= 8);
	close(fd);
	/* The check noted damage where it met it: the next lock repairs. */
	table_unlock(table);
	ok(table_lock(table, &err));
	ok(check_table(table, &err));
	ok(entry_find(table, IPC_KIND_SEM, "mended", 6, &found));
	assert_int_equal(found, id);
	assert_int_equal(column_of(id, 1).openers, 1);
}

/* The vectors of the paper's authors, cut as hash_bytes() cuts them. */
static void test_hash(void **state)
{
	static const uint64_t key[2] = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };
	static const unsigned char data[15] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 };
	const uint64_t whole = 0xa129ca6149be45e5u, none = 0x726fdb47dd0e0e31u;

	assert_int_equal(hash_bytes(key, data, sizeof(data)), (uint32_t)(whole ^ whole >> 32));
	assert_int_equal(hash_bytes(key, data, 0), (uint32_t)(none ^ none >> 32));
}

#define TABLE_TEST(name) cmocka_unit_test_setup_teardown(name, fresh_table, check_after)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE_TEST(test_open_close),
		TABLE_TEST(test_counts),
		TABLE_TEST(test_names),
		TABLE_TEST(test_nameless),
		TABLE_TEST(test_ids),
		TABLE_TEST(test_unlink),
		TABLE_TEST(test_persistent),
		TABLE_TEST(test_full),
		TABLE_TEST(test_shares),
		TABLE_TEST(test_leave),
		TABLE_TEST(test_done),
		TABLE_TEST(test_limits),
		TABLE_TEST(test_too_often),
		TABLE_TEST(test_handles),
		TABLE_TEST(test_openers),
		TABLE_TEST(test_move),
		TABLE_TEST(test_walk),
		TABLE_TEST(test_making),
		TABLE_TEST(test_check_and_repair),
		cmocka_unit_test(test_create_ranges),
		cmocka_unit_test(test_handles_come_again),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_foreign_files),
		cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
