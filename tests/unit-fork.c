// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-fork.c - a process that is made to fork runs on as before, and another process is left alone
 */
#include "libmig/live/fork.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static volatile unsigned long *count; /* shared with the victim */

static pid_t victim_start(int *ret_pidfd)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			++*count;
	*ret_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	assert_true(*ret_pidfd >= 0);
	return pid;
}

static void victim_end(pid_t pid, int pidfd)
{
	close(pidfd);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void assert_runs(pid_t pid)
{
	unsigned long before = *count;

	for (int i = 0; i < 20000 && *count == before; i++)
		usleep(100);
	assert_true(*count > before);
	/* Nobody traces it. */
	assert_int_equal(ptrace(PTRACE_SEIZE, pid, 0, 0), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, 0, 0), 0);
	assert_int_equal(waitpid(pid, NULL, __WALL), pid);
	assert_int_equal(ptrace(PTRACE_DETACH, pid, 0, 0), 0);
}

static void test_forks(void **state)
{
	int pidfd;
	pid_t pid = victim_start(&pidfd);

	for (int i = 0; i < 20; i++) {
		struct forked forked;
		pid_t child;

		assert_int_equal(fork_begin(pid, pidfd, &forked), 0);
		child = forked.child;
		assert_int_equal(kill(child, 0), 0);
		assert_int_equal(fork_end(&forked), 0);
		assert_int_equal(kill(child, 0), -1);
	}
	assert_runs(pid);
	victim_end(pid, pidfd);
}

/* The process whose number this was has ended. */
static void test_other_process(void **state)
{
	struct forked forked;
	int pidfd, ended;
	pid_t other = victim_start(&ended), pid;

	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	pid = victim_start(&pidfd);
	assert_int_equal(fork_begin(pid, ended, &forked), -ESRCH);
	assert_int_equal(forked.child, 0);
	assert_int_equal(fork_end(&forked), 0);
	assert_runs(pid);
	close(ended);
	victim_end(pid, pidfd);
}

static void test_killed(void **state)
{
	struct forked forked;
	int pidfd;
	pid_t pid = victim_start(&pidfd);

	assert_int_equal(fork_begin(pid, pidfd, &forked), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, __WALL), pid);
	assert_true(fork_end(&forked) < 0);
	assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1);
	close(pidfd);
}

/* Its child is killed by another process: the number must not be used any more. */
static void test_child_killed(void **state)
{
	struct forked forked;
	int pidfd;
	pid_t pid = victim_start(&pidfd);

	assert_int_equal(fork_begin(pid, pidfd, &forked), 0);
	kill(forked.child, SIGKILL);
	assert_int_equal(fork_end(&forked), 0);
	assert_runs(pid);
	victim_end(pid, pidfd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forks),
		cmocka_unit_test(test_other_process),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_child_killed),
	};
	sigset_t child;

	if (geteuid() != 0)
		return 77;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (count == MAP_FAILED)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
