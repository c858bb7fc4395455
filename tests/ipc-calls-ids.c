// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-calls-ids.c - a process changes its ids and groups, and what it has in use changes its mode
 */
#include "ipc-calls.h"

#include <fcntl.h>
#include <grp.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "/vcipc-ids"
#define NOBODY 65534

static int queue, set, segment;

static int attach(int flags)
{
	void *memory = shmat(segment, NULL, flags);

	return memory == (void *)-1 ? -1 : shmdt(memory);
}

static int open_queue(void)
{
	mqd_t fd = mq_open(NAME, O_RDWR);

	return fd < 0 ? -1 : mq_close(fd);
}

static int open_memory(void)
{
	int fd = shm_open(NAME, O_RDWR, 0);

	return fd < 0 ? -1 : close(fd);
}

static int open_semaphore(void)
{
	sem_t *sem = sem_open(NAME, 0);

	return sem == SEM_FAILED ? -1 : sem_close(sem);
}

static void use(const char *as)
{
	struct sembuf up = { 0, 1, 0 };
	struct shmid_ds segment_ds;
	struct msqid_ds queue_ds;
	struct semid_ds set_ds;
	struct {
		long type;
		char text[8];
	} message = { .type = 1 };

	printf("as %s:\n", as);
	SHOW(msgsnd(queue, &message, 1, IPC_NOWAIT));
	SHOW(msgrcv(queue, &message, 8, 0, IPC_NOWAIT));
	SHOW(msgctl(queue, IPC_STAT, &queue_ds));
	SHOW(semop(set, &up, 1));
	SHOW(semctl(set, 0, GETVAL));
	SHOW(semctl(set, 0, IPC_STAT, &set_ds));
	SHOW(attach(0));
	SHOW(attach(SHM_RDONLY));
	SHOW(shmctl(segment, IPC_STAT, &segment_ds));
	SHOW(open_queue());
	SHOW(open_memory());
	SHOW(open_semaphore());
}

/* With these ids in force, and then root's again. */
static void use_as(const char *as, uid_t uid, gid_t gid, gid_t group)
{
	if (setgroups(group == NOBODY ? 0 : 1, &group) < 0 || setegid(gid) < 0 || seteuid(uid) < 0)
		exit(1);
	use(as);
	if (seteuid(0) < 0 || setegid(0) < 0)
		exit(1);
	use("root again");
}

static void make(void)
{
	umask(0);
	queue = SHOW_ID(msgget(IPC_PRIVATE, 0640));
	set = SHOW_ID(semget(IPC_PRIVATE, 1, 0640));
	segment = SHOW_ID(shmget(IPC_PRIVATE, 100, 0640));
	close(SHOW_ID(mq_open(NAME, O_CREAT | O_RDWR, 0660, NULL)));
	close(SHOW_ID(shm_open(NAME, O_CREAT | O_RDWR, 0660)));
	sem_close(sem_open(NAME, O_CREAT, 0660, 0));
}

static void change_modes(void)
{
	struct shmid_ds segment_ds;
	struct msqid_ds queue_ds;
	struct semid_ds set_ds;

	SHOW(msgctl(queue, IPC_STAT, &queue_ds));
	SHOW(semctl(set, 0, IPC_STAT, &set_ds));
	SHOW(shmctl(segment, IPC_STAT, &segment_ds));
	queue_ds.msg_perm.mode = 0666;
	set_ds.sem_perm.mode = 0444;
	segment_ds.shm_perm.mode = 0004;
	SHOW(msgctl(queue, IPC_SET, &queue_ds));
	SHOW(semctl(set, 0, IPC_SET, &set_ds));
	SHOW(shmctl(segment, IPC_SET, &segment_ds));
}

/* In a child: all of this leaves its caller as it was. */
static void all(void)
{
	make();
	use("root");
	use_as("the owner's group", NOBODY, 0, NOBODY);
	use_as("nobody", NOBODY, NOBODY, NOBODY);
	use_as("nobody, also of the owner's group", NOBODY, NOBODY, 0);
	change_modes();
	use_as("nobody, with other modes", NOBODY, NOBODY, NOBODY);
	SHOW(mq_unlink(NAME));
	SHOW(shm_unlink(NAME));
	SHOW(sem_unlink(NAME));
	SHOW(msgctl(queue, IPC_RMID, NULL));
	SHOW(semctl(set, 0, IPC_RMID));
	SHOW(shmctl(segment, IPC_RMID, NULL));
}

void calls_ids(void)
{
	ipc_child("ids", 0, all);
}
