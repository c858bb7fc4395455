/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipctable-fixture.h - a fresh table of IPC objects for each test, and short forms of its calls
 */
#ifndef VC_TESTS_IPCTABLE_FIXTURE_H
#define VC_TESTS_IPCTABLE_FIXTURE_H

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

static inline int set_up(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd_ < 0 ? -1 : 0;
}

static inline int tear_down(void **state)
{
	unlinkat(dirfd_, "table", 0);
	close(dirfd_);
	return rmdir(dir);
}

static inline int fresh_table(void **state)
{
	if (table_create(dirfd_, "table", COLUMNS, ENTRIES, &err) < 0 ||
	    table_open(dirfd_, "table", &table, &err) < 0 || table_lock(table, &err) < 0) {
		print_error("%s\n", err.text);
		return -1;
	}
	return 0;
}

/* After each test the table must be free of contradictions. */
static inline int check_after(void **state)
{
	int r = check_table(table, &err);

	if (r < 0)
		print_error("check_table: %s\n", err.text);
	table_unlock(table);
	table_close(table);
	return r;
}

static inline struct table_object object_named(uint32_t kind, const char *name)
{
	struct table_object object = {
		.kind = kind, .uid = 10, .cuid = 10, .gid = 20, .mode = 0640
	};

	object.name_len = strlen(name);
	memcpy(object.name, name, object.name_len);
	return object;
}

static inline uint64_t make(uint32_t kind, const char *name)
{
	struct table_object object = object_named(kind, name);
	uint64_t id = 0;

	ok(entry_make(table, &object, TABLE_UNLIMITED, &id, &err));
	ok(entry_made(table, id));
	return id;
}

static inline struct table_opener opener(pid_t pid, uint32_t column)
{
	return (struct table_opener){
		.pid = pid, .start = 1000u + (uint32_t)pid, .column = column, .uid = 10
	};
}

static inline void count_in(uint64_t id, pid_t pid, uint32_t column)
{
	struct table_opener who = opener(pid, column);

	ok(opener_count_in(table, id, &who, 1, 0, TABLE_UNLIMITED, &err));
}

static inline struct table_column column_of(uint64_t id, uint32_t column)
{
	struct table_column ret = { 0 };

	ok(entry_get_column(table, id, column, &ret));
	return ret;
}

/* The first idle object. */
static inline int idle(uint64_t now_usec, uint64_t *ret_id)
{
	uint64_t cursor = 0;

	return entry_next_idle(table, &cursor, now_usec, now_usec, ret_id);
}

static inline uint32_t used(void)
{
	uint32_t n, capacity;

	table_usage(table, &n, &capacity);
	assert_int_equal(capacity, ENTRIES);
	return n;
}

#define TABLE_TEST(name) cmocka_unit_test_setup_teardown(name, fresh_table, check_after)
#define run_table_tests(tests) cmocka_run_group_tests(tests, set_up, tear_down)

#endif
