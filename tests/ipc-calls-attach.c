// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-calls-attach.c - attached segments that are moved, split, cut and covered
 */
#include "ipc-calls.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

#define PAGES 6
#define FAILED ((void *)-1)
#define STRANGER 65534

static int id;
static size_t page;

static long attached(void)
{
	struct shmid_ds ds;

	return shmctl(id, IPC_STAT, &ds) < 0 ? -1 : (long)ds.shm_nattch;
}

static char *attach(int flags)
{
	char *memory = shmat(id, NULL, flags);

	printf("  attached: %d, in all %ld\n", memory != FAILED, attached());
	return memory;
}

/* Room for a segment, at an address where nothing is. */
static char *vacant(void)
{
	char *room = mmap(NULL, 4 * PAGES * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(room, 4 * PAGES * page);
	return room;
}

static void *moved(char *from, size_t n, char *to)
{
	return mremap(from, n * page, n * page, MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

static void whole(void)
{
	char *memory = attach(0), *to = vacant();

	strcpy(memory, "carried");
	SHOW(moved(memory, PAGES, to) == to);
	VALUE(strcmp(to, "carried"));
	VALUE(attached());
	SHOW(shmdt(memory));
	SHOW(shmdt(to + page));
	VALUE(attached());
	SHOW(shmdt(to));
	VALUE(attached());
	SHOW(shmdt(to));
}

/* The second half goes elsewhere: two mappings, two addresses. */
static void half(void)
{
	char *memory = attach(0), *to = vacant();

	SHOW(moved(memory + 3 * page, 3, to) == to);
	VALUE(attached());
	SHOW(shmdt(to));
	VALUE(attached());
	SHOW(shmdt(memory));
	VALUE(attached());
	SHOW(shmdt(to - 3 * page));
	VALUE(attached());
	SHOW(shmdt(to - 3 * page));
	memory = attach(0);
	to = vacant();
	SHOW(moved(memory + 3 * page, 3, to) == to);
	SHOW(shmdt(to - 3 * page));
	VALUE(attached());
	SHOW(shmdt(memory));
	VALUE(attached());
}

static void cut(void)
{
	char *memory = attach(0), *other;

	SHOW(munmap(memory + 2 * page, page));
	VALUE(attached());
	/* What comes there is not the segment's. */
	other = mmap(memory + 2 * page, page, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	strcpy(other, "other");
	SHOW(shmdt(memory));
	VALUE(attached());
	VALUE(strcmp(other, "other"));
	munmap(other, page);

	memory = attach(0);
	SHOW(munmap(memory, 2 * page));
	VALUE(attached());
	SHOW(shmdt(memory + 2 * page));
	SHOW(shmdt(memory));
	VALUE(attached());

	memory = attach(0);
	SHOW(munmap(memory + 4 * page, 2 * page));
	VALUE(attached());
	SHOW(shmdt(memory));
	VALUE(attached());

	memory = attach(0);
	SHOW(munmap(memory, PAGES * page));
	VALUE(attached());
	SHOW(shmdt(memory));
	VALUE(attached());
}

static void protected(void)
{
	char *memory = attach(0);

	SHOW(mprotect(memory + page, page, PROT_READ));
	VALUE(attached());
	SHOW(mprotect(memory + 3 * page, page, PROT_NONE));
	VALUE(attached());
	SHOW(shmdt(memory + page));
	SHOW(shmdt(memory));
	VALUE(attached());
	memory = attach(SHM_RDONLY);
	SHOW(mprotect(memory, page, PROT_READ | PROT_WRITE));
	SHOW(shmdt(memory));
}

static void resized(void)
{
	char *memory = attach(0), *larger, *old;

	SHOW(mremap(memory, PAGES * page, 2 * page, 0) == memory);
	VALUE(attached());
	SHOW(shmdt(memory));
	VALUE(attached());
	memory = attach(0);
	larger = mremap(memory, PAGES * page, 2 * PAGES * page, MREMAP_MAYMOVE);
	SHOW(larger == FAILED);
	VALUE(attached());
	SHOW(shmdt(larger));
	VALUE(attached());
	/* Length 0: one more mapping of the same. */
	memory = attach(0);
	old = memory;
	memory = mremap(old, 0, PAGES * page, MREMAP_MAYMOVE);
	SHOW(memory == FAILED);
	VALUE(attached());
	SHOW(shmdt(old));
	VALUE(attached());
	SHOW(shmdt(memory));
	VALUE(attached());
}

/* Side by side, and one over the other. */
static void several(void)
{
	char *room = vacant(), *a, *b;

	a = shmat(id, room, 0);
	b = shmat(id, room + PAGES * page, 0);
	VALUE(a == room && b == room + PAGES * page);
	VALUE(attached());
	SHOW(shmat(id, room + page, 0) == FAILED);
	SHOW(shmdt(a));
	VALUE(attached());
	SHOW(shmat(id, b - page, SHM_REMAP) == b - page);
	VALUE(attached());
	SHOW(shmdt(b));
	VALUE(attached());
	SHOW(shmdt(b - page));
	VALUE(attached());
	a = attach(0);
	b = attach(0);
	SHOW(moved(a, PAGES, b) == b);
	VALUE(attached());
	SHOW(shmdt(a));
	SHOW(shmdt(b));
	VALUE(attached());
}

static char *inherited;

static void child(void)
{
	VALUE(attached());
	SHOW(moved(inherited, PAGES, vacant()) == FAILED);
	VALUE(attached());
	SHOW(shmdt(inherited));
	VALUE(attached());
}

static void child_pauses(void)
{
	pause();
}

/* In a segment of its own that stays attached: the dead are counted out a moment later. */
static void forked(void)
{
	int before = id;
	char *stays;
	pid_t pid;

	SHOW_ID(id = shmget(IPC_PRIVATE, PAGES * page, 0600));
	stays = attach(0);
	inherited = attach(0);
	munmap(inherited + 2 * page, page);
	VALUE(attached());
	pid = ipc_start(child_pauses);
	VALUE(attached());
	kill(pid, SIGKILL);
	ipc_reap("killed", pid);
	VALUE(attached());
	SHOW(shmdt(inherited));
	inherited = attach(0);
	ipc_child("child", 0, child);
	VALUE(attached());
	SHOW(shmdt(inherited));
	VALUE(attached());
	SHOW(shmctl(id, IPC_RMID, NULL));
	SHOW(shmdt(stays));
	id = before;
}

/* --- locking ----------------------------------------------------------------------------- */

static long is_locked(void)
{
	struct shmid_ds ds;

	return shmctl(id, IPC_STAT, &ds) < 0 ? -1 : (ds.shm_perm.mode & SHM_LOCKED) != 0;
}

static void lock_stranger(void)
{
	struct rlimit little = { .rlim_cur = page, .rlim_max = page }, nothing = { 0 };
	int mine = shmget(IPC_PRIVATE, 4 * page, 0);

	SHOW(shmctl(mine, SHM_LOCK, NULL));
	SHOW(shmctl(mine, SHM_UNLOCK, NULL));
	setrlimit(RLIMIT_MEMLOCK, &little);
	SHOW(shmctl(mine, SHM_LOCK, NULL));
	setrlimit(RLIMIT_MEMLOCK, &nothing);
	SHOW(shmctl(mine, SHM_LOCK, NULL));
	SHOW(shmctl(mine, SHM_UNLOCK, NULL));
	SHOW(shmctl(id, SHM_LOCK, NULL));
	SHOW(shmctl(mine, IPC_RMID, NULL));
}

static void locked(void)
{
	SHOW(is_locked());
	SHOW(shmctl(id, SHM_LOCK, NULL));
	SHOW(shmctl(id, SHM_LOCK, NULL));
	SHOW(is_locked());
	SHOW(shmctl(id, SHM_UNLOCK, NULL));
	SHOW(is_locked());
	ipc_child("stranger", STRANGER, lock_stranger);
}

static void executed(void)
{
	/* mov eax, 42; ret */
	static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
	char *memory = attach(SHM_EXEC);

	memcpy(memory, code, sizeof(code));
#ifdef __x86_64__
	VALUE(((int (*)(void))(void *)memory)());
#endif
	SHOW(shmdt(memory));
}

/* Gone with the last who has it attached, in whatever pieces. */
static void removed(void)
{
	char *memory = attach(0), *to = vacant();
	struct shmid_ds ds;

	SHOW(moved(memory + 3 * page, 3, to) == to);
	SHOW(shmctl(id, IPC_RMID, NULL));
	SHOW(shmctl(id, IPC_STAT, &ds));
	VALUE((ds.shm_perm.mode & SHM_DEST) != 0);
	SHOW(shmdt(memory));
	SHOW(shmctl(id, IPC_STAT, &ds));
	VALUE(ds.shm_nattch);
	SHOW(shmdt(to - 3 * page));
	SHOW(shmctl(id, IPC_STAT, &ds));
	SHOW(shmat(id, NULL, 0) == FAILED);
}

void calls_attach(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	SHOW_ID(id = shmget(IPC_PRIVATE, PAGES * page - 100, 0700));
	whole();
	half();
	cut();
	protected();
	resized();
	several();
	forked();
	locked();
	executed();
	removed();
}
