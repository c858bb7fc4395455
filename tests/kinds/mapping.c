// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mapping.c - rows of tests/move-kinds: memory mappings
 */
#include "tests/kinds/kind.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#define SIZE (4 << 20)

static char *memory;
static size_t size = SIZE;

static void fill(void)
{
	for (size_t i = 0; i < size; i += 4096)
		memory[i] = (char)(i >> 12);
}

static void make_private(void)
{
	MUST((memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0)) != MAP_FAILED);
	fill();
}

static void show_memory(FILE *out)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < size; i += 4096)
		sum = sum * 31 + (unsigned char)memory[i];
	fprintf(out, "sum %u\n", sum);
}

static void write_shared(void *arg)
{
	(void)arg;
	memory[1 << 20] = 77;
}

static void make_shared(void)
{
	MUST((memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			    0)) != MAP_FAILED);
	fill();
	kind_child(write_shared, NULL);
}

static void make_file(int flags, bool deleted)
{
	int fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	MUST(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	MUST((memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0)) != MAP_FAILED);
	close(fd);
	fill();
	if (deleted)
		MUST(unlink("file") == 0);
}

static void make_file_private(void)
{
	make_file(MAP_PRIVATE, false);
}

static void make_file_shared(void)
{
	make_file(MAP_SHARED, false);
}

static void make_file_deleted(void)
{
	make_file(MAP_SHARED, true);
}

static void make_none(void)
{
	MUST((memory = mmap(NULL, (size_t)1 << 34, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) != MAP_FAILED);
	MUST(mprotect(memory, size, PROT_READ | PROT_WRITE) == 0);
	fill();
}

static void make_memfd(void)
{
	int fd = memfd_create("name", MFD_CLOEXEC);

	MUST(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	MUST((memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) != MAP_FAILED);
	close(fd);
	fill();
}

static void make_sysv(void)
{
	int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);

	MUST(id >= 0 && (memory = shmat(id, NULL, 0)) != (char *)-1);
	MUST(shmctl(id, IPC_RMID, NULL) == 0);
	fill();
}

static void make_huge(void)
{
	NEED((memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0)) != MAP_FAILED);
	fill();
}

static void make_locked(void)
{
	make_private();
	NEED(mlock(memory, 1 << 16) == 0);
}

const struct kind kinds_mapping[] = {
	KIND("mapping-private", make_private, show_memory),
	KIND("mapping-shared", make_shared, show_memory),
	KIND("mapping-file-private", make_file_private, show_memory),
	KIND("mapping-file-shared", make_file_shared, show_memory, .as = KIND_BOTH),
	KIND("mapping-file-deleted", make_file_deleted, show_memory),
	KIND("mapping-none", make_none, show_memory),
	KIND("mapping-memfd", make_memfd, show_memory),
	KIND("mapping-sysv", make_sysv, show_memory),
	KIND("mapping-huge", make_huge, show_memory),
	KIND("mapping-locked", make_locked, show_memory),
	{ .name = NULL },
};
