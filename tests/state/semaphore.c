// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * semaphore.c - rows of tests/move-state: semaphore operations with SEM_UNDO
 */
#include "tests/state/state.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <unistd.h>

static int semaphores;

static int use_semaphores(void)
{
	struct sembuf ops[2] = { { 0, -2, SEM_UNDO }, { 2, 3, SEM_UNDO } };

	return semop(semaphores, ops, 2);
}

static int set_sem_undo(void)
{
	unsigned short values[3] = { 5, 6, 7 };

	semaphores = semget(IPC_PRIVATE, 3, 0600);
	return semaphores < 0 || semctl(semaphores, 0, SETALL, values) < 0 ? -1 : use_semaphores();
}

/* Before and after the kernel has undone what there was; it is done again then. */
static void get_sem_undo(char ret[STATE_VALUE])
{
	unsigned short was[3] = { 0 }, is[3] = { 0 };

	semctl(semaphores, 0, GETALL, was);
	if (unshare(CLONE_SYSVSEM) < 0)
		is[0] = 999;
	semctl(semaphores, 0, GETALL, is);
	snprintf(ret, STATE_VALUE, "%u %u %u, undone %u %u %u", was[0], was[1], was[2], is[0],
		 is[1], is[2]);
	if (use_semaphores() < 0)
		state_number(ret, -1);
}

/* Its list is not empty, but there is nothing to undo. */
static int set_sem_undone(void)
{
	struct sembuf ops[2] = { { 0, 2, SEM_UNDO }, { 2, -3, SEM_UNDO } };

	return set_sem_undo() < 0 ? -1 : semop(semaphores, ops, 2);
}

static void get_sem_undone(char ret[STATE_VALUE])
{
	unsigned short is[3] = { 0 };

	semctl(semaphores, 0, GETALL, is);
	snprintf(ret, STATE_VALUE, "%u %u %u", is[0], is[1], is[2]);
}

/* One has the greatest value that there is, so nothing can be added for a moment. */
static int set_sem_full(void)
{
	struct sembuf fill = { 0, 32767 - 3, 0 };

	return set_sem_undo() < 0 ? -1 : semop(semaphores, &fill, 1);
}
#define get_sem_full get_sem_undone

/* Another process shares the list: who of the two undoes it depends on which ends last. */
static int set_sem_shared(void)
{
	if (set_sem_undo() < 0)
		return -1;
	if (syscall(SYS_clone, CLONE_SYSVSEM | SIGCHLD, 0, 0, 0, 0) == 0)
		for (;;)
			pause();
	return 0;
}
#define get_sem_shared get_sem_undone

#define set_sem_threads set_sem_undo

static pthread_t sharer;
static volatile pid_t sharer_tid;

static void *share_list(void *arg)
{
	sharer_tid = (pid_t)syscall(SYS_gettid);
	for (;;)
		pause();
	return NULL;
}

/* All threads share the list; the last one to go undoes what is there. */
static void get_sem_threads(char ret[STATE_VALUE])
{
	char path[64];

	if (sharer_tid) {
		pthread_cancel(sharer);
		pthread_join(sharer, NULL);
		snprintf(path, sizeof(path), "/proc/self/task/%d", sharer_tid);
		while (access(path, F_OK) == 0)
			sched_yield();
	}
	get_sem_undo(ret);
	sharer_tid = 0;
	pthread_create(&sharer, NULL, share_list, NULL);
	while (!sharer_tid)
		sched_yield();
}

const struct state_row state_semaphore[] = {
	STATE_FILE_ROW(sem_undo), STATE_FILE_ROW(sem_threads), STATE_ROW(sem_undone),
	STATE_ROW(sem_shared),    STATE_ROW(sem_full),         { .name = NULL },
};
