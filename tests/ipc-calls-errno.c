// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-calls-errno.c - each call, each argument, each error that Linux's manual pages name
 *
 * A row is a call with one or two wrong arguments; two show which the kernel checks first. The
 * errors that depend on limits are in ipc-calls-limits.c, those of a call that waits (EAGAIN,
 * EINTR, EIDRM, ETIMEDOUT) in the table of its kind. tests/ipc-preload.sh has the list of all
 * errors, and checks that a row gives each. No row can give these: ENOMEM and ENFILE, because the
 * machine would have to run out of memory or files (but shmget(SHM_HUGETLB) and SHM_LOCK do give
 * ENOMEM); EIDRM of msgctl(), semctl() and shmctl(), because Linux gives EINVAL for an identifier
 * that is gone; EOVERFLOW, which only 32-bit programs get; ENOSYS, which only a kernel without the
 * calls gives.
 */
#include "ipc-calls.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

#define KEY 0x56430030
#define STRANGER 65534
#define NOTHING 123456 /* no identifier */

/* An identifier that was one. */
static int queue, set, segment, gone;
static struct {
	long type;
	char text[64];
} message = { .type = 1 };

/* --- System V's queues ------------------------------------------------------------------- */

static void msg_errors(void)
{
	SHOW_ID(queue = msgget(KEY, IPC_CREAT | 0600));
	SHOW_ID(gone = msgget(IPC_PRIVATE, 0600));
	SHOW(msgctl(gone, IPC_RMID, NULL));
	SHOW_ID(msgget(KEY + 1, 0));
	SHOW_ID(msgget(KEY + 1, IPC_EXCL));
	SHOW_ID(msgget(KEY, IPC_CREAT | IPC_EXCL | 0600));
	SHOW_ID(msgget(KEY, IPC_CREAT | 0777));

	SHOW(msgsnd(queue, NULL, 1, IPC_NOWAIT));
	SHOW(msgsnd(queue, (void *)-1, 1, IPC_NOWAIT));
	SHOW(msgsnd(queue, ipc_none, 1, IPC_NOWAIT));
	SHOW(msgsnd(queue, ipc_at(ipc_edge, -7), 1, IPC_NOWAIT));
	SHOW(msgsnd(queue, NULL, (size_t)-1, IPC_NOWAIT));
	SHOW(msgsnd(-1, NULL, 1, IPC_NOWAIT));
	SHOW(msgsnd(-1, &message, 1, IPC_NOWAIT));
	SHOW(msgsnd(gone, &message, 1, IPC_NOWAIT));
	SHOW(msgsnd(NOTHING, &message, 1, IPC_NOWAIT));
	SHOW(msgsnd(queue, &message, (size_t)-1, IPC_NOWAIT));
	SHOW(msgsnd(queue, &message, 8193, IPC_NOWAIT));
	message.type = 0;
	SHOW(msgsnd(queue, &message, 1, IPC_NOWAIT));
	message.type = LONG_MIN;
	SHOW(msgsnd(queue, &message, 1, IPC_NOWAIT));
	message.type = LONG_MAX;
	SHOW(msgsnd(queue, &message, 0, IPC_NOWAIT));

	SHOW(msgrcv(queue, NULL, 64, 5, IPC_NOWAIT));
	SHOW(msgrcv(queue, NULL, 64, 0, IPC_NOWAIT));
	SHOW(msgrcv(queue, &message, 64, 0, IPC_NOWAIT));
	message.type = 1;
	SHOW(msgsnd(queue, &message, 64, IPC_NOWAIT));
	SHOW(msgrcv(queue, ipc_none, 63, 0, IPC_NOWAIT));
	SHOW(msgrcv(queue, ipc_none, 0, 0, IPC_NOWAIT | MSG_COPY));
	SHOW(msgrcv(queue, ipc_readonly, 64, 0, IPC_NOWAIT | MSG_COPY));
	SHOW(msgrcv(queue, ipc_readonly, 64, 0, IPC_NOWAIT));
	SHOW(msgrcv(queue, &message, 64, 0, IPC_NOWAIT));
	SHOW(msgsnd(queue, &message, 1, IPC_NOWAIT));
	SHOW(msgrcv(queue, ipc_at(ipc_edge, -7), 64, 0, IPC_NOWAIT));
	SHOW(msgrcv(queue, &message, (size_t)-1, 0, IPC_NOWAIT));
	SHOW(msgrcv(-1, &message, 64, 0, IPC_NOWAIT));
	SHOW(msgrcv(gone, &message, 64, 0, IPC_NOWAIT));
	SHOW(msgrcv(queue, &message, 64, 0, IPC_NOWAIT | MSG_COPY));
	SHOW(msgrcv(queue, &message, 64, 0, MSG_COPY));
	SHOW(msgrcv(queue, &message, 64, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT));
	SHOW(msgrcv(queue, &message, 64, LONG_MIN, IPC_NOWAIT));
	SHOW(msgrcv(queue, &message, 64, 1, IPC_NOWAIT | MSG_EXCEPT | MSG_NOERROR));
}

static void msgctl_errors(void)
{
	static const int commands[] = { IPC_STAT, MSG_STAT, MSG_STAT_ANY, IPC_SET,
					IPC_INFO, MSG_INFO, -1,           4711 };
	struct msqid_ds ds;

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		int command = commands[i];

		VALUE(command);
		SHOW(msgctl(-1, command, NULL));
		SHOW(msgctl(command == IPC_STAT || command == IPC_SET ? queue : 0, command, NULL));
		SHOW(msgctl(command == IPC_STAT || command == IPC_SET ? queue : 0, command,
			    ipc_none));
		if (command != IPC_SET)
			SHOW(msgctl(command == IPC_STAT ? queue : 0, command, ipc_readonly));
		SHOW(msgctl(command == IPC_STAT || command == IPC_SET ? queue : 0, command,
			    ipc_at(ipc_edge, -10)));
		if (command != IPC_INFO && command != MSG_INFO)
			SHOW(msgctl(NOTHING, command, &ds));
		SHOW(msgctl(NOTHING, command, NULL));
	}
	SHOW(msgctl(gone, IPC_STAT, &ds));
	SHOW(msgctl(gone, IPC_RMID, NULL));
	SHOW(msgctl(-1, IPC_RMID, NULL));
	SHOW(msgctl(queue, IPC_STAT, &ds));
	ds.msg_perm.uid = (uid_t)-1;
	SHOW(msgctl(queue, IPC_SET, &ds));
	ds.msg_perm.uid = 0;
	ds.msg_perm.gid = (gid_t)-1;
	SHOW(msgctl(queue, IPC_SET, &ds));
	ds.msg_perm.gid = 0;
	ds.msg_qbytes = 0;
	SHOW(msgctl(queue, IPC_SET, &ds));
	SHOW(msgctl(queue, IPC_STAT, &ds));
	VALUE(ds.msg_qbytes);
	SHOW(msgsnd(queue, &message, 0, IPC_NOWAIT));
}

/* --- semaphores -------------------------------------------------------------------------- */

static void semop_errors(void)
{
	struct sembuf up = { 0, 1, 0 }, far = { 3, 1, 0 }, zero = { 0, 0, IPC_NOWAIT };
	struct sembuf down = { 0, -1, IPC_NOWAIT };
	struct timespec bad = { .tv_nsec = 1000000000 }, negative = { .tv_sec = -1 }, now = { 0 };

	SHOW(semop(set, NULL, 1));
	SHOW(semop(set, ipc_none, 1));
	SHOW(semop(set, ipc_at(ipc_edge, -2), 1));
	SHOW(semop(set, NULL, 0));
	SHOW(semop(set, NULL, 501));
	SHOW(semop(-1, NULL, 501));
	SHOW(semop(-1, NULL, 1));
	SHOW(semop(-1, &up, 1));
	SHOW(semop(gone, &up, 1));
	SHOW(semop(NOTHING, &up, 1));
	SHOW(semop(set, &up, (size_t)1 << 32));
	SHOW(semop(set, &far, 1));
	SHOW(semop(set, &down, 1));
	SHOW(semop(set, &up, 1));
	SHOW(semop(set, &zero, 1));
	SHOW(semop(set, &down, 1));
	SHOW(semtimedop(set, &up, 1, ipc_none));
	SHOW(semtimedop(set, &up, 1, ipc_at(ipc_edge, -8)));
	SHOW(semtimedop(set, NULL, 501, ipc_none));
	SHOW(semtimedop(set, NULL, 1, &bad));
	SHOW(semtimedop(set, &up, 1, &bad));
	SHOW(semtimedop(set, &up, 1, &negative));
	SHOW(semtimedop(-1, &up, 1, &bad));
	down.sem_flg = 0;
	SHOW(semtimedop(set, &down, 1, &now));
}

static void sem_errors(void)
{
	SHOW_ID(set = semget(KEY, 3, IPC_CREAT | 0600));
	SHOW_ID(gone = semget(IPC_PRIVATE, 1, 0600));
	SHOW(semctl(gone, 0, IPC_RMID));
	SHOW_ID(semget(KEY + 1, 3, 0));
	SHOW_ID(semget(KEY, 3, IPC_CREAT | IPC_EXCL));
	SHOW_ID(semget(KEY, 4, 0));
	SHOW_ID(semget(KEY, 4, IPC_CREAT | IPC_EXCL));
	SHOW_ID(semget(KEY, -1, 0));
	SHOW_ID(semget(KEY, 32001, 0));
	SHOW_ID(semget(KEY + 1, 0, IPC_CREAT | 0600));
	SHOW_ID(semget(IPC_PRIVATE, 0, 0600));
	semop_errors();
}

static void semctl_errors(void)
{
	static const int commands[] = { IPC_STAT, SEM_STAT, SEM_STAT_ANY, IPC_SET, IPC_INFO,
					SEM_INFO, GETALL,   SETALL,       4711 };
	struct semid_ds ds;

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		int command = commands[i];
		bool index = command == SEM_STAT || command == SEM_STAT_ANY;
		int id = index ? 0 : set;

		VALUE(command);
		SHOW(semctl(-1, 0, command, NULL));
		SHOW(semctl(id, 0, command, NULL));
		SHOW(semctl(id, 0, command, ipc_none));
		if (command != IPC_SET && command != SETALL)
			SHOW(semctl(id, 0, command, ipc_readonly));
		SHOW(semctl(id, 0, command, ipc_at(ipc_edge, -3)));
		SHOW(semctl(NOTHING, 0, command, NULL));
		if (command != IPC_INFO && command != SEM_INFO)
			SHOW(semctl(NOTHING, 0, command, &ds));
	}
	for (int command = GETPID; command <= GETZCNT; command++) {
		if (command == GETALL)
			continue;
		VALUE(command);
		SHOW(semctl(set, 3, command));
		SHOW(semctl(set, -1, command));
		SHOW(semctl(gone, 0, command));
		SHOW(semctl(-1, 0, command));
	}
	SHOW(semctl(set, 0, SETVAL, -1));
	SHOW(semctl(set, 0, SETVAL, 32768));
	SHOW(semctl(gone, 0, SETVAL, 32768));
	SHOW(semctl(set, 3, SETVAL, 32768));
	SHOW(semctl(set, 3, SETVAL, 1));
	SHOW(semctl(-1, 0, SETVAL, 1));
	SHOW(semctl(gone, 0, SETVAL, 1));
	SHOW(semctl(gone, 0, IPC_RMID));
	SHOW(semctl(set, 0, IPC_STAT, &ds));
	ds.sem_perm.uid = (uid_t)-1;
	SHOW(semctl(set, 0, IPC_SET, &ds));
	ds.sem_perm.uid = 0;
	ds.sem_perm.gid = (gid_t)-1;
	SHOW(semctl(set, 0, IPC_SET, &ds));
}

/* --- segments ---------------------------------------------------------------------------- */

#define FAILED ((void *)-1)

/* 0, and detached again; or -1. */
static int attach(int id, const void *address, int flags)
{
	void *memory = shmat(id, address, flags);

	return memory == FAILED ? -1 : shmdt(memory);
}

static void shm_errors(void)
{
	SHOW_ID(segment = shmget(KEY, 5000, IPC_CREAT | 0600));
	SHOW_ID(gone = shmget(IPC_PRIVATE, 1, 0600));
	SHOW(shmctl(gone, IPC_RMID, NULL));
	SHOW_ID(shmget(KEY + 1, 5000, 0));
	SHOW_ID(shmget(KEY, 5000, IPC_CREAT | IPC_EXCL));
	SHOW_ID(shmget(KEY, 5001, 0));
	SHOW_ID(shmget(KEY, 5001, IPC_CREAT | IPC_EXCL));
	SHOW_ID(shmget(KEY + 1, 0, IPC_CREAT | 0600));
	SHOW_ID(shmget(IPC_PRIVATE, 0, 0600));
	SHOW_ID(shmget(KEY + 1, (size_t)-1, IPC_CREAT | 0600));
	SHOW_ID(shmget(KEY + 1, 1u << 30, IPC_CREAT | SHM_HUGETLB | 0600));

	SHOW(attach(-1, NULL, 0));
	SHOW(attach(gone, NULL, 0));
	SHOW(attach(NOTHING, NULL, 0));
	SHOW(attach(segment, ipc_at(ipc_none, 1), 0));
	SHOW(attach(segment, ipc_none, 0));
	SHOW(attach(segment, ipc_readonly, SHM_RND));
	SHOW(attach(segment, NULL, SHM_REMAP));
	SHOW(attach(segment, (void *)1, SHM_RND | SHM_REMAP));
	SHOW(attach(segment, (void *)-4096, 0));
	SHOW(attach(segment, (void *)-4096, SHM_REMAP));
	SHOW(attach(segment, (void *)(1l << 62), 0));
	SHOW(shmdt(NULL));
	SHOW(shmdt((void *)-1));
	SHOW(shmdt(ipc_none));
	SHOW(shmdt(&message));
}

static void shmctl_errors(void)
{
	static const int commands[] = { IPC_STAT, SHM_STAT, SHM_STAT_ANY, IPC_SET,
					IPC_INFO, SHM_INFO, -1,           4711 };
	struct shmid_ds ds;

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		int command = commands[i];
		int id = command == IPC_STAT || command == IPC_SET ? segment : 0;

		VALUE(command);
		SHOW(shmctl(-1, command, NULL));
		SHOW(shmctl(id, command, NULL));
		SHOW(shmctl(id, command, ipc_none));
		if (command != IPC_SET)
			SHOW(shmctl(id, command, ipc_readonly));
		SHOW(shmctl(id, command, ipc_at(ipc_edge, -10)));
		SHOW(shmctl(NOTHING, command, NULL));
		if (command != IPC_INFO && command != SHM_INFO)
			SHOW(shmctl(NOTHING, command, &ds));
	}
	SHOW(shmctl(gone, IPC_STAT, &ds));
	SHOW(shmctl(gone, IPC_RMID, NULL));
	SHOW(shmctl(gone, SHM_LOCK, NULL));
	SHOW(shmctl(segment, IPC_STAT, &ds));
	ds.shm_perm.uid = (uid_t)-1;
	SHOW(shmctl(segment, IPC_SET, &ds));
}

/* --- another user ------------------------------------------------------------------------ */

static void stranger(void)
{
	struct sembuf up = { 0, 1, 0 }, zero = { 0, 0, 0 };
	struct msqid_ds queue_ds;
	struct semid_ds set_ds;
	struct shmid_ds segment_ds;
	unsigned short values[3] = { 0 };

	SHOW_ID(msgget(KEY, 0));
	SHOW_ID(msgget(KEY, 0400));
	SHOW_ID(msgget(KEY, 0004));
	SHOW_ID(msgget(KEY, IPC_CREAT));
	SHOW(msgsnd(queue, &message, 1, IPC_NOWAIT));
	SHOW(msgrcv(queue, &message, 1, 0, IPC_NOWAIT));
	SHOW(msgctl(queue, IPC_STAT, NULL));
	SHOW(msgctl(0, MSG_STAT, &queue_ds));
	SHOW_ID(msgctl(0, MSG_STAT_ANY, &queue_ds));
	SHOW(msgctl(queue, IPC_SET, NULL));
	SHOW(msgctl(queue, IPC_SET, &queue_ds));
	SHOW(msgctl(queue, IPC_RMID, NULL));

	SHOW_ID(semget(KEY, 3, 0));
	SHOW_ID(semget(KEY, 4, 0600));
	SHOW_ID(semget(KEY, 3, 0600));
	SHOW(semop(set, &up, 1));
	SHOW(semop(set, &zero, 1));
	SHOW(semctl(set, 0, IPC_STAT, NULL));
	SHOW(semctl(0, 0, SEM_STAT, &set_ds));
	SHOW_ID(semctl(0, 0, SEM_STAT_ANY, &set_ds));
	SHOW(semctl(set, 0, GETVAL));
	SHOW(semctl(set, 0, GETALL, values));
	SHOW(semctl(set, 0, SETVAL, 1));
	SHOW(semctl(set, 0, SETALL, values));
	SHOW(semctl(set, 0, IPC_SET, &set_ds));
	SHOW(semctl(set, 0, IPC_RMID));

	SHOW_ID(shmget(KEY, 5000, 0));
	SHOW_ID(shmget(KEY, 5001, 0600));
	SHOW_ID(shmget(KEY, 5000, 0600));
	SHOW(attach(segment, NULL, 0));
	SHOW(attach(segment, NULL, SHM_RDONLY));
	SHOW(attach(segment, ipc_at(ipc_none, 1), 0));
	SHOW(shmctl(segment, IPC_STAT, &segment_ds));
	SHOW(shmctl(0, SHM_STAT, &segment_ds));
	SHOW_ID(shmctl(0, SHM_STAT_ANY, &segment_ds));
	VALUE(segment_ds.shm_segsz);
	SHOW(shmctl(segment, IPC_SET, &segment_ds));
	SHOW(shmctl(segment, IPC_RMID, NULL));
	SHOW(shmctl(segment, SHM_LOCK, NULL));
	SHOW(shmctl(segment, SHM_UNLOCK, NULL));
	SHOW_ID(shmget(IPC_PRIVATE, 1, SHM_HUGETLB | 0600));
}

/* What an owner without permissions may do, and one who may only read. */
static void owner_queue(int mode)
{
	struct msqid_ds ds;
	int mine;

	VALUE(mode);
	SHOW_ID(mine = msgget(KEY + 2, IPC_CREAT | mode));
	SHOW(msgsnd(mine, &message, 1, IPC_NOWAIT));
	SHOW(msgrcv(mine, &message, 64, 0, IPC_NOWAIT));
	SHOW(msgctl(mine, IPC_STAT, &ds));
	SHOW_ID(msgget(KEY + 2, 0));
	SHOW_ID(msgget(KEY + 2, 0200));
	SHOW_ID(msgget(KEY + 2, 0400));
	memset(&ds, 0, sizeof(ds));
	ds.msg_perm.uid = geteuid();
	ds.msg_perm.mode = 0600;
	ds.msg_qbytes = 100;
	SHOW(msgctl(mine, IPC_SET, &ds));
	SHOW(msgsnd(mine, &message, 1, IPC_NOWAIT));
	SHOW(msgrcv(mine, &message, 64, 0, IPC_NOWAIT));
	SHOW(msgctl(mine, IPC_RMID, NULL));
}

static void owner_set(int mode)
{
	struct sembuf up = { 0, 1, 0 }, zero = { 0, 0, IPC_NOWAIT }, far = { 1, 1, 0 };
	unsigned short values[1] = { 0 };
	struct semid_ds ds;
	int mine;

	VALUE(mode);
	SHOW_ID(mine = semget(KEY + 2, 1, IPC_CREAT | mode));
	SHOW(semop(mine, &zero, 1));
	SHOW(semop(mine, &up, 1));
	SHOW(semop(mine, &zero, 1));
	SHOW(semop(mine, &far, 1));
	SHOW(semctl(mine, 0, GETVAL));
	SHOW(semctl(mine, 0, GETALL, values));
	SHOW(semctl(mine, 0, SETVAL, 1));
	SHOW(semctl(mine, 0, SETALL, values));
	SHOW(semctl(mine, 0, IPC_STAT, &ds));
	SHOW_ID(semget(KEY + 2, 1, 0200));
	SHOW(semctl(mine, 0, IPC_RMID));
}

static void owner_segment(int mode)
{
	struct shmid_ds ds;
	char *memory;
	int mine;

	VALUE(mode);
	SHOW_ID(mine = shmget(KEY + 2, 5000, IPC_CREAT | mode));
	SHOW(attach(mine, NULL, 0));
	SHOW((memory = shmat(mine, NULL, SHM_RDONLY)) == FAILED);
	if (memory != FAILED) {
		SHOW(mprotect(memory, 4096, PROT_READ | PROT_WRITE));
		SHOW(shmdt(memory));
	}
	SHOW(attach(mine, NULL, SHM_RDONLY | SHM_EXEC));
	SHOW(shmctl(mine, IPC_STAT, &ds));
	SHOW_ID(shmget(KEY + 2, 1, 0200));
	SHOW(shmctl(mine, IPC_RMID, NULL));
}

static void owners(void)
{
	static const int modes[] = { 0, 0400, 0200, 0077, 0500, 0700 };

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		owner_queue(modes[i]);
		owner_set(modes[i]);
		owner_segment(modes[i]);
	}
}

/* Who made an object stays its owner, as its group stays the object's. */
static int given_queue, given_set, given_segment;

static void creator(void)
{
	struct msqid_ds queue_ds;
	struct sembuf up = { 0, 1, 0 };

	SHOW(msgsnd(given_queue, &message, 1, IPC_NOWAIT));
	SHOW(msgctl(given_queue, IPC_STAT, &queue_ds));
	SHOW(semop(given_set, &up, 1));
	SHOW(attach(given_segment, NULL, 0));
	SHOW(msgctl(given_queue, IPC_SET, &queue_ds));
}

static void creators_group(void)
{
	struct sembuf up = { 0, 1, 0 };

	if (setgid(STRANGER) < 0 || setuid(STRANGER - 1) < 0)
		_exit(1);
	SHOW(msgrcv(given_queue, &message, 64, 0, IPC_NOWAIT));
	SHOW(semop(given_set, &up, 1));
	SHOW(attach(given_segment, NULL, SHM_RDONLY));
}

/* Made by the stranger, given to another by root. */
static void make_given(void)
{
	SHOW_ID(msgget(KEY + 3, IPC_CREAT | 0660));
	SHOW_ID(semget(KEY + 3, 1, IPC_CREAT | 0660));
	SHOW_ID(shmget(KEY + 3, 1, IPC_CREAT | 0660));
}

static void given(void)
{
	struct msqid_ds queue_ds;
	struct semid_ds set_ds;
	struct shmid_ds segment_ds;

	ipc_child("maker", STRANGER, make_given);
	SHOW_ID(given_queue = msgget(KEY + 3, 0));
	SHOW_ID(given_set = semget(KEY + 3, 1, 0));
	SHOW_ID(given_segment = shmget(KEY + 3, 1, 0));
	SHOW(msgctl(given_queue, IPC_STAT, &queue_ds));
	SHOW(semctl(given_set, 0, IPC_STAT, &set_ds));
	SHOW(shmctl(given_segment, IPC_STAT, &segment_ds));
	queue_ds.msg_perm.uid = set_ds.sem_perm.uid = segment_ds.shm_perm.uid = 12345;
	queue_ds.msg_perm.gid = set_ds.sem_perm.gid = segment_ds.shm_perm.gid = 12345;
	SHOW(msgctl(given_queue, IPC_SET, &queue_ds));
	SHOW(semctl(given_set, 0, IPC_SET, &set_ds));
	SHOW(shmctl(given_segment, IPC_SET, &segment_ds));
	ipc_child("creator", STRANGER, creator);
	ipc_child("creator's group", 0, creators_group);
	SHOW(msgctl(given_queue, IPC_RMID, NULL));
	SHOW(semctl(given_set, 0, IPC_RMID));
	SHOW(shmctl(given_segment, IPC_RMID, NULL));
}

void calls_errno_sysv(void)
{
	ipc_make_memory();
	msg_errors();
	msgctl_errors();
	sem_errors();
	semctl_errors();
	shm_errors();
	shmctl_errors();
	ipc_child("stranger", STRANGER, stranger);
	SHOW(msgctl(queue, IPC_RMID, NULL));
	SHOW(semctl(set, 0, IPC_RMID));
	SHOW(shmctl(segment, IPC_RMID, NULL));
	ipc_child("owner", STRANGER, owners);
	given();
}
