/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * board-lib.h - what the unit tests of the load board share
 *
 * All fields of a sample are made from one number, so that a reader recognises a sample that is put
 * together from two. Writers are processes, and are killed.
 */
#ifndef VC_TESTS_BOARD_LIB_H
#define VC_TESTS_BOARD_LIB_H

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

static inline struct board *new_board(uint32_t n)
{
	struct board *board = NULL;
	struct vc_err err = { .code = 0 };

	if (board_create(state_fd, n, &err) < 0 || board_open(state_fd, &board, &err) < 0)
		fail_msg("board for %u: got '%s', expected success", n, err.text);
	return board;
}

static inline void check_u64(const char *what, uint64_t got, uint64_t expected)
{
	if (got != expected)
		fail_msg("%s: got %llu, expected %llu", what, (unsigned long long)got,
			 (unsigned long long)expected);
}

static inline void check_near(const char *what, double got, double expected, double tolerance)
{
	if (!(fabs(got - expected) <= tolerance))
		fail_msg("%s: got %f, expected %f +- %f", what, got, expected, tolerance);
}

static inline int is_up(const struct board *board, uint32_t slot, uint64_t now_usec)
{
	struct board_sample sample;

	board_read(board, slot, now_usec, &sample);
	return (sample.load.flags & VC_LOAD_UP) != 0;
}

/* Runs a function in a child that dies with us; it never returns. */
static inline pid_t start(void (*run)(struct board *board, int arg), struct board *board, int arg)
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

static inline int finish(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

static inline struct board_sample sample_of(uint64_t number)
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

static inline int setup(void **state)
{
	strcpy(dir, "/tmp/vcrun-board-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	state_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return state_fd < 0 ? -1 : 0;
}

static inline int teardown(void **state)
{
	close(state_fd);
	return file_remove_tree(AT_FDCWD, dir);
}

#endif
