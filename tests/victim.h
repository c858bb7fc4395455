/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * victim.h - processes to be looked at: forked, set up, ready, ended
 *
 * A victim is a session leader that sets up one thing and then waits. It says
 * that it is ready by closing a pipe, in all its processes, so that it holds
 * nothing that it did not ask for. One lives at a time.
 */
#ifndef VC_TESTS_VICTIM_H
#define VC_TESTS_VICTIM_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define KEPT 100         /* a victim keeps the two descriptors from here on */
#define READY (KEPT - 1) /* closed by all of a victim's processes: it is ready */

static pid_t victim_current; /* the one that lives; 0: none */

/* For victims: what is not to be had here is no failure of ours. */
#define NEED(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			_exit(77);                                                                 \
	} while (0)

static inline void victim_wait(void)
{
	close(READY);
	for (;;)
		pause();
}

static inline void victim_close_all(void)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < KEPT; fd++)
		if (fd != READY && fd != null)
			close(fd);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	close_range(KEPT + 2, ~0u, 0);
}

static inline void victim_end(pid_t pid)
{
	victim_current = 0;
	if (pid <= 0)
		return;
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	/* Its orphans come to us, as we are their subreaper. */
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

/* For cmocka_run_group_tests(): orphans of victims come to the test program. */
static inline int victim_group_setup(void **state)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* A failed test leaves its victim behind. */
static inline int victim_group_teardown(void **state)
{
	victim_end(victim_current);
	return 0;
}

/* The pid of a ready victim; 0: it cannot be had here. */
static inline pid_t victim_start(void (*setup)(void))
{
	int ready[2], status;
	char byte;
	pid_t pid;

	/* One that a failed test left behind. */
	victim_end(victim_current);
	assert_return_code(pipe(ready), errno);
	pid = fork();
	assert_return_code(pid, errno);
	if (pid == 0) {
		dup2(ready[1], READY);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setsid();
		victim_close_all();
		setup();
		victim_wait();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	victim_current = pid;
	if (waitpid(pid, &status, WNOHANG) == 0)
		return pid;
	victim_current = 0;
	assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -status, 77);
	return 0;
}

/* A thread that waits for ever. */
static inline void *victim_pause(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* Adds three threads. */
static inline void victim_add_threads(void)
{
	pthread_t thread;

	for (int i = 0; i < 3; i++)
		NEED(pthread_create(&thread, NULL, victim_pause, NULL) == 0);
}

#endif
