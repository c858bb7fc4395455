// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-halfway.c - an object is whole as soon as it has a name
 *
 * A child makes a queue, then a semaphore, and is stopped at each of its system calls. Each time
 * the parent opens the object: there is none yet, or it is as the child has asked for it. It must
 * still be the same one when the child has done. Prints a line for each kind: stops, and in how
 * many there was an object.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "/ipc-halfway"
#define VALUE 7

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static int make_queue(void)
{
	struct mq_attr attr = { .mq_maxmsg = VALUE, .mq_msgsize = 64 };
	mqd_t fd = mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);

	return fd < 0 ? -1 : mq_send(fd, "made", 4, 0);
}

static int make_semaphore(void)
{
	sem_t *sem = sem_open(NAME, O_CREAT | O_EXCL, 0600, VALUE);

	return sem == SEM_FAILED ? -1 : sem_post(sem);
}

/* 0: there is none; 1: it is whole. */
static int look_at_queue(void)
{
	mqd_t fd = mq_open(NAME, O_RDWR);
	struct mq_attr attr;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || mq_getattr(fd, &attr) < 0)
		fail("the queue that is being made");
	mq_close(fd);
	errno = EPROTO;
	if (attr.mq_maxmsg != VALUE)
		fail("its attributes");
	return 1;
}

static int look_at_semaphore(void)
{
	sem_t *sem = sem_open(NAME, 0);
	int value;

	if (sem == SEM_FAILED && errno == ENOENT)
		return 0;
	if (sem == SEM_FAILED || sem_getvalue(sem, &value) < 0)
		fail("the semaphore that is being made");
	sem_close(sem);
	errno = EPROTO;
	if (value != VALUE && value != VALUE + 1)
		fail("its value");
	return 1;
}

/* What the child has done last is in it. */
static void check_queue(void)
{
	mqd_t fd = mq_open(NAME, O_RDWR | O_NONBLOCK);
	char message[64];

	if (fd < 0 || mq_receive(fd, message, sizeof(message), NULL) != 4)
		fail("the child's queue");
	mq_close(fd);
	mq_unlink(NAME);
}

static void check_semaphore(void)
{
	sem_t *sem = sem_open(NAME, 0);
	int value = 0;

	if (sem == SEM_FAILED || sem_getvalue(sem, &value) < 0 || value != VALUE + 1)
		fail("the child's semaphore");
	sem_close(sem);
	sem_unlink(NAME);
}

static pid_t start(int (*make)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(make() < 0);
	}
	return pid;
}

static void run(const char *kind, int (*make)(void), int (*look)(void), void (*check)(void))
{
	int status, stops = 0, there = 0;
	pid_t pid = start(make);

	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		int is_there = look();

		errno = EPROTO;
		if (there > 0 && !is_there)
			fail("the object that was there");
		stops++;
		there += is_there;
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	}
	errno = EPROTO;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail("the child");
	check();
	printf("%s: %d %d\n", kind, stops, there);
}

int main(void)
{
	run("queue", make_queue, look_at_queue, check_queue);
	run("semaphore", make_semaphore, look_at_semaphore, check_semaphore);
	return 0;
}
