// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-interrupt.c - a signal interrupts a blocking call from its first moment on
 *
 * A child calls; as soon as it sleeps anywhere it gets a signal that has a handler, and its call
 * must return with EINTR. Prints how often that failed, a line a call.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 60
#define PATIENCE_USEC 2000000

static int queue, semaphore;
static mqd_t posix_queue;

static long in_msgrcv(void)
{
	struct {
		long type;
		char text[8];
	} message;

	return msgrcv(queue, &message, sizeof(message.text), 0, 0);
}

static long in_semop(void)
{
	struct sembuf take = { .sem_op = -1 };

	return semop(semaphore, &take, 1);
}

static long in_mq_receive(void)
{
	char message[8192];

	return mq_receive(posix_queue, message, sizeof(message), NULL);
}

static void on_signal(int signal)
{
	(void)signal;
}

static char state_of(pid_t pid)
{
	char path[32], text[256] = "";
	FILE *file;
	char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 'X';
	at = fgets(text, sizeof(text), file) ? strrchr(text, ')') : NULL;
	fclose(file);
	return at ? at[2] : 'X';
}

static bool is_interrupted(long (*call)(void))
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return false;
	if (pid == 0)
		_exit(call() < 0 && errno == EINTR ? 0 : 1);
	while (state_of(pid) == 'R')
		;
	kill(pid, SIGHUP);
	for (int i = 0; i < PATIENCE_USEC; i += 1000) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
		usleep(1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return false;
}

int main(void)
{
	static const struct {
		const char *name;
		long (*call)(void);
	} calls[] = { { "msgrcv", in_msgrcv },
		      { "semop", in_semop },
		      { "mq_receive", in_mq_receive } };
	struct sigaction action = { .sa_handler = on_signal };
	char name[32];

	sigaction(SIGHUP, &action, NULL);
	snprintf(name, sizeof(name), "/ipc-interrupt-%d", (int)getpid());
	queue = msgget(IPC_PRIVATE, 0600);
	semaphore = semget(IPC_PRIVATE, 1, 0600);
	posix_queue = mq_open(name, O_CREAT | O_RDWR, 0600, NULL);
	if (queue < 0 || semaphore < 0 || posix_queue == (mqd_t)-1)
		return 1;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		int lost = 0;

		for (int round = 0; round < ROUNDS; round++)
			lost += !is_interrupted(calls[i].call);
		printf("%s: %d of %d not interrupted\n", calls[i].name, lost, ROUNDS);
	}
	msgctl(queue, IPC_RMID, NULL);
	semctl(semaphore, 0, IPC_RMID);
	mq_unlink(name);
	return 0;
}
