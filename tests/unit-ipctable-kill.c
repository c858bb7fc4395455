// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-ipctable-kill.c - processes that work on the table of IPC objects are killed anywhere
 *
 * Some children do random operations on one table, each as several pretended processes with
 * files beside it as a daemon has them. At random moments one is killed with SIGKILL and
 * another takes its place. After each kill the table must agree with itself (check_table()),
 * and what is whole must still be found. At the end all are counted out and the idle ones
 * removed: nothing may be left, in the table or in the directory.
 *
 * VCRUN_KILLS: how many kills, 500 when nothing is said. VCRUN_SEED: to have a run again.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "ipcmap/kind.h"
#include "ipcmap/table/table.h"

#define WORKERS 3
#define COLUMNS 4
#define ENTRIES 300
#define NAMES 100
#define PIDS 40

static char dir[] = "/dev/shm/unit-ipctable.XXXXXX";
static int dirfd_;
static unsigned int seed;

static unsigned int pick(unsigned int n)
{
	return (unsigned int)rand_r(&seed) % n;
}

static void file_name(uint64_t id, char ret[32])
{
	snprintf(ret, 32, "o-%llx", (unsigned long long)id);
}

static void work_make(struct table *table)
{
	struct table_object wanted = {
		.kind = IPC_KIND_SEM, .uid = 100 + pick(5), .mode = 0600, .persistent = pick(4) == 0
	};
	char name[32];
	uint64_t id;
	int fd;

	wanted.name_len = pick(5) ? (size_t)sprintf(wanted.name, "name-%u", pick(NAMES)) : 0;
	if (entry_make(table, &wanted, 200, &id, NULL) < 0)
		return;
	file_name(id, name);
	fd = openat(dirfd_, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		abort(); /* the id was in use before */
	close(fd);
	entry_made(table, id);
}

static void work_find(struct table *table, uint64_t *ret_id)
{
	uint64_t cursor = pick(ENTRIES);
	char name[32];
	int len = sprintf(name, "name-%u", pick(NAMES));

	*ret_id = 0;
	if (pick(3))
		entry_find(table, IPC_KIND_SEM, name, (size_t)len, ret_id);
	else
		entry_next(table, &cursor, ret_id);
}

static void work_count_in(struct table *table, uint64_t id)
{
	struct table_opener who = { .pid = (pid_t)pick(PIDS) + 1, .column = pick(COLUMNS) };
	struct table_opener there;

	who.uid = 100 + (uint32_t)who.pid % 5;
	if (opener_find(table, who.pid, &there) == 0)
		who = there;
	opener_count_in(table, id, &who, 1 + pick(3), 0, 500, NULL);
}

/* Removes idle objects with their files, as a daemon does. */
static void work_sweep(struct table *table, unsigned int most)
{
	uint64_t now = clock_mono_usec(), cursor = 0, id;
	char name[32];

	while (most-- > 0 && entry_next_idle(table, &cursor, now, now, &id) == 0) {
		file_name(id, name);
		unlinkat(dirfd_, name, 0);
		entry_remove(table, id);
	}
}

static void work_once(struct table *table)
{
	uint64_t id;

	work_find(table, &id);
	switch (pick(10)) {
	case 0:
	case 1:
		work_make(table);
		break;
	case 2:
	case 3:
	case 4:
		work_count_in(table, id);
		break;
	case 5:
		opener_count_out(table, id, (pid_t)pick(PIDS) + 1, 0);
		break;
	case 6:
		opener_drop(table, (pid_t)pick(PIDS) + 1);
		break;
	case 7:
		opener_move(table, (pid_t)pick(PIDS) + 1, pick(COLUMNS), pick(9), pick(99));
		break;
	case 8:
		entry_unlink(table, id);
		if (pick(2))
			entry_set_owner(table, id, 100 + pick(5), 0, 0644);
		break;
	default:
		work_sweep(table, pick(20));
		break;
	}
}

static _Noreturn void work(void)
{
	struct table *table;

	if (table_open(dirfd_, "table", &table, NULL) < 0)
		abort();
	for (;;) {
		if (table_lock(table, NULL) < 0)
			abort();
		work_once(table);
		table_unlock(table);
	}
}

static pid_t start_worker(void)
{
	pid_t pid;

	seed += 7919;
	pid = fork();
	if (pid == 0)
		work();
	assert_true(pid > 0);
	return pid;
}

static void check(struct table *table, const char *when, unsigned int i)
{
	struct vc_err err = { 0 };

	if (table_lock(table, &err) < 0 || check_table(table, &err) < 0)
		fail_msg("%s %u: %s", when, i, err.text);
	table_unlock(table);
}

static void expect_nothing_left(struct table *table)
{
	struct table_opener opener;
	uint64_t cursor = 0, id;
	uint32_t used, capacity, at = 0;
	_cleanup_closedir_ DIR *stream = NULL;
	const struct dirent *entry;
	struct vc_err err = { 0 };

	assert_int_equal(table_lock(table, &err), 0);
	for (pid_t pid = 1; pid <= PIDS; pid++)
		opener_drop(table, pid);
	while (entry_next(table, &cursor, &id) == 0)
		entry_unlink(table, id);
	work_sweep(table, ENTRIES + 1);
	table_usage(table, &used, &capacity);
	assert_int_equal(used, 0);
	assert_int_equal(opener_next(table, &at, &opener), -ENOENT);
	if (check_table(table, &err) < 0)
		fail_msg("in the end: %s", err.text);
	table_unlock(table);
	stream = opendir(dir);
	while ((entry = readdir(stream)))
		if (entry->d_name[0] == 'o')
			fail_msg("the file %s is left", entry->d_name);
}

static void test_kills(void **state)
{
	const char *env = getenv("VCRUN_KILLS");
	unsigned int kills = env ? (unsigned int)atoi(env) : 500;
	pid_t workers[WORKERS];
	struct table *table;
	struct vc_err err;

	assert_int_equal(table_create(dirfd_, "table", COLUMNS, ENTRIES, &err), 0);
	assert_int_equal(table_open(dirfd_, "table", &table, &err), 0);
	for (int i = 0; i < WORKERS; i++)
		workers[i] = start_worker();
	for (unsigned int i = 0; i < kills; i++) {
		unsigned int victim = pick(WORKERS);
		int status;

		clock_sleep_usec(pick(3000));
		kill(workers[victim], SIGKILL);
		waitpid(workers[victim], &status, 0);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
			fail_msg("a worker ended by itself: status %x", status);
		check(table, "after kill", i);
		workers[victim] = start_worker();
	}
	for (int i = 0; i < WORKERS; i++) {
		kill(workers[i], SIGKILL);
		waitpid(workers[i], NULL, 0);
	}
	check(table, "after all kills", kills);
	expect_nothing_left(table);
	print_message("%u kills, %llu of them in the middle of an update\n", kills,
		      (unsigned long long)table_repairs(table));
	/* Otherwise this has tested nothing. */
	assert_true(table_repairs(table) * 20 > kills);
	table_close(table);
}

static int set_up(void **state)
{
	const char *env = getenv("VCRUN_SEED");

	seed = env ? (unsigned int)atoi(env) : (unsigned int)getpid();
	print_message("VCRUN_SEED=%u\n", seed);
	if (!mkdtemp(dir))
		return -1;
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd_ < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	close(dirfd_);
	return file_remove_tree(AT_FDCWD, dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_kills) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
