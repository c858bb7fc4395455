// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-ipctable-file.c - the table of IPC objects: the file, its check and its repair
 */
#include "tests/ipctable-fixture.h"

#include "ipcmap/table/hash.h"

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

/* The vectors of the paper's authors, cut as hash_bytes() cuts them. */
static void test_hash(void **state)
{
	static const uint64_t key[2] = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };
	static const unsigned char data[15] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 };
	const uint64_t whole = 0xa129ca6149be45e5u, none = 0x726fdb47dd0e0e31u;

	assert_int_equal(hash_bytes(key, data, sizeof(data)), (uint32_t)(whole ^ whole >> 32));
	assert_int_equal(hash_bytes(key, data, 0), (uint32_t)(none ^ none >> 32));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE_TEST(test_check_and_repair),         cmocka_unit_test(test_create_ranges),
		cmocka_unit_test(test_handles_come_again), cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_foreign_files),      cmocka_unit_test(test_hash),
	};

	return run_table_tests(tests);
}
