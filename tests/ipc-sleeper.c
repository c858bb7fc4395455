// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-sleeper.c - a program asleep in calls that no move may interrupt
 *
 *	ipc-sleeper
 *
 * One child each waits in msgrcv(), semop(), mq_timedreceive() and poll(); "asleep" on standard
 * output when they do. On SIGTERM they get what they wait for. Exit status 0: it was what ended
 * their calls, nothing before. From a first SIGUSR1 to the next it has a semaphore of the kernel's
 * own, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/raw-call.h"

#define MQ_NAME "/vcipc-sleeper"
#define MQ_POLLED "/vcipc-sleeper-polled"

#define WAITS 4

static int msg, sem;
static mqd_t mq, polled;

static int wait_msg(void)
{
	struct {
		long type;
		char text[8];
	} message;

	return msgrcv(msg, &message, sizeof(message.text), 0, 0) == 1 ? 0 : errno;
}

static int wait_sem(void)
{
	return semop(sem, &(struct sembuf){ .sem_op = -1 }, 1) == 0 ? 0 : errno;
}

static int wait_mq(void)
{
	struct timespec until = { .tv_sec = time(NULL) + 3600 };
	char text[8];

	return mq_timedreceive(mq, text, sizeof(text), NULL, &until) == 1 ? 0 : errno;
}

/* Of a queue of its own: nobody else takes its message. */
static int wait_poll(void)
{
	struct pollfd pfd = { .fd = polled, .events = POLLIN };

	return poll(&pfd, 1, -1) == 1 && pfd.revents == POLLIN ? 0 : errno;
}

static int make(void)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 8 };

	msg = msgget(IPC_PRIVATE, 0600);
	sem = semget(IPC_PRIVATE, 1, 0600);
	mq = mq_open(MQ_NAME, O_RDWR | O_CREAT, 0600, &attr);
	polled = mq_open(MQ_POLLED, O_RDWR | O_CREAT, 0600, &attr);
	return msg < 0 || sem < 0 || mq < 0 || polled < 0 ? -1 : 0;
}

static void release(void)
{
	struct {
		long type;
		char text[8];
	} message = { .type = 1 };

	msgsnd(msg, &message, 1, 0);
	semop(sem, &(struct sembuf){ .sem_op = 1 }, 1);
	mq_send(mq, "", 1, 0);
	mq_send(polled, "", 1, 0);
}

static void unmake(void)
{
	msgctl(msg, IPC_RMID, NULL);
	semctl(sem, 0, IPC_RMID);
	mq_unlink(MQ_NAME);
	mq_unlink(MQ_POLLED);
}

/* Past the library that maps the calls. */
static void toggle(int *id)
{
	if (*id < 0) {
		*id = (int)raw_call(SYS_semget, IPC_PRIVATE, 1, 0600, 0);
	} else {
		raw_call(SYS_semctl, *id, 0, IPC_RMID, 0);
		*id = -1;
	}
}

int main(void)
{
	static int (*const waits[WAITS])(void) = { wait_msg, wait_sem, wait_mq, wait_poll };
	static const char *const names[WAITS] = { "msgrcv", "semop", "mq_timedreceive", "poll" };
	pid_t pids[WAITS];
	sigset_t set;
	int status, signal, id = -1, result = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (make() < 0) {
		perror("ipc-sleeper");
		return 1;
	}
	for (int i = 0; i < WAITS; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(waits[i]());
	}
	sleep(1);
	puts("asleep");
	fflush(stdout);
	while (sigwait(&set, &signal) == 0 && signal == SIGUSR1)
		toggle(&id);
	release();
	for (int i = 0; i < WAITS; i++) {
		waitpid(pids[i], &status, 0);
		if (status == 0)
			continue;
		printf("%s: %s\n", names[i], strerror(WEXITSTATUS(status)));
		result = 1;
	}
	unmake();
	return result;
}
