// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-calls-shm.c - System V shared memory
 */
#include "ipc-calls.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

#define KEY 0x56430003
#define SIZE 10000
#define FAILED ((void *)-1)

static int id;
static char *memory;

static long attached(void)
{
	struct shmid_ds ds;

	return shmctl(id, IPC_STAT, &ds) < 0 ? -1 : (long)ds.shm_nattch;
}

static void stat_segment(void)
{
	struct shmid_ds ds;

	if (SHOW(shmctl(id, IPC_STAT, &ds)) < 0)
		return;
	VALUE(ds.shm_segsz);
	VALUE(ds.shm_nattch);
	VALUE(ds.shm_perm.mode);
	VALUE(ds.shm_perm.uid);
	VALUE(ds.shm_cpid == getpid());
	VALUE(ds.shm_lpid == getpid());
	VALUE(ds.shm_atime == 0);
	VALUE(ds.shm_dtime == 0);
	VALUE(ds.shm_ctime <= time(NULL) && ds.shm_ctime > time(NULL) - 100);
}

static void gets(void)
{
	SHOW_ID(shmget(KEY, SIZE, 0));
	SHOW_ID(shmget(KEY, 0, IPC_CREAT | 0600));
	SHOW_ID(id = shmget(KEY, SIZE, IPC_CREAT | IPC_EXCL | 0600));
	SHOW_ID(shmget(KEY, SIZE, IPC_CREAT | IPC_EXCL | 0600));
	SHOW_ID(shmget(KEY, SIZE + 1, 0600));
	SHOW(shmget(KEY, 0, 0) == id);
	SHOW(shmget(KEY, SIZE - 1, IPC_CREAT | 0600) == id);
	stat_segment();
}

static void attach(void)
{
	char *other, *readonly;

	VALUE((memory = shmat(id, NULL, 0)) != FAILED);
	VALUE(memory[0] + memory[SIZE - 1]);
	strcpy(memory, "written");
	stat_segment();
	VALUE((other = shmat(id, NULL, 0)) != FAILED);
	VALUE(other != memory);
	VALUE(strcmp(other, "written"));
	VALUE((readonly = shmat(id, NULL, SHM_RDONLY)) != FAILED);
	VALUE(strcmp(readonly, "written"));
	VALUE(attached());
	SHOW(shmdt(other));
	SHOW(shmdt(other));
	SHOW(shmdt(readonly));
	SHOW(shmdt(memory + 4096));
	stat_segment();
}

static void places(void)
{
	char *room = mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	SHOW(shmat(id, room, 0) == FAILED);
	SHOW(shmat(id, room + 4096, SHM_REMAP) == room + 4096);
	SHOW(strcmp(room + 4096, "written"));
	SHOW(shmdt(room + 4096));
	munmap(room, 1 << 20);
	SHOW(shmat(id, room, 0) == room);
	SHOW(shmdt(room));
	SHOW(shmat(id, room + 1, 0) == FAILED);
	SHOW(shmat(id, room + 1, SHM_RND) == room);
	SHOW(shmdt(room));
	SHOW(shmat(id, NULL, SHM_REMAP) == FAILED);
	SHOW(shmat(-1, NULL, 0) == FAILED);
	SHOW(shmat(123456, NULL, 0) == FAILED);
	VALUE(attached());
}

static void child(void)
{
	VALUE(attached());
	VALUE(strcmp(memory, "written"));
	strcpy(memory, "by the child");
	SHOW(shmdt(memory));
	VALUE(attached());
}

static void child_pause(void)
{
	pause();
}

static void child_exec(void)
{
	fflush(stdout);
	execl("/bin/sleep", "sleep", "60", NULL);
}

static void child_readonly(void)
{
	char *readonly = shmat(id, NULL, SHM_RDONLY);

	readonly[0] = 'x';
}

static void inherited(void)
{
	pid_t pid;

	ipc_child("child", 0, child);
	VALUE(strcmp(memory, "by the child"));
	VALUE(attached());
	pid = ipc_start(child_pause);
	VALUE(attached());
	kill(pid, SIGKILL);
	ipc_reap("killed", pid);
	VALUE(attached());
	pid = ipc_start(child_exec);
	ipc_settle();
	VALUE(attached());
	kill(pid, SIGKILL);
	ipc_reap("exec", pid);
	VALUE(attached());
	ipc_child("read-only", 0, child_readonly);
}

static void stranger(void)
{
	struct shmid_ds ds;

	SHOW(shmat(id, NULL, 0) == FAILED);
	SHOW(shmat(id, NULL, SHM_RDONLY) == FAILED);
	SHOW(shmctl(id, IPC_STAT, &ds));
	memset(&ds, 0, sizeof(ds));
	SHOW(shmctl(id, IPC_SET, &ds));
	SHOW(shmctl(id, IPC_RMID, NULL));
	SHOW_ID(shmget(KEY, 0, 0600));
}

static void reader(void)
{
	SHOW(shmat(id, NULL, 0) == FAILED);
	SHOW(shmat(id, NULL, SHM_RDONLY) == FAILED);
	VALUE(attached());
}

static void permissions(void)
{
	struct shmid_ds ds;

	ipc_child("stranger", 65534, stranger);
	SHOW(shmctl(id, IPC_STAT, &ds));
	ds.shm_perm.mode = 0604;
	SHOW(shmctl(id, IPC_SET, &ds));
	stat_segment();
	SHOW(shmctl(id, SHM_LOCK, NULL));
	SHOW(shmctl(id, SHM_UNLOCK, NULL));
	SHOW(shmctl(id, 4711, NULL));
	SHOW(shmctl(-1, IPC_STAT, NULL));
}

static void removed(void)
{
	char *again;

	SHOW(shmctl(id, IPC_RMID, NULL));
	SHOW_ID(shmget(KEY, 0, 0));
	stat_segment();
	SHOW(strcmp(memory, "by the child"));
	VALUE((again = shmat(id, NULL, 0)) != FAILED);
	SHOW(strcmp(again, "by the child"));
	VALUE(attached());
	SHOW(shmdt(again));
	SHOW(shmdt(memory));
}

void calls_shm(void)
{
	gets();
	attach();
	places();
	inherited();
	permissions();
	ipc_child("reader", 65534, reader);
	removed();
}
