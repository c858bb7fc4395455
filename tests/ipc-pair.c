// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-pair.c - two programs that know nothing of vcrun share queues, semaphores and memory
 *
 *	ipc-pair ping|pong STOPFILE
 *
 * ping sends a number through a System V queue, pong gives it back through a POSIX one, and
 * each turn both add one to a counter in shared memory, under a System V semaphore with
 * SEM_UNDO; a named POSIX semaphore lets pong begin each turn. When STOPFILE is there ping
 * ends it, and both print the turns. Any call that fails, EINTR included, any number that is
 * not the next one, and any count that is wrong, ends the program with 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

#define KEY 0x56430010
#define END (-1L)

struct turn {
	long type;
	long number;
};

struct shared {
	volatile long counter, readers;
};

static int queue, lock;
static struct shared *shared;
static mqd_t back;
static sem_t *begin;

static long check(const char *call, long r)
{
	if (r >= 0)
		return r;
	fprintf(stderr, "%s: %s\n", call, strerror(errno));
	exit(1);
}

#define CHECK(call) check(#call, (long)(call))

static struct timespec in_a_minute(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += 60;
	return ts;
}

static void open_all(void)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = sizeof(long) };

	queue = (int)CHECK(msgget(KEY, IPC_CREAT | 0600));
	lock = (int)CHECK(semget(KEY, 2, IPC_CREAT | 0600));
	shared = shmat((int)CHECK(shmget(KEY, sizeof(*shared), IPC_CREAT | 0600)), NULL, 0);
	back = (mqd_t)CHECK(mq_open("/ipc-pair", O_CREAT | O_RDWR, 0600, &attr));
	begin = sem_open("/ipc-pair", O_CREAT, 0600, 0);
	if (shared == (void *)-1 || begin == SEM_FAILED)
		check("shmat, sem_open", -1);
}

/* The lock is "wait until it is zero, and make it one": two operations at once. */
static void count(void)
{
	struct sembuf take[] = { { 0, 0, 0 }, { 0, 1, SEM_UNDO } }, give = { 0, -1, SEM_UNDO };
	struct timespec minute = { .tv_sec = 60 };
	long was;

	CHECK(semtimedop(lock, take, 2, &minute));
	was = shared->counter;
	for (int i = 0; i < 100; i++)
		__asm__ volatile("");
	shared->counter = was + 1;
	CHECK(semop(lock, &give, 1));
}

static void ping(const char *stop)
{
	struct turn turn = { .type = 1 };
	struct timespec until;
	long number;

	do {
		turn.number = access(stop, F_OK) == 0 ? END : turn.number + 1;
		CHECK(sem_post(begin));
		CHECK(msgsnd(queue, &turn, sizeof(long), 0));
		until = in_a_minute();
		CHECK(mq_timedreceive(back, (char *)&number, sizeof(number), NULL, &until));
		if (number != turn.number) {
			fprintf(stderr, "sent %ld, got %ld back\n", turn.number, number);
			exit(1);
		}
		count();
	} while (turn.number != END);
}

static long pong(void)
{
	struct turn turn;
	long turns = 0;
	struct timespec until;

	for (;;) {
		until = in_a_minute();
		CHECK(sem_timedwait(begin, &until));
		CHECK(msgrcv(queue, &turn, sizeof(long), -2, 0));
		turns++;
		if (turn.number != END && turn.number != turns) {
			fprintf(stderr, "turn %ld came as number %ld\n", turns, turn.number);
			exit(1);
		}
		count();
		CHECK(mq_send(back, (char *)&turn.number, sizeof(long), 0));
		if (turn.number == END)
			return turns;
	}
}

int main(int argc, char **argv)
{
	long turns;

	if (argc != 3)
		return 2;
	open_all();
	if (!strcmp(argv[1], "ping")) {
		ping(argv[2]);
		return 0;
	}
	turns = pong();
	/* ping has counted once more by the time it leaves the lock. */
	for (int i = 0; i < 100 && shared->counter < 2 * turns; i++)
		usleep(20000);
	if (shared->counter != 2 * turns) {
		fprintf(stderr, "%ld turns, but the counter is %ld\n", turns, shared->counter);
		return 1;
	}
	printf("%ld\n", turns);
	return 0;
}
