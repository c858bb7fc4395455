// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-failure.c - what is a partition's failure: CPUs by a tree of the kernel's files, a witness
 * by processes, and what is noted by two who watch one after the other
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/file.h"
#include "partition/change/failure.h"

static char dir[64];
static int dirfd_;
static struct failure_notes *notes;

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/vcrun-failure.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY);
	return failure_notes_open(dirfd_, &notes, NULL);
}

static int teardown(void **state)
{
	failure_notes_free(notes);
	close(dirfd_);
	return file_remove_tree(AT_FDCWD, dir);
}

static void set_online(const char *cpus)
{
	char text[64];

	mkdirat(dirfd_, "sys", 0755);
	mkdirat(dirfd_, "sys/devices", 0755);
	mkdirat(dirfd_, "sys/devices/system", 0755);
	mkdirat(dirfd_, "sys/devices/system/cpu", 0755);
	snprintf(text, sizeof(text), "%s\n", cpus);
	assert_int_equal(
		file_replace(dirfd_, "sys/devices/system/cpu/online", text, strlen(text), 0644), 0);
}

/* CPUs of the partition, those online at two looks, and whether each says that it has failed. */
static void test_cpus(void **state)
{
	static const struct {
		const char *cpus, *first, *second;
		bool failed_first, failed_second;
	} cases[] = {
		{ "0-1", "0-3", "0-3", false, false }, { "0-1", "0-3", "1-3", false, false },
		{ "0-1", "0-3", "2-3", false, true },  { "2", "0-3", "0-1,3", false, true },
		{ "2", "0-1", "0-1", true, false },    { "2", "0-1", "0-3", true, false },
		{ "2", "0-3", "", false, false }, /* what cannot be is not believed */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct failure_look look = { .root = dirfd_,
						   .notes = notes,
						   .kinds = FAILURE_BIT(FAILURE_CPUS) };
		struct partition_spec spec = { .cpus = (char *)cases[i].cpus };
		struct failure_watch watch = { .begun = false };
		unsigned int got;

		set_online(cases[i].first);
		got = failure_since(&look, &spec, 0, &watch, 1);
		if (!!got != cases[i].failed_first)
			fail_msg("case %zu, first look: %x", i, got);
		set_online(cases[i].second);
		got = failure_since(&look, &spec, 0, &watch, 2);
		if (!!got != cases[i].failed_second)
			fail_msg("case %zu, second look: %x", i, got);
	}
}

static unsigned int look_at(uint32_t slot, struct failure_watch *watch)
{
	const struct failure_look look = {
		.root = dirfd_,
		.notes = notes,
		.kinds = FAILURE_BIT(FAILURE_KILL) | FAILURE_BIT(FAILURE_OOM),
	};
	const struct partition_spec spec = { .cpus = (char *)"0" };

	return failure_since(&look, &spec, slot, watch, 1);
}

/* The next one who watches sees what nobody has dealt with, and only that. */
static void test_notes(void **state)
{
	struct failure_watch first = { .begun = false }, second = { .begun = false };

	assert_int_equal(look_at(3, &first), 0);
	failure_note(notes, 3, FAILURE_OOM);
	failure_note(notes, 3, FAILURE_CRASH);
	failure_note(notes, 4, FAILURE_OOM);
	assert_int_equal(look_at(3, &first), FAILURE_BIT(FAILURE_OOM));
	assert_int_equal(look_at(3, &first), 0);
	assert_int_equal(look_at(3, &second), FAILURE_BIT(FAILURE_OOM));
	failure_taken(notes, 3, &first);
	second = (struct failure_watch){ .begun = false };
	assert_int_equal(look_at(3, &second), 0);
	failure_note_at(dirfd_, 3, FAILURE_OOM);
	assert_int_equal(look_at(3, &second), FAILURE_BIT(FAILURE_OOM));
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_witness(void **state)
{
	struct failure_watch watch = { .begun = false };
	pid_t pid = sleeper();

	assert_int_equal(failure_witness(notes, 1), 0);
	failure_set_witness(notes, 1, pid);
	assert_int_equal(failure_witness(notes, 1), pid);
	/* Stopped, it lives. */
	kill(pid, SIGSTOP);
	assert_int_equal(look_at(1, &watch), 0);
	end(pid);
	assert_int_equal(look_at(1, &watch), FAILURE_BIT(FAILURE_KILL));
	assert_int_equal(failure_witness(notes, 1), 0);
	assert_int_equal(look_at(1, &watch), 0);

	/* One that was let go is not missed. */
	pid = sleeper();
	failure_set_witness(notes, 1, pid);
	failure_set_witness(notes, 1, 0);
	end(pid);
	assert_int_equal(look_at(1, &watch), 0);
}

static void test_words(void **state)
{
	enum failure_kind kind;

	for (int i = 0; i < FAILURE_N_KINDS; i++) {
		assert_int_equal(failure_parse(failure_name((enum failure_kind)i), &kind), 0);
		assert_int_equal(kind, i);
	}
	assert_true(failure_parse("daemon", &kind) < 0);
	assert_int_equal(failure_default_kinds() & FAILURE_BIT(FAILURE_CRASH), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cpus, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_witness, setup, teardown),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
