// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-calls-ours.c - calls whose errors are not the kernel's, as vcipc-preload(7) says
 */
#include "ipc-calls.h"

#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

#define KEY 0x56430020
#define STRANGER 65533

static int queue, set, segment;

/* May write, and not read. */
static void writer(void)
{
	struct {
		long type;
		char text;
	} message = { 1, 'x' };

	SHOW_ID(msgget(KEY, 0200));
	SHOW(msgsnd(queue, &message, 1, IPC_NOWAIT));
}

static void permissions(void)
{
	queue = SHOW_ID(msgget(KEY, IPC_CREAT | 0622));
	set = SHOW_ID(semget(KEY, 1, IPC_CREAT | 0644));
	segment = SHOW_ID(shmget(KEY + 1, 1, IPC_CREAT | 0600));
	ipc_child("writer", STRANGER, writer);
}

static long open_sem(const char *name, int flags)
{
	return sem_open(name, flags, 0600, 1) == SEM_FAILED ? -1 : 0;
}

/* By a program that makes such an object itself, and puts no semaphore in. */
static void foreign(void)
{
	SHOW(open_sem("/foreign", O_CREAT | O_EXCL));
	SHOW(open_sem("/foreign", 0));
	SHOW(sem_unlink("/foreign"));
}

static void descriptors(void)
{
	struct mq_attr attr;
	mqd_t q = SHOW_ID(mq_open("/ours", O_CREAT | O_RDWR, 0600, NULL));
	char path[64], buf[8192];
	int copy;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", q);
	copy = open(path, O_RDWR);
	SHOW(mq_getattr(copy, &attr));
	SHOW(mq_send(copy, "x", 1, 0));
	SHOW(mq_receive(copy, buf, sizeof(buf), NULL));
	close(copy);
	SHOW(mq_close(q));
	SHOW(mq_unlink("/ours"));
}

void calls_ours(void)
{
	permissions();
	foreign();
	descriptors();
	SHOW(shmctl(segment, SHM_LOCK, NULL));
	SHOW(msgctl(queue, IPC_RMID, NULL));
	SHOW(semctl(set, 0, IPC_RMID));
	SHOW(shmctl(segment, IPC_RMID, NULL));
}
