// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-inventory.c - libmig/inventory: the tree, its memory, and the attributes of its threads
 */
#include "libmig/inventory/inventory.h"

#include <linux/ioprio.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "common/clock.h"
#include "tests/victim.h"

#define MIB (1u << 20)

static void make_nothing(void)
{
}

static void make_tree(void)
{
	pid_t zombie;
	siginfo_t info;

	victim_add_threads();
	if (fork() == 0) {
		if (fork() == 0)
			victim_wait();
		victim_wait();
	}
	zombie = fork();
	if (zombie == 0)
		_exit(0);
	NEED(waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT) == 0);
}

static void test_tree(void **state)
{
	pid_t pid = victim_start(make_tree);
	struct inventory *inv = NULL;
	struct vc_err err = { 0 };

	if (inventory_take(pid, &inv, &err) < 0)
		fail_msg("%s", err.text);
	/* Root, child, grandchild, zombie; threads: 4 + 1 + 1, and none of the zombie. */
	assert_int_equal(inv->n_pids, 4);
	assert_int_equal(inv->pids[0], pid);
	assert_int_equal(inv->n_tasks, 6);
	assert_false(inv->shell_job);
	inventory_free(inv);
	victim_end(pid);
}

static void make_memory(void)
{
	char *private =
		mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared =
		mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	memset(private, 1, 4 * MIB);
	memset(shared, 1, 8 * MIB);
	/* Shared memory counts once, however many share it. */
	for (int i = 0; i < 2; i++)
		if (fork() == 0)
			victim_wait();
}

static struct inventory *take(void (*setup)(void))
{
	pid_t pid = victim_start(setup);
	struct inventory *inv = NULL;
	struct vc_err err = { 0 };

	if (inventory_take(pid, &inv, &err) < 0)
		fail_msg("%s", err.text);
	victim_end(pid);
	return inv;
}

static void test_memory(void **state)
{
	struct inventory *inv = take(make_nothing);
	uint64_t before = inv->mem_bytes;

	inventory_free(inv);
	inv = take(make_memory);
	assert_int_equal(inv->n_pids, 3);
	/* The private part three times, as fork has it in each; the shared part once. */
	assert_in_range(inv->mem_bytes, 3 * 4 * MIB + 8 * MIB, 3 * (4 * MIB + before) + 9 * MIB);
	inventory_free(inv);
}

static void make_fork_bomb(void)
{
	close(READY);
	for (;;)
		if (fork() == 0) {
			clock_sleep_usec(300);
			_exit(0);
		} else {
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
		}
}

static void test_moving_tree(void **state)
{
	pid_t pid = victim_start(make_fork_bomb), *pids = NULL;
	uint64_t since = clock_mono_usec();
	size_t n = 0;

	for (int i = 0; i < 20; i++) {
		struct inventory *inv = NULL;
		struct vc_err err = { 0 };
		int r = inventory_take(pid, &inv, &err);

		if (r < 0)
			fail_msg("%s", err.text);
		inventory_free(inv);
		assert_return_code(inventory_tree_pids(pid, &pids, &n, &err), err.code);
		assert_int_equal(pids[0], pid);
		free(pids);
	}
	assert_in_range(clock_mono_usec() - since, 0, 10 * 1000 * 1000);
	victim_end(pid);
}

static void test_gone(void **state)
{
	struct inventory *inv = NULL;
	struct vc_err err = { 0 };
	pid_t pid = victim_start(make_nothing);

	victim_end(pid);
	assert_int_equal(inventory_take(pid, &inv, &err), -ESRCH);
	assert_int_equal(err.code, ESRCH);
	assert_int_equal(inventory_take(0, &inv, &err), -ESRCH);

	/* An unreaped root has ended, too. */
	pid = victim_start(make_nothing);
	kill(pid, SIGKILL);
	assert_return_code(waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), errno);
	assert_int_equal(inventory_take(pid, &inv, &err), -ESRCH);
	victim_end(pid);
}

static void write_proc(pid_t pid, const char *name, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_return_code(fd, errno);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
}

static void read_proc(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_return_code(fd, errno);
	len = read(fd, text, size - 1);
	text[len > 0 ? len : 0] = '\0';
	close(fd);
}

static void test_put_back(void **state)
{
	pid_t pid = victim_start(make_nothing);
	const int want_ioprio = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 6);
	struct inventory *inv = NULL;
	struct vc_err err = { 0 };
	char text[64], list[64] = "";
	cpu_set_t all, one, got;
	int last = -1;

	assert_return_code(sched_getaffinity(pid, sizeof(all), &all), errno);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		last = cpu;
		if (strlen(list) < 50)
			snprintf(list + strlen(list), 12, "%s%d", *list ? "," : "", cpu);
	}
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	assert_return_code(sched_setaffinity(pid, sizeof(one), &one), errno);
	assert_return_code(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, want_ioprio), errno);
	write_proc(pid, "timerslack_ns", "123456");
	write_proc(pid, "coredump_filter", "0x21");
	if (inventory_take(pid, &inv, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(inv->n_tasks, 1);
	assert_int_equal(inv->tasks[0].ioprio, want_ioprio);
	assert_int_equal(inv->tasks[0].timerslack_nsec, 123456);
	assert_int_equal(inv->tasks[0].coredump_filter, 0x21);
	assert_int_equal(inv->tasks[0].affinity.n, 1);

	assert_return_code(sched_setaffinity(pid, sizeof(all), &all), errno);
	assert_return_code(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, 0), errno);
	write_proc(pid, "timerslack_ns", "50000");
	write_proc(pid, "coredump_filter", "0x33");
	if (inventory_task_put_back(inv, list, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, pid), want_ioprio);
	read_proc(pid, "timerslack_ns", text, sizeof(text));
	assert_string_equal(text, "123456\n");
	read_proc(pid, "coredump_filter", text, sizeof(text));
	assert_string_equal(text, "00000021\n");
	assert_return_code(sched_getaffinity(pid, sizeof(got), &got), errno);
	if (inv->tasks[0].affinity.position)
		assert_memory_equal(&got, &one, sizeof(got));
	else
		assert_int_equal(CPU_COUNT(&all), 1);

	/* A smaller cpuset: what does not fit starts over at its first CPU. */
	snprintf(text, sizeof(text), "%d", (int)strtol(list, NULL, 10));
	if (inventory_task_put_back(inv, text, &err) < 0)
		fail_msg("%s", err.text);
	assert_return_code(sched_getaffinity(pid, sizeof(got), &got), errno);
	assert_int_equal(CPU_COUNT(&got), 1);
	assert_true(CPU_ISSET(strtol(list, NULL, 10), &got));

	assert_int_equal(inventory_task_put_back(inv, "3-1", &err), -EINVAL);
	victim_end(pid);
	assert_int_equal(inventory_task_put_back(inv, list, &err), -ESRCH);
	assert_non_null(strstr(err.text, "could not be restored"));
	inventory_free(inv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),        cmocka_unit_test(test_memory),
		cmocka_unit_test(test_moving_tree), cmocka_unit_test(test_gone),
		cmocka_unit_test(test_put_back),
	};

	if (geteuid() != 0) {
		puts("skipped: looking into other processes needs root");
		return 77;
	}
	return cmocka_run_group_tests(tests, victim_group_setup, victim_group_teardown);
}
