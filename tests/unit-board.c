// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-board - the load board between processes: whole samples, exact counts, no crash
 *
 * A sample's fields are all made from one number here, so that a reader knows a
 * sample put together from two. Writers are real processes and are really killed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "policy/board.h"

#define SEC 1000000ull

static char dir[64];
static int state_fd = -1;

static struct board *new_board(uint32_t n)
{
	struct board *board = NULL;
	struct vc_err err = { .code = 0 };

	if (board_create(state_fd, n, &err) < 0 || board_open(state_fd, &board, &err) < 0)
		fail_msg("board for %u: got '%s', expected success", n, err.text);
	return board;
}

static void check_u64(const char *what, uint64_t got, uint64_t expected)
{
	if (got != expected)
		fail_msg("%s: got %llu, expected %llu", what, (unsigned long long)got,
			 (unsigned long long)expected);
}

static void check_near(const char *what, double got, double expected, double tolerance)
{
	if (!(fabs(got - expected) <= tolerance))
		fail_msg("%s: got %f, expected %f +- %f", what, got, expected, tolerance);
}

static int is_up(const struct board *board, uint32_t slot, uint64_t now_usec)
{
	struct board_sample sample;

	board_read(board, slot, now_usec, &sample);
	return (sample.load.flags & VC_LOAD_UP) != 0;
}

/* Runs a function in a child that dies with us; it never returns. */
static pid_t start(void (*run)(struct board *board, int arg), struct board *board, int arg)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			run(board, arg);
		_exit(99);
	}
	assert_true(pid > 0);
	return pid;
}

static int finish(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

static struct board_sample sample_of(uint64_t number)
{
	return (struct board_sample){ .at_usec = number + 1,
				      .period_msec = (uint32_t)number,
				      .exclusive = (uint32_t)number,
				      .load = { .ncpus = (uint32_t)number,
						.cpu_pct = (double)(number % 101),
						.group_cpu_pct = (double)(number % 101),
						.runnable = (uint32_t)number,
						.jobs = (uint32_t)number,
						.mem_used_bytes = number,
						.mem_limit_bytes = number,
						.mem_stall_pct = (double)(number % 101) } };
}

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

static int setup(void **state)
{
	strcpy(dir, "/tmp/vcrun-board-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	state_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return state_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	close(state_fd);
	return file_remove_tree(AT_FDCWD, dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_publish_and_read),
		cmocka_unit_test(test_numbers_are_made_sane),
		cmocka_unit_test(test_readers_see_whole_samples),
		cmocka_unit_test(test_writer_is_killed),
		cmocka_unit_test(test_pending_decays),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_reserve_race),
		cmocka_unit_test(test_ids_and_turns),
		cmocka_unit_test(test_foreign_files),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
