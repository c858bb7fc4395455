// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-calls-known.c - what a process knows of an object already, and what others have changed since
 *
 * Whoever has had a segment attached, or a set or queue in use, is told at once that it was
 * removed, given to others, or closed to it; and loses what it could do with the user or group that
 * it gives up.
 */
#include "ipc-calls.h"

#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEY 0x56430080
#define SIZE 10000
#define USER 64203
#define GROUP 4243
#define MANY 40
#define LARGE (8u << 20)
#define FAILED ((void *)-1)

static int segment, set, queue;

static void make(int mode)
{
	SHOW_ID(segment = shmget(KEY, SIZE, IPC_CREAT | IPC_EXCL | mode));
	SHOW_ID(set = semget(KEY, 3, IPC_CREAT | IPC_EXCL | mode));
	SHOW_ID(queue = msgget(KEY, IPC_CREAT | IPC_EXCL | mode));
}

static void remove_all(void)
{
	SHOW(shmctl(segment, IPC_RMID, NULL));
	SHOW(semctl(set, 0, IPC_RMID));
	SHOW(msgctl(queue, IPC_RMID, NULL));
}

static long attached(void)
{
	struct shmid_ds ds;

	return shmctl(segment, IPC_STAT, &ds) < 0 ? -errno : (long)ds.shm_nattch;
}

/* All that can be done with what is known. */
static void use(void)
{
	struct {
		long type;
		char text[8];
	} message = { .type = 1 };
	struct sembuf up = { .sem_op = 1 };
	struct msqid_ds msqid;
	struct semid_ds semid;
	struct shmid_ds shmid;
	char *memory;

	if (SHOW((memory = shmat(segment, NULL, 0)) == FAILED) == 0) {
		VALUE(memory[SIZE - 1]++);
		VALUE(attached());
		SHOW(shmdt(memory));
	}
	if (SHOW((memory = shmat(segment, NULL, SHM_RDONLY)) == FAILED) == 0)
		SHOW(shmdt(memory));
	if (SHOW(shmctl(segment, IPC_STAT, &shmid)) == 0) {
		VALUE(shmid.shm_perm.__key);
		VALUE(shmid.shm_perm.mode);
		VALUE(shmid.shm_perm.uid);
		VALUE(shmid.shm_perm.gid);
		VALUE(shmid.shm_perm.cuid);
		VALUE(shmid.shm_segsz);
		VALUE(shmid.shm_nattch);
	}
	if (SHOW(semctl(set, 0, IPC_STAT, &semid)) == 0) {
		VALUE(semid.sem_perm.__key);
		VALUE(semid.sem_perm.mode);
		VALUE(semid.sem_perm.uid);
		VALUE(semid.sem_perm.cuid);
		VALUE(semid.sem_nsems);
		VALUE(semid.sem_otime > 0);
	}
	SHOW(semop(set, &up, 1));
	SHOW(semctl(set, 0, GETVAL));
	if (SHOW(msgctl(queue, IPC_STAT, &msqid)) == 0) {
		VALUE(msqid.msg_perm.__key);
		VALUE(msqid.msg_perm.mode);
		VALUE(msqid.msg_perm.uid);
		VALUE(msqid.msg_perm.cuid);
		VALUE(msqid.msg_qnum);
	}
	SHOW(msgsnd(queue, &message, sizeof(message.text), IPC_NOWAIT));
	SHOW(msgrcv(queue, &message, sizeof(message.text), 0, IPC_NOWAIT));
}

static void use_twice(void)
{
	use();
	use();
}

/* --- another process changes it ------------------------------------------------------------ */

static int wanted_mode;
static uid_t wanted_uid;

static void set_mode(void)
{
	struct shmid_ds shmid = { 0 };
	struct semid_ds semid = { 0 };
	struct msqid_ds msqid = { 0 };

	shmctl(segment, IPC_STAT, &shmid);
	shmid.shm_perm.mode = (unsigned short)wanted_mode;
	shmid.shm_perm.uid = wanted_uid;
	SHOW(shmctl(segment, IPC_SET, &shmid));
	semid.sem_perm = shmid.shm_perm;
	SHOW(semctl(set, 0, IPC_SET, &semid));
	msgctl(queue, IPC_STAT, &msqid);
	msqid.msg_perm = shmid.shm_perm;
	/* To whom a queue is open for one thing only, it is not open here: vcipc-preload(7). */
	if ((wanted_mode & 06) != 06)
		msqid.msg_perm.mode &= (unsigned short)~06;
	SHOW(msgctl(queue, IPC_SET, &msqid));
}

/* The parent is root, and changes it; its child is somebody else. */
static void changed_by(int mode, uid_t uid)
{
	wanted_mode = mode;
	wanted_uid = uid;
	ipc_child("IPC_SET", 0, set_mode);
}

static int turns[2][2];

static void await_turn(int direction)
{
	char byte;

	if (read(turns[direction][0], &byte, 1) != 1)
		exit(3);
}

static void give_turn(int direction)
{
	fflush(stdout);
	if (write(turns[direction][1], "", 1) != 1)
		exit(3);
}

/* A user that goes on using what it has, between each two changes. */
static void user_side(void)
{
	if (setgid(USER) < 0 || setuid(USER) < 0)
		exit(1);
	for (int i = 0; i < 6; i++) {
		await_turn(0);
		use_twice();
		give_turn(1);
	}
}

static void changes(void)
{
	pid_t pid;

	if (pipe(turns[0]) < 0 || pipe(turns[1]) < 0)
		exit(3);
	make(0666);
	pid = ipc_start(user_side);
	for (int i = 0; i < 6; i++) {
		switch (i) {
		case 1:
			changed_by(0600, 0);
			break;
		case 2:
			changed_by(0604, 0);
			break;
		case 3:
			changed_by(0600, USER);
			break;
		case 4:
			changed_by(0060, USER);
			break;
		case 5:
			remove_all();
			break;
		default:
			break;
		}
		printf("--- after change %d:\n", i);
		give_turn(0);
		await_turn(1);
	}
	ipc_reap("user", pid);
	use();
}

/* --- the process itself becomes another ---------------------------------------------------- */

static void gives_up_root(void)
{
	use();
	SHOW(setgid(USER));
	SHOW(setuid(USER));
	use_twice();
}

static void gives_up_for_a_while(void)
{
	use();
	SHOW(seteuid(USER));
	use_twice();
	SHOW(seteuid(0));
	use();
}

static void gives_up_group(void)
{
	gid_t group = GROUP;

	SHOW(setgroups(1, &group));
	SHOW(seteuid(USER));
	use_twice();
	SHOW(seteuid(0));
	SHOW(setgroups(0, NULL));
	SHOW(seteuid(USER));
	use_twice();
}

static void set_group(void)
{
	struct shmid_ds shmid;
	struct semid_ds semid;
	struct msqid_ds msqid;

	shmctl(segment, IPC_STAT, &shmid);
	semctl(set, 0, IPC_STAT, &semid);
	msgctl(queue, IPC_STAT, &msqid);
	shmid.shm_perm.gid = semid.sem_perm.gid = msqid.msg_perm.gid = GROUP;
	shmid.shm_perm.mode = semid.sem_perm.mode = msqid.msg_perm.mode = 0660;
	SHOW(shmctl(segment, IPC_SET, &shmid));
	SHOW(semctl(set, 0, IPC_SET, &semid));
	SHOW(msgctl(queue, IPC_SET, &msqid));
}

static void rights(void)
{
	make(0600);
	ipc_child("gives up root", 0, gives_up_root);
	ipc_child("gives up root for a while", 0, gives_up_for_a_while);
	set_group();
	ipc_child("gives up a group", 0, gives_up_group);
	remove_all();
}

/* --- removed by others, while it is attached or not ----------------------------------------- */

static void remove_segment(void)
{
	SHOW(shmctl(segment, IPC_RMID, NULL));
}

static void stat_segment(void)
{
	struct shmid_ds ds;

	if (SHOW(shmctl(segment, IPC_STAT, &ds)) == 0) {
		VALUE(ds.shm_perm.mode);
		VALUE(ds.shm_nattch);
	}
}

static void attach_once(void)
{
	void *memory = shmat(segment, NULL, 0);

	if (SHOW(memory == FAILED) == 0) {
		stat_segment();
		SHOW(shmdt(memory));
	}
	stat_segment();
}

static void removed_idle(void)
{
	SHOW_ID(segment = shmget(KEY, SIZE, IPC_CREAT | IPC_EXCL | 0600));
	attach_once();
	ipc_child("another one", 0, attach_once);
	ipc_child("removes it", 0, remove_segment);
	attach_once();
	ipc_child("another one", 0, attach_once);
	SHOW_ID(shmget(KEY, SIZE, 0600));
	SHOW(shmctl(segment, IPC_RMID, NULL));
}

static void removed_attached(void)
{
	char *memory;

	SHOW_ID(segment = shmget(KEY, SIZE, IPC_CREAT | IPC_EXCL | 0600));
	attach_once();
	VALUE((memory = shmat(segment, NULL, 0)) != FAILED);
	strcpy(memory, "kept");
	ipc_child("removes it", 0, remove_segment);
	VALUE(strcmp(memory, "kept"));
	attach_once();
	ipc_child("another one", 0, attach_once);
	SHOW(shmdt(memory));
	stat_segment();
	ipc_child("another one", 0, attach_once);
	attach_once();
}

/* --- mappings that the program changes itself ----------------------------------------------- */

static void unmapped(void)
{
	char *first, *second, *third, *moved;

	SHOW_ID(segment = shmget(KEY, 3 * 4096, IPC_CREAT | IPC_EXCL | 0600));
	VALUE((first = shmat(segment, NULL, 0)) != FAILED);
	VALUE((second = shmat(segment, NULL, 0)) != FAILED);
	VALUE((third = shmat(segment, NULL, 0)) != FAILED);
	strcpy(third, "third");
	VALUE(attached());
	SHOW(munmap(first, 3 * 4096));
	VALUE(attached());
	SHOW(shmdt(first));
	SHOW(munmap(second + 4096, 4096));
	VALUE(attached());
	VALUE((moved = mremap(third, 3 * 4096, 3 * 4096, MREMAP_MAYMOVE | MREMAP_FIXED, first)) ==
	      first);
	VALUE(strcmp(moved, "third"));
	VALUE(attached());
	SHOW(shmdt(third));
	SHOW(shmdt(moved));
	SHOW(shmdt(second));
	VALUE(attached());
	VALUE((first = shmat(segment, NULL, 0)) != FAILED);
	SHOW(syscall(SYS_munmap, first, 3 * 4096));
	VALUE(attached());
	VALUE((first = shmat(segment, NULL, 0)) != FAILED);
	VALUE(mmap(first, 3 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	      first);
	VALUE(attached());
	SHOW(shmdt(first));
	SHOW(munmap(first, 3 * 4096));
	VALUE((first = shmat(segment, NULL, 0)) != FAILED);
	SHOW(mprotect(first + 4096, 4096, PROT_READ));
	VALUE(attached());
	SHOW(shmdt(first));
	VALUE((first = shmat(segment, NULL, 0)) != FAILED);
	SHOW(madvise(first, 4096, MADV_DONTDUMP));
	VALUE(attached());
	SHOW(shmdt(first));
	VALUE((first = shmat(segment, NULL, 0)) != FAILED);
	SHOW(syscall(SYS_mprotect, first, 4096, PROT_READ));
	VALUE(attached());
	SHOW(shmdt(first));
	VALUE(attached());
	SHOW(shmctl(segment, IPC_RMID, NULL));
}

/* --- many, and large ------------------------------------------------------------------------- */

static void many(void)
{
	int ids[MANY], wrong = 0;

	for (int i = 0; i < MANY; i++)
		ids[i] = shmget(IPC_PRIVATE, 4096, 0600);
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < MANY; i++) {
			char *memory = shmat(ids[i], NULL, 0);
			char *again = shmat(ids[i], NULL, 0);

			if (memory == FAILED || again == FAILED ||
			    memory[0] != (char)(round ? i + round : 0)) {
				wrong++;
				continue;
			}
			again[0] = (char)(i + round + 1);
			wrong += memory[0] != again[0];
			segment = ids[i];
			wrong += attached() != 2;
			wrong += shmdt(memory) != 0 || shmdt(again) != 0 || attached() != 0;
		}
	VALUE(wrong);
	for (int i = 0; i < MANY; i++)
		wrong += shmctl(ids[i], IPC_RMID, NULL) != 0;
	VALUE(wrong);
}

static void large(void)
{
	char *memory;

	SHOW_ID(segment = shmget(KEY, LARGE, IPC_CREAT | IPC_EXCL | 0600));
	for (int i = 0; i < 3; i++) {
		VALUE((memory = shmat(segment, NULL, 0)) != FAILED);
		VALUE(memory[LARGE - 1]++);
		VALUE(attached());
		SHOW(shmdt(memory));
		VALUE(attached());
	}
	SHOW(shmctl(segment, IPC_RMID, NULL));
}

/* --- in children ----------------------------------------------------------------------------- */

static void child_uses(void)
{
	use_twice();
}

static void children(void)
{
	make(0600);
	use();
	ipc_child("child", 0, child_uses);
	use();
	ipc_child("user", USER, child_uses);
	remove_all();
}

void calls_known(void)
{
	changes();
	rights();
	removed_idle();
	removed_attached();
	unmapped();
	many();
	large();
	children();
}
