// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-board-count - what daemons count together on the load board: pending placements, moves,
 * turns, jobs
 */
#include "tests/board-lib.h"

static void test_pending_decays(void **state)
{
	struct board *board = new_board(2);
	uint64_t now = 5000 * SEC;
	struct board_sample s0, s1;

	for (int i = 0; i < 30; i++)
		board_reserve(board, 0, now, 0);
	for (int i = 0; i < 10; i++)
		board_reserve(board, 1, now, 0);
	board_read(board, 0, now, &s0);
	check_near("at once", s0.load.pending, 30, 0);
	board_read(board, 0, now - SEC, &s0);
	check_near("read with an older clock", s0.load.pending, 30, 0);
	for (uint64_t t = 250000; t <= 4 * SEC; t += 250000) {
		board_read(board, 0, now + t, &s0);
		board_read(board, 1, now + t, &s1);
		check_near("decay", s0.load.pending, 30 * exp(-(double)t / SEC), 1e-6);
		check_near("proportion", s0.load.pending / s1.load.pending, 3, 1e-6);
	}

	/* Many small steps come to the same as the law says: no error adds up. */
	now += 100 * SEC;
	for (int i = 0; i < 5000; i++)
		board_reserve(board, 0, now + (uint64_t)i * 1000, 0);
	board_read(board, 0, now + 4999 * 1000, &s0);
	check_near("1000 a second", s0.load.pending, 1000.5 * (1 - exp(-5)), 1);

	/* Half a year later nothing of it comes back. */
	board_read(board, 0, now + 180 * 86400 * SEC, &s0);
	check_near("half a year later", s0.load.pending, 0, 0);

	/* It saturates and does not spill over into the time. */
	for (int i = 0; i < 20000; i++)
		board_reserve(board, 1, now, 0);
	board_read(board, 1, now, &s1);
	check_near("full", s1.load.pending, 16384, 1);
	board_read(board, 1, now + SEC, &s1);
	check_near("full, then decays", s1.load.pending, 16384 * exp(-1), 1);
	/* A reservation by a clock that is behind does not turn time back. */
	board_reserve(board, 0, now + 4000 * SEC, 0);
	board_reserve(board, 0, now + 3999 * SEC, 0);
	board_read(board, 0, now + 4000 * SEC, &s0);
	check_near("older clock adds", s0.load.pending, 2, 0.001);
	board_free(board);
}

/* What is left of a placement is taken back, and nothing else. */
static void test_release(void **state)
{
	struct board *board = new_board(1);
	uint64_t now = 1000 * SEC;
	struct board_sample sample;

	board_reserve(board, 0, now, 640 << 20);
	board_reserve(board, 0, now + SEC, 64 << 20);
	board_read(board, 0, now + SEC, &sample);
	check_near("memory", sample.load.pending_mem_bytes, (640 * exp(-1) + 64) * (1 << 20),
		   65536);
	board_release(board, 0, now, now + 2 * SEC, 640 << 20);
	board_read(board, 0, now + 2 * SEC, &sample);
	check_near("the other's count", sample.load.pending, exp(-1), 0.002);
	check_near("the other's memory", sample.load.pending_mem_bytes, 64 * exp(-1) * (1 << 20),
		   2 * 65536);
	/* Twice, or what was never there: not below nothing. */
	board_release(board, 0, now + SEC, now + 2 * SEC, 64 << 20);
	board_release(board, 0, now + 2 * SEC, now + 2 * SEC, 64 << 20);
	board_release(board, 7, now, now, 1);
	board_read(board, 0, now + 2 * SEC, &sample);
	check_near("nothing is left", sample.load.pending, 0, 0);
	check_near("nothing is left", sample.load.pending_mem_bytes, 0, 0);
	/* More than fits. */
	board_reserve(board, 0, now + 2 * SEC, UINT64_MAX);
	board_read(board, 0, now + 2 * SEC, &sample);
	check_near("a TiB at most", sample.load.pending_mem_bytes, (double)(1ull << 40), 65536);
	board_free(board);
}

static void test_moved(void **state)
{
	struct board *board = new_board(3);

	assert_int_equal(board_moved_to(board, 0), -1);
	assert_int_equal(board_moved_to(board, 7), -1);
	board_note_moved(board, 7, 2);
	assert_int_equal(board_moved_to(board, 7), 2);
	board_note_moved(board, 7, 0);
	assert_int_equal(board_moved_to(board, 7), 0);
	/* Of the same place, another job. */
	assert_int_equal(board_moved_to(board, 7 + 8192), -1);
	board_note_moved(board, 7 + 8192, 1);
	assert_int_equal(board_moved_to(board, 7), -1);
	assert_int_equal(board_moved_to(board, 7 + 8192), 1);
	/* No slot of this board. */
	board_note_moved(board, 8, 3);
	assert_int_equal(board_moved_to(board, 8), -1);
	board_free(board);
}

static void test_usage(void **state)
{
	struct board *board = new_board(1);
	const uint64_t kind = 0x123456789abcdef0;

	check_u64("an unknown kind", board_usage(board, kind), 0);
	board_set_usage(board, kind, (5 << 20) + 1);
	check_u64("in whole pages", board_usage(board, kind), (5 << 20) + 4096);
	check_u64("another one", board_usage(board, kind + (1ull << 32)), 0);
	board_set_usage(board, kind, UINT64_MAX);
	check_u64("as much as can be said", board_usage(board, kind), UINT32_MAX * 4096ull);
	board_free(board);
}

#define RACERS 8
#define RACES 2000

static void reserve_many(struct board *board, int arg)
{
	for (int i = 0; i < RACES; i++)
		board_reserve(board, 0, 77 * SEC, 0);
	_exit(0);
}

static void test_reserve_race(void **state)
{
	struct board *board = new_board(1);
	struct board_sample sample;
	pid_t pid[RACERS];

	/* One moment for all, so nothing decays and each must be there. */
	for (int i = 0; i < RACERS; i++)
		pid[i] = start(reserve_many, board, i);
	for (int i = 0; i < RACERS; i++)
		check_u64("racer's status", (uint64_t)finish(pid[i]), 0);
	board_read(board, 0, 77 * SEC, &sample);
	check_near("all reservations", sample.load.pending, RACERS * RACES, 0);
	board_free(board);
}

/* Shared with the children: which ids and turns were given out, how often. */
static unsigned char *seen_ids, *seen_turns;

static void take_many(struct board *unused, int arg)
{
	struct board *board = NULL;

	/* As another daemon does: a mapping of its own. */
	if (board_open(state_fd, &board, NULL) < 0)
		_exit(1);
	for (int i = 0; i < RACES; i++) {
		uint32_t id = board_next_job(board);
		uint64_t turn = board_next_turn(board, "roundrobin", -1);

		if (id == 0 || id > RACERS * RACES || turn >= RACERS * RACES)
			_exit(2);
		__atomic_fetch_add(&seen_ids[id - 1], 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&seen_turns[turn], 1, __ATOMIC_RELAXED);
	}
	_exit(0);
}

static void test_ids_and_turns(void **state)
{
	struct board *board = new_board(1);
	size_t n = RACERS * RACES;
	pid_t pid[RACERS];
	char name[16];

	seen_ids = mmap(NULL, 2 * n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(seen_ids != MAP_FAILED);
	seen_turns = seen_ids + n;
	for (int i = 0; i < RACERS; i++)
		pid[i] = start(take_many, board, i);
	for (int i = 0; i < RACERS; i++)
		check_u64("taker's status", (uint64_t)finish(pid[i]), 0);
	for (size_t i = 0; i < n; i++) {
		check_u64("each id once", seen_ids[i], 1);
		check_u64("each turn once", seen_turns[i], 1);
	}
	munmap(seen_ids, 2 * n);

	/* Moves out of each partition have a turn of their own. */
	for (int32_t leaving = 0; leaving < 256; leaving++)
		check_u64("a partition's first turn", board_next_turn(board, "moves", leaving), 0);
	for (int32_t leaving = 0; leaving < 256; leaving++)
		check_u64("its second turn", board_next_turn(board, "moves", leaving), 1);
	check_u64("the next id", board_next_job(board), n + 1);
	check_u64("another policy's turn", board_next_turn(board, "mine", -1), 0);
	check_u64("another policy's turn", board_next_turn(board, "mine", -1), 1);
	check_u64("the first one's turn", board_next_turn(board, "roundrobin", -1), n);
	/* More policies than places: they share a count, none disturbs the others. */
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "policy%d", i);
		board_next_turn(board, name, -1);
	}
	check_u64("mine is still mine", board_next_turn(board, "mine", -1), 2);
	check_u64("the shared count", board_next_turn(board, "yetanother", -1),
		  2000 - (1024 - 2 - 256));
	board_free(board);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pending_decays), cmocka_unit_test(test_release),
		cmocka_unit_test(test_moved),          cmocka_unit_test(test_usage),
		cmocka_unit_test(test_reserve_race),   cmocka_unit_test(test_ids_and_turns),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
