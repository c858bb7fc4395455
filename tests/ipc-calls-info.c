// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-calls-info.c - what there is, and how much there may be: *_INFO and *_STAT
 */
#include "ipc-calls.h"

#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#define STRANGER 65534

static void msg_info(int command)
{
	struct msginfo info;

	VALUE(command);
	if (SHOW(msgctl(0, command, (struct msqid_ds *)&info)) < 0)
		return;
	VALUE(info.msgpool);
	VALUE(info.msgmap);
	VALUE(info.msgmax);
	VALUE(info.msgmnb);
	VALUE(info.msgmni);
	VALUE(info.msgssz);
	VALUE(info.msgtql);
	VALUE(info.msgseg);
}

static void sem_info(int command)
{
	struct seminfo info;

	VALUE(command);
	if (SHOW(semctl(0, 0, command, &info)) < 0)
		return;
	VALUE(info.semmap);
	VALUE(info.semmni);
	VALUE(info.semmns);
	VALUE(info.semmnu);
	VALUE(info.semmsl);
	VALUE(info.semopm);
	VALUE(info.semume);
	VALUE(info.semusz);
	VALUE(info.semvmx);
	VALUE(info.semaem);
}

static void shm_limits(void)
{
	struct shminfo info;

	if (SHOW(shmctl(0, IPC_INFO, (struct shmid_ds *)&info)) < 0)
		return;
	VALUE(info.shmmax);
	VALUE(info.shmmin);
	VALUE(info.shmmni);
	VALUE(info.shmseg);
	VALUE(info.shmall);
}

static void shm_use(void)
{
	struct shm_info info;

	if (SHOW(shmctl(0, SHM_INFO, (struct shmid_ds *)&info)) < 0)
		return;
	VALUE(info.used_ids);
	VALUE(info.shm_tot);
	VALUE(info.shm_rss);
	VALUE(info.shm_swp);
	VALUE(info.swap_attempts);
	VALUE(info.swap_successes);
}

static void all_info(void)
{
	msg_info(IPC_INFO);
	msg_info(MSG_INFO);
	sem_info(IPC_INFO);
	sem_info(SEM_INFO);
	shm_limits();
	shm_use();
}

static int queues[3], sets[3], segments[3];

static long which(const int ids[3], int id)
{
	for (int i = 0; i < 3; i++)
		if (ids[i] == id)
			return i;
	return -1;
}

/* Sorted by identifier: the order of the indices is not the kernel's. */
static void by_index(const char *text, const int ids[3], int (*stat)(int, int), int command)
{
	int seen[3] = { 0 };

	for (int index = 0; index < 3; index++) {
		long found = which(ids, stat(index, command));

		if (found >= 0)
			seen[found]++;
	}
	errno = 0;
	printf("%s: %d %d %d, then %d\n", text, seen[0], seen[1], seen[2], stat(3, command));
}

static int stat_queue(int index, int command)
{
	struct msqid_ds ds;

	return msgctl(index, command, &ds);
}

static int stat_set(int index, int command)
{
	struct semid_ds ds;

	return semctl(index, 0, command, &ds);
}

static int stat_segment(int index, int command)
{
	struct shmid_ds ds;

	return shmctl(index, command, &ds);
}

static void all_indices(void)
{
	by_index("MSG_STAT", queues, stat_queue, MSG_STAT);
	by_index("MSG_STAT_ANY", queues, stat_queue, MSG_STAT_ANY);
	by_index("SEM_STAT", sets, stat_set, SEM_STAT);
	by_index("SEM_STAT_ANY", sets, stat_set, SEM_STAT_ANY);
	by_index("SHM_STAT", segments, stat_segment, SHM_STAT);
	by_index("SHM_STAT_ANY", segments, stat_segment, SHM_STAT_ANY);
}

static void stranger(void)
{
	all_info();
	all_indices();
}

static void use(void)
{
	struct {
		long type;
		char text[100];
	} message = { .type = 1 };
	long page = sysconf(_SC_PAGESIZE);
	char *memory = shmat(segments[1], NULL, 0);

	SHOW(msgsnd(queues[0], &message, 100, 0));
	SHOW(msgsnd(queues[0], &message, 7, 0));
	SHOW(msgsnd(queues[2], &message, 0, 0));
	memory[0] = memory[page] = 1;
	SHOW(shmdt(memory));
}

void calls_info(void)
{
	static const int modes[3] = { 0600, 0644, 0666 };

	all_info();
	for (int i = 0; i < 3; i++) {
		queues[i] = msgget(IPC_PRIVATE, modes[i]);
		sets[i] = semget(IPC_PRIVATE, 3 + i, modes[i]);
		segments[i] = shmget(IPC_PRIVATE, (size_t)(10000 * i + 1), modes[i]);
	}
	use();
	all_info();
	all_indices();
	ipc_child("stranger", STRANGER, stranger);
	for (int i = 0; i < 3; i++) {
		SHOW(msgctl(queues[i], IPC_RMID, NULL));
		SHOW(semctl(sets[i], 0, IPC_RMID));
		SHOW(shmctl(segments[i], IPC_RMID, NULL));
	}
	all_info();
}
