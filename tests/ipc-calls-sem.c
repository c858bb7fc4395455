// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-calls-sem.c - System V semaphores
 */
#include "ipc-calls.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEY 0x56430002

static int id;

/* Up to three operations on semaphores 0, 1, 2; 99 leaves one out. */
static int op3(int a, int b, int c, int flags)
{
	struct sembuf ops[3];
	size_t n = 0;
	int values[] = { a, b, c };

	for (unsigned short i = 0; i < 3; i++)
		if (values[i] != 99)
			ops[n++] = (struct sembuf){ i, (short)values[i], (short)flags };
	return semop(id, ops, n);
}

static int op(int num, int by, int flags)
{
	struct sembuf one = { (unsigned short)num, (short)by, (short)flags };

	return semop(id, &one, 1);
}

static int timed(int num, int by, long sec, long nsec)
{
	struct sembuf one = { (unsigned short)num, (short)by, 0 };
	struct timespec timeout = { .tv_sec = sec, .tv_nsec = nsec };

	return semtimedop(id, &one, 1, &timeout);
}

static void all(void)
{
	unsigned short values[3] = { 0 };

	if (SHOW(semctl(id, 0, GETALL, values)) == 0)
		printf("  %d %d %d\n", values[0], values[1], values[2]);
}

static void stat_set(void)
{
	struct semid_ds ds;

	if (SHOW(semctl(id, 0, IPC_STAT, &ds)) < 0)
		return;
	VALUE(ds.sem_nsems);
	VALUE(ds.sem_perm.mode);
	VALUE(ds.sem_perm.uid);
	VALUE(ds.sem_otime == 0);
	VALUE(ds.sem_ctime <= time(NULL) && ds.sem_ctime > time(NULL) - 100);
}

static void gets(void)
{
	SHOW_ID(semget(KEY, 3, 0));
	SHOW_ID(semget(KEY, 0, IPC_CREAT | 0600));
	SHOW_ID(semget(KEY, -1, IPC_CREAT | 0600));
	SHOW_ID(semget(KEY, 32001, IPC_CREAT | 0600));
	SHOW_ID(id = semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0600));
	SHOW_ID(semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0600));
	SHOW_ID(semget(KEY, 0, IPC_CREAT | IPC_EXCL | 0600));
	SHOW_ID(semget(KEY, 4, 0600));
	SHOW_ID(semget(IPC_PRIVATE, 0, 0600));
	SHOW(semget(KEY, 0, 0) == id);
	SHOW(semget(KEY, 2, IPC_CREAT) == id);
	stat_set();
	all();
}

static void values(void)
{
	unsigned short big[3] = { 1, 32768, 0 }, good[3] = { 1, 2, 3 };

	SHOW(semctl(id, 0, GETPID));
	SHOW(semctl(id, 1, SETVAL, 5));
	SHOW(semctl(id, 1, GETVAL));
	VALUE(semctl(id, 1, GETPID) == getpid());
	SHOW(semctl(id, 1, SETVAL, -1));
	SHOW(semctl(id, 1, SETVAL, 32768));
	SHOW(semctl(id, 3, SETVAL, 1));
	SHOW(semctl(id, -1, GETVAL));
	SHOW(semctl(id, 3, GETVAL));
	SHOW(semctl(id, 0, SETALL, big));
	SHOW(semctl(id, 0, SETALL, good));
	SHOW(semctl(id, 0, 4711));
	SHOW(semctl(-1, 0, GETVAL));
	SHOW(semctl(123456, 0, GETVAL));
	all();
	stat_set();
}

static void operations(void)
{
	struct sembuf many[501] = { { 0 } };

	SHOW(op(0, 1, 0));
	SHOW(op(0, -2, 0));
	SHOW(op(0, 0, 0));
	SHOW(op(1, 0, IPC_NOWAIT));
	SHOW(op(0, -1, IPC_NOWAIT));
	SHOW(op(3, 1, 0));
	SHOW(op(0, 32767, 0));
	SHOW(op(0, 1, 0));
	SHOW(op(0, -32767, 0));
	SHOW(semop(id, many, 0));
	SHOW(semop(id, many, 501));
	SHOW(semop(-1, many, 1));
	/* All or none. */
	SHOW(op3(1, -2, -4, IPC_NOWAIT));
	all();
	SHOW(op3(1, -2, -3, IPC_NOWAIT));
	all();
	stat_set();
}

/* Several operations on one semaphore, each on what the one before left. */
static void sequences(void)
{
	struct sembuf up_down[3] = { { 0, 2, 0 }, { 0, -3, 0 }, { 0, 0, 0 } };
	struct sembuf back[2] = { { 1, 0, IPC_NOWAIT }, { 1, 1, IPC_NOWAIT } };

	all();
	SHOW(semop(id, up_down, 3));
	SHOW(semop(id, back, 2));
	SHOW(semop(id, back, 2));
	all();
}

static void timeouts(void)
{
	SHOW(timed(0, -1, 0, 100000000));
	SHOW(timed(0, -1, 0, 0));
	SHOW(timed(0, -1, -1, 0));
	SHOW(timed(0, -1, 0, 1000000000));
	SHOW(timed(0, 1, 0, 0));
	SHOW(timed(0, 0, 0, 50000000));
	SHOW(timed(0, -1, 0, 0));
	ipc_alarm(100, true);
	SHOW(timed(0, -1, 5, 0));
	ipc_alarm(100, true);
	SHOW(op(0, -1, 0));
}

static void take_all(void)
{
	SHOW(op3(-1, -1, -1, 0));
}

static void wait_zero(void)
{
	SHOW(op(2, 0, 0));
}

static void waiters(void)
{
	pid_t taker = ipc_start(take_all), zero;

	ipc_settle();
	SHOW(semctl(id, 0, GETNCNT));
	SHOW(semctl(id, 1, GETNCNT));
	SHOW(op(0, 1, 0));
	ipc_settle();
	SHOW(semctl(id, 0, GETNCNT));
	SHOW(semctl(id, 2, GETNCNT));
	SHOW(op(2, 2, 0));
	ipc_reap("taker", taker);
	all();
	zero = ipc_start(wait_zero);
	ipc_settle();
	SHOW(semctl(id, 2, GETZCNT));
	SHOW(semctl(id, 2, GETNCNT));
	SHOW(op(2, -1, 0));
	ipc_reap("zero", zero);
	taker = ipc_start(take_all);
	ipc_settle();
	kill(taker, SIGKILL);
	ipc_reap("killed taker", taker);
	SHOW(semctl(id, 0, GETNCNT));
}

static void stranger(void)
{
	struct semid_ds ds;

	SHOW(op(0, 1, 0));
	SHOW(semctl(id, 0, GETVAL));
	SHOW(semctl(id, 0, SETVAL, 1));
	SHOW(semctl(id, 0, IPC_STAT, &ds));
	memset(&ds, 0, sizeof(ds));
	SHOW(semctl(id, 0, IPC_SET, &ds));
	SHOW(semctl(id, 0, IPC_RMID));
	SHOW_ID(semget(KEY, 0, 0600));
}

static void reader(void)
{
	SHOW(semctl(id, 0, GETVAL));
	all();
	SHOW(semctl(id, 0, SETVAL, 1));
	SHOW(op(0, 1, 0));
	SHOW(op(0, 0, 0));
	SHOW(op(1, 0, IPC_NOWAIT));
	SHOW(timed(1, 0, 0, 50000000));
	SHOW(op3(0, 0, 0, IPC_NOWAIT));
	SHOW(op3(0, 99, 1, IPC_NOWAIT));
	SHOW(op(3, 0, 0));
	ipc_alarm(100, true);
	SHOW(op(1, 0, 0));
	SHOW_ID(semget(KEY, 0, 0400));
	SHOW_ID(semget(KEY, 0, 0600));
	SHOW(semctl(id, 0, IPC_RMID));
}

/* Is told that it is zero, or that the set is gone, though it cannot write. */
static void reader_waits(void)
{
	SHOW(op(1, 0, 0));
}

static void reading(void)
{
	pid_t pid;

	SHOW(semctl(id, 0, SETVAL, 0));
	SHOW(semctl(id, 1, SETVAL, 1));
	ipc_child("reader", 65534, reader);
	SHOW(semctl(id, 1, SETVAL, 1));
	pid = ipc_start_as(65534, reader_waits);
	ipc_settle();
	SHOW(op(1, -1, 0));
	ipc_reap("waiting reader", pid);
}

static void permissions(void)
{
	struct semid_ds ds;

	ipc_child("stranger", 65534, stranger);
	SHOW(semctl(id, 0, IPC_STAT, &ds));
	ds.sem_perm.mode = 0604;
	SHOW(semctl(id, 0, IPC_SET, &ds));
	stat_set();
	reading();
	ds.sem_perm.mode = 0600;
	ds.sem_perm.uid = 65534;
	SHOW(semctl(id, 0, IPC_SET, &ds));
	stat_set();
}

static void removed(void)
{
	pid_t taker = ipc_start(take_all);

	ipc_settle();
	SHOW(semctl(id, 0, IPC_RMID));
	ipc_reap("taker", taker);
	SHOW(op(0, 1, 0));
	SHOW(semctl(id, 0, GETVAL));
	SHOW(semctl(id, 0, IPC_RMID));
	SHOW_ID(semget(KEY, 3, 0));
}

void calls_sem(void)
{
	gets();
	values();
	operations();
	sequences();
	timeouts();
	waiters();
	permissions();
	removed();
}

/* --- SEM_UNDO ---------------------------------------------------------------------------- */

static void undo_exit(void)
{
	SHOW(op(0, -1, SEM_UNDO));
	SHOW(op3(99, 2, 1, SEM_UNDO));
	SHOW(op3(99, 1, 99, 0));
	all();
}

static void undo_sleep(void)
{
	SHOW(op(0, -1, SEM_UNDO));
	fflush(stdout);
	pause();
}

static void undo_set(void)
{
	SHOW(op(0, -1, SEM_UNDO));
	SHOW(op(1, 1, SEM_UNDO));
	SHOW(semctl(id, 0, SETVAL, 7));
}

static void undo_clamped(void)
{
	SHOW(op(2, 3, SEM_UNDO));
	SHOW(op(2, -2, 0));
}

static void undo_fork(void)
{
	SHOW(op(0, -1, SEM_UNDO));
	/* The child has no adjustments of its parent's. */
	ipc_child("grandchild", 0, all);
	all();
}

static void undo_exec(void)
{
	SHOW(op(0, -1, SEM_UNDO));
	fflush(stdout);
	execl("/bin/true", "true", NULL);
}

static void undo_range(void)
{
	SHOW(op(2, 32767, SEM_UNDO));
	SHOW(op(2, -32767, 0));
	SHOW(op(2, 2, SEM_UNDO));
	SHOW(op(2, -1, IPC_NOWAIT));
}

/* What is undone after a kill, is so soon. */
static void until(int num, int value)
{
	for (int i = 0; i < 200 && semctl(id, num, GETVAL) != value; i++)
		usleep(10000);
	all();
}

void calls_semundo(void)
{
	unsigned short values[3] = { 1, 0, 0 };
	pid_t pid;

	SHOW_ID(id = semget(IPC_PRIVATE, 3, 0600));
	SHOW(semctl(id, 0, SETALL, values));
	ipc_child("exit", 0, undo_exit);
	all();
	pid = ipc_start(undo_sleep);
	ipc_settle();
	all();
	kill(pid, SIGKILL);
	ipc_reap("killed", pid);
	until(0, 1);
	ipc_child("set", 0, undo_set);
	all();
	SHOW(semctl(id, 0, SETALL, values));
	ipc_child("clamped", 0, undo_clamped);
	all();
	ipc_child("fork", 0, undo_fork);
	all();
	ipc_child("exec", 0, undo_exec);
	until(0, 1);
	ipc_child("range", 0, undo_range);
	all();
	SHOW(semctl(id, 0, IPC_RMID));
}
