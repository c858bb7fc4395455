// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * calls.c - times IPC calls, as a job of vcbench; see calls.h
 *
 * vccalls
 *
 * Calls of less than a microsecond are timed in hundreds.
 */
#include "bench/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SIZE 4096
#define HUNDRED 100

static int segment, set, queue;
static char name[64];

static void must(int well, const char *what)
{
	if (well)
		return;
	fprintf(stderr, "vccalls: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void new_segment(void)
{
	int id = shmget(IPC_PRIVATE, SIZE, 0600);
	void *memory = shmat(id, NULL, 0);

	must(memory != (void *)-1 && shmdt(memory) == 0 && shmctl(id, IPC_RMID, NULL) == 0,
	     "a segment");
}

static void new_set(void)
{
	must(semctl(semget(IPC_PRIVATE, 1, 0600), 0, IPC_RMID) == 0, "a semaphore set");
}

static void new_queue(void)
{
	must(msgctl(msgget(IPC_PRIVATE, 0600), IPC_RMID, NULL) == 0, "a message queue");
}

static void new_sem(void)
{
	must(sem_open(name, O_CREAT | O_EXCL, 0600, 1) != SEM_FAILED, "a semaphore");
}

static void open_sem(void)
{
	must(sem_close(sem_open(name, 0)) == 0, "a semaphore");
}

static void open_mq(void)
{
	must(mq_close(mq_open(name, O_RDWR)) == 0, "a POSIX message queue");
}

static void open_shm(void)
{
	must(close(shm_open(name, O_RDWR, 0)) == 0, "POSIX shared memory");
}

static void attach(void)
{
	must(shmdt(shmat(segment, NULL, 0)) == 0, "a segment");
}

static void stat_shm(void)
{
	struct shmid_ds ds;

	must(shmctl(segment, IPC_STAT, &ds) == 0, "a segment");
}

static void stat_sem(void)
{
	struct semid_ds ds;

	must(semctl(set, 0, IPC_STAT, &ds) == 0, "a semaphore set");
}

static void stat_msg(void)
{
	struct msqid_ds ds;

	must(msgctl(queue, IPC_STAT, &ds) == 0, "a message queue");
}

/* --- the floor --------------------------------------------------------------------------- */

static int peer; /* a socket */

union passed_fd {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(int))];
};

static void peer_pass_file(int to, int fd)
{
	union passed_fd control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
					      .cmsg_level = SOL_SOCKET,
					      .cmsg_type = SCM_RIGHTS } };
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	must(sendmsg(to, &message, 0) == 1, "sendmsg");
}

static int peer_make_file(void)
{
	int fd = memfd_create("vccalls", MFD_CLOEXEC);

	must(fd >= 0 && ftruncate(fd, SIZE) == 0, "a file");
	return fd;
}

/* Ends with the program. */
static void peer_serve(int from)
{
	int old = peer_make_file(), new;
	char byte;

	while (recv(from, &byte, 1, 0) == 1) {
		switch (byte) {
		case 'f':
			peer_pass_file(from, old);
			break;
		case 'n':
			new = peer_make_file();
			peer_pass_file(from, new);
			close(new);
			break;
		default:
			must(send(from, &byte, 1, 0) == 1, "send");
		}
	}
	_exit(0);
}

static void peer_start(void)
{
	int pair[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
	fflush(stdout);
	switch (fork()) {
	case -1:
		must(0, "fork");
		break;
	case 0:
		close(pair[0]);
		peer_serve(pair[1]);
		break;
	default:
		close(pair[1]);
		peer = pair[0];
	}
}

static void ask_peer(void)
{
	char byte = 0;

	must(send(peer, &byte, 1, 0) == 1 && recv(peer, &byte, 1, 0) == 1, "another process");
}

static void ask_and_map(char byte)
{
	union passed_fd control;
	char *memory;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int fd;

	must(send(peer, &byte, 1, 0) == 1 && recvmsg(peer, &message, MSG_CMSG_CLOEXEC) == 1,
	     "another process");
	memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(memory != MAP_FAILED, "mmap");
	memory[0] = 1;
	munmap(memory, SIZE);
	close(fd);
}

static void ask_for_file(void)
{
	ask_and_map('f');
}

static void ask_for_new_file(void)
{
	ask_and_map('n');
}

static void measure(int number, void (*call)(void), int times)
{
	printf("%d", number);
	for (int i = 0; i < CALLS_EACH; i++) {
		double begun = now();

		for (int k = 0; k < times; k++)
			call();
		printf(" %.3f", (now() - begun) / times);
		if (call == new_sem)
			sem_unlink(name);
	}
	putchar('\n');
}

/* Makes one object of each kind, to be opened again. */
static void make_all(void)
{
	snprintf(name, sizeof(name), "/vcbench-%d", (int)getpid());
	segment = shmget(IPC_PRIVATE, SIZE, 0600);
	set = semget(IPC_PRIVATE, 1, 0600);
	queue = msgget(IPC_PRIVATE, 0600);
	must(segment >= 0 && set >= 0 && queue >= 0, "System V objects");
	must(mq_open(name, O_CREAT | O_RDWR, 0600, NULL) >= 0, "a POSIX message queue");
	must(shm_open(name, O_CREAT | O_RDWR, 0600) >= 0, "POSIX shared memory");
}

static void remove_all(void)
{
	shmctl(segment, IPC_RMID, NULL);
	semctl(set, 0, IPC_RMID);
	msgctl(queue, IPC_RMID, NULL);
	mq_unlink(name);
	shm_unlink(name);
	sem_unlink(name);
}

int main(void)
{
	static const struct {
		void (*call)(void);
	} calls[] = {
#define X(function, words) { function },
		CALLS(X)
#undef X
	};

	peer_start();
	make_all();
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		void (*call)(void) = calls[i].call;
		int quick =
			call == attach || call == stat_shm || call == stat_sem || call == stat_msg;
		sem_t *sem = call == open_sem ? sem_open(name, O_CREAT, 0600, 1) : SEM_FAILED;

		/* The process must not have it open already. */
		if (sem != SEM_FAILED)
			sem_close(sem);
		measure((int)i, call, quick ? HUNDRED : 1);
	}
	remove_all();
	return 0;
}
