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
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

#define MESSAGE_BYTES 128

static void sem_remove(void *domain)
{
	semctl(*(int *)domain, 0, IPC_RMID);
	free(domain);
}

static int sem_make(const struct domain_args *args, void **ret)
{
	int *id = malloc(sizeof(*id));

	if (!id)
		return -ENOMEM;
	*id = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
	if (*id < 0 || semctl(*id, 0, SETVAL, 1) < 0) {
		free(id);
		return -errno;
	}
	*ret = id;
	return 0;
}

static void sem_change(struct worker *worker, short by)
{
	struct sembuf change = { .sem_op = by };

	while (semop(*(int *)worker->domain, &change, 1) < 0)
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

const struct work work_sem = {
	.name = "sem", .open = sem_make, .close = sem_remove, .once = sem_once
};

struct message {
	long type;
	char text[MESSAGE_BYTES];
};

static void msg_remove(void *domain)
{
	msgctl(*(int *)domain, IPC_RMID, NULL);
	free(domain);
}

static int msg_make(const struct domain_args *args, void **ret)
{
	int *id = malloc(sizeof(*id));

	if (!id)
		return -ENOMEM;
	*id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
	if (*id < 0) {
		free(id);
		return -errno;
	}
	*ret = id;
	return 0;
}

/* Whoever has sent may receive: never more receivers than messages, so none waits for good. */
static uint64_t msg_once(struct worker *worker)
{
	struct message message = { .type = 1 };
	int id = *(int *)worker->domain;

	memset(message.text, (int)worker->number, sizeof(message.text));
	while (msgsnd(id, &message, sizeof(message.text), 0) < 0)
		if (errno != EINTR)
			work_die("msgsnd", errno);
	while (msgrcv(id, &message, sizeof(message.text), 0, 0) < 0)
		if (errno != EINTR)
			work_die("msgrcv", errno);
	return 0;
}

const struct work work_msg = {
	.name = "msg", .open = msg_make, .close = msg_remove, .once = msg_once
};

static uint64_t ipcget_once(struct worker *worker)
{
	int id = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);

	if (id < 0 || semctl(id, 0, IPC_RMID) < 0)
		work_die("semget", errno);
	return 0;
}

const struct work work_ipcget = { .name = "ipcget", .once = ipcget_once };
