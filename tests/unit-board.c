// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-board - samples on the load board between processes: complete, also if the writer is killed
 */
#include "tests/board-lib.h"

/* Whether all of it is one publisher's; a slot never written is whole as well. */
static int is_whole(const struct board_sample *got)
{
	struct board_sample expected = { .at_usec = 0 };

	if (got->at_usec != 0)
		expected = sample_of(got->at_usec - 1);
	expected.load.flags = got->load.flags;
	expected.load.pending = got->load.pending;
	return memcmp(got, &expected, sizeof(expected)) == 0;
}

static void test_publish_and_read(void **state)
{
	struct board *board = new_board(3);
	struct board_sample in = { .at_usec = 10 * SEC,
				   .period_msec = 250,
				   .exclusive = 2,
				   .load = { .ncpus = 4, .cpu_pct = 55.5, .jobs = 7 } };
	struct board_sample out;
	struct stat st;

	check_u64("slots", board_count(board), 3);
	check_u64("never published: up", (uint64_t)is_up(board, 1, 10 * SEC), 0);
	board_publish(board, 1, &in);
	board_read(board, 1, 10 * SEC, &out);
	check_u64("at", out.at_usec, in.at_usec);
	check_u64("exclusive", out.exclusive, 2);
	check_u64("ncpus", out.load.ncpus, 4);
	check_u64("jobs", out.load.jobs, 7);
	check_near("cpu_pct", out.load.cpu_pct, 55.5, 0);
	check_near("pending", out.load.pending, 0, 0);

	check_u64("fresh: up", (uint64_t)is_up(board, 1, 10 * SEC), 1);
	check_u64("read with an older clock: up", (uint64_t)is_up(board, 1, 9 * SEC), 1);
	check_u64("after three periods: up", (uint64_t)is_up(board, 1, 10 * SEC + 750000), 1);
	check_u64("a little later: up", (uint64_t)is_up(board, 1, 10 * SEC + 750001), 0);
	check_u64("its neighbours: up", (uint64_t)is_up(board, 0, 10 * SEC), 0);
	check_u64("its neighbours: up", (uint64_t)is_up(board, 2, 10 * SEC), 0);

	in.at_usec = 11 * SEC;
	board_publish(board, 1, &in);
	check_u64("published again: up", (uint64_t)is_up(board, 1, 11 * SEC), 1);
	board_retire(board, 1);
	board_read(board, 1, 11 * SEC, &out);
	check_u64("retired: up", out.load.flags, 0);
	check_u64("retired: figures stay", out.load.jobs, 7);

	/* A slot that does not exist: down, and nothing is written anywhere. */
	board_publish(board, 3, &in);
	board_reserve(board, 3, 0, 0);
	board_retire(board, UINT32_MAX);
	check_u64("no such slot: up", (uint64_t)is_up(board, 3, 11 * SEC), 0);
	check_u64("no such slot: up", (uint64_t)is_up(board, UINT32_MAX, 11 * SEC), 0);

	assert_int_equal(fstatat(state_fd, "board", &st, 0), 0);
	check_u64("mode", st.st_mode & 0777, 0600);
	board_free(board);
}

static void test_numbers_are_made_sane(void **state)
{
	struct board *board = new_board(1);
	struct board_sample in = { .at_usec = SEC,
				   .period_msec = UINT32_MAX,
				   .load = { .flags = VC_LOAD_UP,
					     .cpu_pct = NAN,
					     .group_cpu_pct = -3,
					     .mem_stall_pct = INFINITY,
					     .pending = NAN } };
	struct board_sample out;

	board_publish(board, 0, &in);
	board_read(board, 0, SEC, &out);
	check_near("no number", out.load.cpu_pct, 100, 0);
	check_near("negative", out.load.group_cpu_pct, 0, 0);
	check_near("infinite", out.load.mem_stall_pct, 100, 0);
	check_near("pending is the board's", out.load.pending, 0, 0);
	in.at_usec = 0;
	board_publish(board, 0, &in);
	check_u64("up is the board's to say", (uint64_t)is_up(board, 0, SEC), 0);
	board_free(board);
}

static void publish_for_ever(struct board *board, int arg)
{
	uint64_t number = (uint64_t)arg;

	for (;;) {
		struct board_sample sample = sample_of(number++);

		board_publish(board, 0, &sample);
	}
}

/* Exits with 0 when it saw many samples, all whole, never an older after a newer. On
 * a busy machine writer and reader may hardly run at once, so give it time. */
static void read_for_a_while(struct board *board, int arg)
{
	uint64_t end_usec = clock_mono_usec() + (uint64_t)arg * 1000, last = 0, changes = 0;
	uint64_t deadline_usec = end_usec + 60 * SEC;

	while (clock_mono_usec() < (changes > 100 ? end_usec : deadline_usec)) {
		struct board_sample sample;

		board_read(board, 0, 0, &sample);
		if (!is_whole(&sample))
			_exit(1);
		/* READ_TRIES used up: the answer is "down", with nothing in it. */
		if (sample.at_usec == 0)
			continue;
		if (sample.at_usec < last)
			_exit(2);
		changes += sample.at_usec != last;
		last = sample.at_usec;
	}
	_exit(changes > 100 ? 0 : 3);
}

static void test_readers_see_whole_samples(void **state)
{
	struct board *board = new_board(1);
	pid_t writer = start(publish_for_ever, board, 0), reader[3];

	for (size_t i = 0; i < ARRAY_SIZE(reader); i++)
		reader[i] = start(read_for_a_while, board, 1000);
	for (size_t i = 0; i < ARRAY_SIZE(reader); i++) {
		int status = finish(reader[i]);

		if (status != 0)
			fail_msg("reader %zu: got wait status %#x (exit 1: torn, 2: backwards, 3: "
				 "nothing seen), expected 0",
				 i, (unsigned int)status);
	}
	kill(writer, SIGKILL);
	finish(writer);
	board_free(board);
}

static void test_writer_is_killed(void **state)
{
	struct board *board = new_board(1);
	struct board_sample sample, again;

	for (int times = 0; times < 100; times++) {
		pid_t writer = start(publish_for_ever, board, times * 1000000);

		/* However late it begins on a busy machine. */
		do
			board_read(board, 0, 0, &sample);
		while (sample.at_usec == 0);
		clock_sleep_usec(2000 + (uint64_t)times * 37);
		kill(writer, SIGKILL);
		finish(writer);
		board_read(board, 0, 0, &sample);
		board_read(board, 0, 0, &again);
		if (!is_whole(&sample) || sample.at_usec == 0)
			fail_msg("kill %d: got a sample that is torn or empty, expected the last "
				 "whole one",
				 times);
		check_u64("it stands still", again.at_usec, sample.at_usec);
		check_u64("still fresh: up", sample.load.flags, VC_LOAD_UP);
		check_u64("later: up",
			  (uint64_t)is_up(board, 0, sample.at_usec + UINT32_MAX * 3000ull + SEC),
			  0);
	}
	/* A new daemon takes the slot over. */
	sample = sample_of(123456);
	board_publish(board, 0, &sample);
	board_read(board, 0, 0, &again);
	check_u64("the successor's", again.at_usec, 123457);
	board_free(board);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_publish_and_read),
		cmocka_unit_test(test_numbers_are_made_sane),
		cmocka_unit_test(test_readers_see_whole_samples),
		cmocka_unit_test(test_writer_is_killed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
