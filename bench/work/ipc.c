// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc.c - kernel locks of System V IPC
 *
 * sem and msg: one object a domain, whose lock its threads share. ipcget: each thread
 * makes and removes objects of its own, and what they share is the table of the
 * IPC namespace. Jobs of vcrun have such a namespace each; processes that are
 * merely several have not.
 */
#include "bench/work/work.h"

#include <errno.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

#define MESSAGE_BYTES 128

static void sem_remove(void *domain)
{
	semctl(work_unbox(domain), 0, IPC_RMID);
}

static int sem_make(const struct domain_args *args, void **ret)
{
	int id = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);

	*ret = work_box(id);
	return id < 0 || semctl(id, 0, SETVAL, 1) < 0 ? -errno : 0;
}

static void sem_change(struct worker *worker, short by)
{
	struct sembuf change = { .sem_op = by };

	while (semop(work_unbox(worker->domain), &change, 1) < 0)
		if (errno != EINTR)
			work_die("semop", errno);
}

/* As a lock: take it, give it back. */
static uint64_t sem_once(struct worker *worker)
{
	sem_change(worker, -1);
	sem_change(worker, 1);
	return 0;
}

WORK(sem, .open = sem_make, .close = sem_remove, .once = sem_once);

struct message {
	long type;
	char text[MESSAGE_BYTES];
};

static void msg_remove(void *domain)
{
	msgctl(work_unbox(domain), IPC_RMID, NULL);
}

static int msg_make(const struct domain_args *args, void **ret)
{
	int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);

	*ret = work_box(id);
	return id < 0 ? -errno : 0;
}

/* Each receiver has sent a message before, so none waits forever. */
static uint64_t msg_once(struct worker *worker)
{
	struct message message = { .type = 1 };
	int id = work_unbox(worker->domain);

	memset(message.text, (int)worker->number, sizeof(message.text));
	while (msgsnd(id, &message, sizeof(message.text), 0) < 0)
		if (errno != EINTR)
			work_die("msgsnd", errno);
	while (msgrcv(id, &message, sizeof(message.text), 0, 0) < 0)
		if (errno != EINTR)
			work_die("msgrcv", errno);
	return 0;
}

WORK(msg, .open = msg_make, .close = msg_remove, .once = msg_once);

static uint64_t ipcget_once(struct worker *worker)
{
	int id = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);

	if (id < 0 || semctl(id, 0, IPC_RMID) < 0)
		work_die("semget", errno);
	return 0;
}

WORK(ipcget, .once = ipcget_once);
