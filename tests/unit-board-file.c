// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-board-file - a board's file with any content: refused or harmless
 */
#include "tests/board-lib.h"

static void write_board(const void *data, size_t size)
{
	_cleanup_close_ int fd =
		openat(state_fd, "board", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
}

static void check_refused(const char *what, int code)
{
	struct board *board = NULL;
	struct vc_err err = { .code = 0 };
	int r = board_open(state_fd, &board, &err);

	if (r != -code || board || err.code != code || err.text[0] == '\0')
		fail_msg("%s: got %d (error %d '%s'), expected %d", what, r, err.code, err.text,
			 -code);
}

static void test_foreign_files(void **state)
{
	_cleanup_free_ char *good = NULL, *bad = NULL;
	struct vc_err err = { .code = 0 };
	ssize_t size;

	unlinkat(state_fd, "board", 0);
	check_refused("no file", ENOENT);
	check_u64("0 partitions", (uint64_t)-board_create(state_fd, 0, &err), EINVAL);
	check_u64("5000 partitions", (uint64_t)-board_create(state_fd, 5000, &err), EINVAL);

	assert_int_equal(board_create(state_fd, 2, &err), 0);
	size = file_read_all(state_fd, "board", 1 << 20, &good);
	assert_true(size > 64);
	bad = malloc((size_t)size * 2);
	assert_non_null(bad);
	memset(bad, 0, (size_t)size * 2);

	write_board(bad, 0);
	check_refused("empty", EPROTO);
	write_board(bad, (size_t)size);
	check_refused("zeros", EPROTO);
	write_board("{ \"not\": \"a board\" }", 20);
	check_refused("text", EPROTO);
	for (ssize_t cut = 1; cut < size; cut += 61) {
		write_board(good, (size_t)(size - cut));
		check_refused("cut short", EPROTO);
	}
	memcpy(bad, good, (size_t)size);
	write_board(bad, (size_t)size * 2);
	check_refused("too long", EPROTO);
	/* Magic 8, version 4, n 4, size 8: each bit of these matters. */
	for (size_t bit = 0; bit < 24 * 8; bit++) {
		memcpy(bad, good, (size_t)size);
		bad[bit / 8] = (char)(bad[bit / 8] ^ 1 << bit % 8);
		write_board(bad, (size_t)size);
		check_refused("one bit changed", EPROTO);
	}
	unlinkat(state_fd, "board", 0);
	assert_int_equal(symlinkat("elsewhere", state_fd, "board"), 0);
	check_refused("symbolic link", ELOOP);
	unlinkat(state_fd, "board", 0);
	assert_int_equal(mkdirat(state_fd, "board", 0700), 0);
	check_refused("directory", EISDIR);
	assert_int_equal(unlinkat(state_fd, "board", AT_REMOVEDIR), 0);
}

/* Any bytes behind a sound header: readers may find nonsense, never a crash. */
static void test_any_bytes(void **state)
{
	_cleanup_free_ char *bytes = NULL;
	struct vc_err err = { .code = 0 };
	uint64_t random = 88172645463325252u;
	ssize_t size;

	assert_int_equal(board_create(state_fd, 4, &err), 0);
	size = file_read_all(state_fd, "board", 1 << 20, &bytes);
	for (int round = 0; round < 200; round++) {
		struct board *board = NULL;

		for (ssize_t i = 24; i < size; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			bytes[i] = (char)(random >> 32);
		}
		write_board(bytes, (size_t)size);
		assert_int_equal(board_open(state_fd, &board, &err), 0);
		for (uint32_t slot = 0; slot < 4; slot++) {
			struct board_sample s;

			board_reserve(board, slot, 1000 * SEC, 0);
			board_read(board, slot, 1000 * SEC, &s);
			if (!(s.load.cpu_pct >= 0 && s.load.cpu_pct <= 100))
				fail_msg("got cpu_pct %f, expected 0..100", s.load.cpu_pct);
			if (!(s.load.pending >= 0 && s.load.pending <= 16384))
				fail_msg("got pending %f, expected 0..16384", s.load.pending);
			board_retire(board, slot);
			check_u64("retired: up", (uint64_t)is_up(board, slot, 1000 * SEC), 0);
		}
		board_next_turn(board, "roundrobin", -1);
		if (board_next_job(board) == 0)
			fail_msg("got job id 0, expected another");
		board_free(board);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_foreign_files),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
