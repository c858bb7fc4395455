// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-inject.c - calls injected into a process leave no trace but their effect
 *
 * Each test has a victim in one state (computing, asleep in a call, stopped, filtered),
 * injects into it, lets it go, and asks it what it noticed.
 */
#include "libmig/module/inject.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Shared with the victim. */
static volatile struct {
	unsigned long count;  /* how far a computing victim is */
	unsigned long broken; /* times that it found its own state changed */
	int handled;          /* signals that its handler has seen */
	int ready;
	int answer;
	char selector; /* of syscall user dispatch */
} * board;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static pid_t victim_start(void (*f)(int fd), int *ret_fd)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	memset((void *)board, 0, sizeof(*board));
	pid = fork();
	if (pid == 0) {
		close(fds[1]);
		f(fds[0]);
		_exit(0);
	}
	close(fds[0]);
	*ret_fd = fds[1];
	while (!board->ready)
		usleep(100);
	return pid;
}

static void victim_end(pid_t pid, int fd)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
}

/* The state letter of /proc/PID/stat. */
static char victim_state(pid_t pid)
{
	char path[32], text[256];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	assert_non_null(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	return strrchr(text, ')')[2];
}

static void victim_await(pid_t pid, char state)
{
	for (int i = 0; i < 20000 && victim_state(pid) != state; i++)
		usleep(100);
	assert_int_equal(victim_state(pid), state);
}

static void seize(pid_t pid)
{
	int status;

	assert_int_equal(ptrace(PTRACE_SEIZE, pid, 0, 0), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, 0, 0), 0);
	assert_int_equal(waitpid(pid, &status, __WALL), pid);
	assert_int_equal(status >> 16, PTRACE_EVENT_STOP);
}

static void begin(struct inject *inject, pid_t pid)
{
	seize(pid);
	assert_int_equal(inject_begin(inject, pid, pid), 0);
}

static long run(struct inject *inject, long nr, uint64_t first, uint64_t second)
{
	struct inject_call call = { .nr = nr, .args = { first, second } };
	long value = -1;

	assert_int_equal(inject_run(inject, &call, &value), 0);
	return value;
}

static void end(struct inject *inject)
{
	assert_int_equal(inject_end(inject), 0);
	assert_int_equal(ptrace(PTRACE_DETACH, inject->tid, 0, 0), 0);
}

/* --- a program that computes ----------------------------------------------------------------- */

/* Its registers and the bytes below its stack pointer are all in use. */
static void compute(int fd)
{
	board->ready = 1;
	for (unsigned long i = 1;; i++) {
		volatile unsigned long a = i * 3;
		double b = (double)i / 7;

		for (int k = 0; k < 100; k++)
			b += (double)(a ^ i) / 3;
		if (a != i * 3 || b != b || board->count != i - 1)
			board->broken++;
		board->count = i;
	}
}

static void test_computing(void **state)
{
	struct inject inject;
	unsigned long before;
	int fd;
	pid_t pid = victim_start(compute, &fd);

	for (int i = 0; i < 20; i++) {
		begin(&inject, pid);
		before = board->count;
		for (int k = 0; k < 10; k++)
			assert_int_equal(run(&inject, SYS_getpid, 0, 0), pid);
		assert_int_equal(run(&inject, SYS_close, 12345, 0), -EBADF);
		/* Not one instruction of the program. */
		assert_int_equal(board->count, before);
		end(&inject);
		while (board->count == before)
			usleep(10);
	}
	assert_int_equal(board->broken, 0);
	victim_end(pid, fd);
}

static void test_data(void **state)
{
	struct inject inject;
	struct inject_call call = {
		.nr = SYS_prctl, .args = { PR_SET_NAME, 0 }, .pointers = 1 << 1, .size = 16
	};
	int fd;
	long value = -1;
	pid_t pid = victim_start(compute, &fd);

	for (int bad_stack = 0; bad_stack < 2; bad_stack++) {
		snprintf((char *)call.data, 16, "injected-%d", bad_stack);
		call.args[0] = PR_SET_NAME;
		begin(&inject, pid);
#ifdef __x86_64__
		uint64_t sp = inject.regs.user.rsp;

		if (bad_stack)
			inject.regs.user.rsp = 8;
#endif
		assert_int_equal(inject_run(&inject, &call, &value), 0);
		assert_int_equal(value, 0);
		memset(call.data, 0, sizeof(call.data));
		call.args[0] = PR_GET_NAME;
		assert_int_equal(inject_run(&inject, &call, &value), 0);
		assert_int_equal(value, 0);
		assert_string_equal((char *)call.data, bad_stack ? "injected-1" : "injected-0");
#ifdef __x86_64__
		inject.regs.user.rsp = sp;
#endif
		end(&inject);
	}
	call.size = INJECT_DATA_MAX + 1;
	begin(&inject, pid);
	assert_int_equal(inject_run(&inject, &call, &value), -E2BIG);
	end(&inject);
	assert_int_equal(board->broken, 0);
	victim_end(pid, fd);
}

/* --- programs asleep in a call --------------------------------------------------------------- */

static void sleep_on(int fd)
{
	struct timespec t = { .tv_nsec = 400000000 };
	double begun = now();

	board->ready = 1;
	board->answer = nanosleep(&t, NULL) == 0 && now() - begun >= 0.4 ? 1 : 2;
}

static void read_on(int fd)
{
	char byte;

	board->ready = 1;
	board->answer = read(fd, &byte, 1) == 1 && byte == 'x' ? 1 : 2;
}

static void poll_on(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	double begun = now();

	board->ready = 1;
	board->answer = poll(&pfd, 1, 400) == 0 && now() - begun >= 0.4 ? 1 : 2;
}

static void test_asleep(void **state)
{
	void (*const victims[])(int) = { sleep_on, read_on, poll_on };

	for (size_t i = 0; i < sizeof(victims) / sizeof(victims[0]); i++) {
		struct inject inject;
		int fd, status;
		pid_t pid = victim_start(victims[i], &fd);

		for (int k = 0; k < 5; k++) {
			victim_await(pid, 'S');
			begin(&inject, pid);
			assert_int_equal(run(&inject, SYS_getpid, 0, 0), pid);
			end(&inject);
		}
		victim_await(pid, 'S');
		assert_int_equal(board->answer, 0);
		assert_int_equal(write(fd, "x", victims[i] == read_on), victims[i] == read_on);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(board->answer, 1);
		close(fd);
	}
}

static void on_signal(int signal)
{
	board->handled++;
}

/* SIGUSR1 gets through in sigsuspend() only. */
static void suspend(int fd)
{
	sigset_t mask, outer;

	signal(SIGUSR1, on_signal);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_BLOCK, &mask, &outer);
	sigdelset(&outer, SIGUSR1);
	board->ready = 1;
	sigsuspend(&outer);
	sigprocmask(SIG_BLOCK, NULL, &outer);
	board->answer = sigismember(&outer, SIGUSR1) ? 1 : 2;
}

static void test_suspended(void **state)
{
	for (int during = 0; during < 2; during++) {
		struct inject inject;
		int fd, status;
		pid_t pid = victim_start(suspend, &fd);

		victim_await(pid, 'S');
		begin(&inject, pid);
		assert_int_equal(run(&inject, SYS_getpid, 0, 0), pid);
		if (during)
			kill(pid, SIGUSR1);
		assert_int_equal(run(&inject, SYS_getpid, 0, 0), pid);
		assert_int_equal(board->handled, 0);
		end(&inject);
		if (!during) {
			victim_await(pid, 'S');
			kill(pid, SIGUSR1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(board->handled, 1);
		assert_int_equal(board->answer, 1);
		close(fd);
	}
}

/* --- signals and stops ----------------------------------------------------------------------- */

static void compute_with_handler(int fd)
{
	signal(SIGUSR1, on_signal);
	compute(fd);
}

static void test_signal_waits(void **state)
{
	struct inject inject;
	int fd;
	pid_t pid = victim_start(compute_with_handler, &fd);

	begin(&inject, pid);
	assert_int_equal(run(&inject, SYS_getpid, 0, 0), pid);
	kill(pid, SIGUSR1);
	assert_int_equal(run(&inject, SYS_getpid, 0, 0), pid);
	assert_int_equal(board->handled, 0);
	end(&inject);
	for (int i = 0; i < 20000 && !board->handled; i++)
		usleep(100);
	assert_int_equal(board->handled, 1);
	assert_int_equal(board->broken, 0);
	victim_end(pid, fd);
}

/* A stopped program, and one with a stop on its way, are stopped afterwards. */
static void test_stopped(void **state)
{
	for (int pending = 0; pending < 2; pending++) {
		struct inject inject;
		unsigned long before;
		int fd;
		pid_t pid = victim_start(compute, &fd);

		if (!pending) {
			kill(pid, SIGSTOP);
			victim_await(pid, 'T');
		}
		seize(pid);
		if (pending)
			kill(pid, SIGSTOP);
		assert_int_equal(inject_begin(&inject, pid, pid), 0);
		before = board->count;
		assert_int_equal(run(&inject, SYS_getpid, 0, 0), pid);
		assert_int_equal(run(&inject, SYS_getppid, 0, 0), getpid());
		end(&inject);
		victim_await(pid, 'T');
		usleep(20000);
		assert_int_equal(board->count, before);
		kill(pid, SIGCONT);
		for (int i = 0; i < 20000 && board->count == before; i++)
			usleep(100);
		assert_true(board->count > before);
		victim_end(pid, fd);
	}
}

/* SIGCONT takes back the stop before it. */
static void test_continued(void **state)
{
	struct inject inject;
	unsigned long before;
	int fd;
	pid_t pid = victim_start(compute, &fd);

	seize(pid);
	kill(pid, SIGSTOP);
	assert_int_equal(inject_begin(&inject, pid, pid), 0);
	assert_int_equal(run(&inject, SYS_getpid, 0, 0), pid);
	kill(pid, SIGCONT);
	before = board->count;
	end(&inject);
	for (int i = 0; i < 20000 && board->count == before; i++)
		usleep(100);
	assert_true(board->count > before);
	victim_end(pid, fd);
}

static void test_killed(void **state)
{
	struct inject_call call = { .nr = SYS_getpid };
	struct inject inject;
	int fd;
	long value;
	bool changed;
	pid_t pid = victim_start(compute, &fd);

	begin(&inject, pid);
	kill(pid, SIGKILL);
	assert_int_equal(inject_run(&inject, &call, &value), -ESRCH);
	/* It may have died before anything of it was changed. Then nothing fails. */
	changed = inject.ran;
	assert_int_equal(inject_end(&inject) < 0, changed);
	victim_end(pid, fd);
}

/* --- programs that have their system calls filtered ------------------------------------------ */

static void filtered(int fd)
{
	struct sock_filter kill_all[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS) };
	struct sock_fprog filter = { .len = 1, .filter = kill_all };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
		_exit(1);
	compute(fd);
}

static void test_seccomp(void **state)
{
	struct inject inject;
	unsigned long before;
	int fd, status;
	pid_t pid = victim_start(filtered, &fd);

	begin(&inject, pid);
	assert_int_equal(run(&inject, SYS_getpid, 0, 0), pid);
	before = board->count;
	end(&inject);
	while (board->count == before && waitpid(pid, &status, WNOHANG) == 0)
		usleep(10);
	assert_true(board->count > before);
	victim_end(pid, fd);
}

#ifdef __x86_64__
/* Another thread has put its own code where the instruction was: the call that its filter forbids,
 * or one of the same number by the 32-bit entry. */
static void test_replaced(void **state)
{
	static const uint8_t codes[][16] = {
		{ 0xb8, SYS_getppid, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xfe },
		{ 0xcd, 0x80, 0xeb, 0xfe },
		{ 0x66, 0x0f, 0x05, 0xeb, 0xfe },
	};
	uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(page, MAP_FAILED);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct inject_call call = { .nr = SYS_getpid };
		struct inject inject;
		unsigned long before;
		long value = -1;
		int fd;
		pid_t pid = victim_start(filtered, &fd);

		memcpy(page, codes[i], sizeof(codes[i]));
		begin(&inject, pid);
		inject.instruction = (uintptr_t)page;
		assert_true(inject_run(&inject, &call, &value) < 0);
		assert_int_equal(value, -1);
		before = board->count;
		end(&inject);
		while (board->count == before && victim_state(pid) != 'Z')
			usleep(10);
		assert_true(board->count > before);
		victim_end(pid, fd);
	}
	munmap(page, 4096);
}
#endif

#ifdef PR_SET_SYSCALL_USER_DISPATCH
static void on_dispatch(int signal)
{
	board->handled++;
	board->selector = SYSCALL_DISPATCH_FILTER_ALLOW;
}

static void dispatched(int fd)
{
	board->selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	signal(SIGSYS, on_dispatch);
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &board->selector) < 0)
		_exit(1);
	board->selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	board->ready = 1;
	while (!board->answer)
		;
	getppid();
	board->answer = 2;
	for (;;)
		;
}

/* It catches its own calls, before and after, and none of ours. */
static void test_dispatch(void **state)
{
	struct inject inject;
	int fd;
	pid_t pid = victim_start(dispatched, &fd);

	begin(&inject, pid);
	assert_int_equal(run(&inject, SYS_getpid, 0, 0), pid);
	end(&inject);
	usleep(1000);
	assert_int_equal(board->handled, 0);
	board->answer = 1;
	for (int i = 0; i < 20000 && board->answer != 2; i++)
		usleep(100);
	assert_int_equal(board->handled, 1);
	victim_end(pid, fd);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_computing),    cmocka_unit_test(test_data),
		cmocka_unit_test(test_asleep),       cmocka_unit_test(test_suspended),
		cmocka_unit_test(test_signal_waits), cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_continued),    cmocka_unit_test(test_killed),
		cmocka_unit_test(test_seccomp),
#ifdef __x86_64__
		cmocka_unit_test(test_replaced),
#endif
#ifdef PR_SET_SYSCALL_USER_DISPATCH
		cmocka_unit_test(test_dispatch),
#endif
	};

	if (geteuid() != 0)
		return 77;
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (board == MAP_FAILED)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
