// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * map-victim.c - mappings and limits for which a restore could need more than the original
 *
 *	map-victim KIND [NUMBER]
 *
 * It has 20 MiB of memory in use besides, which is enough for a lazy restore, makes
 * what KIND says, writes "ready", and then looks at its memory for ever. It ends with 9
 * when that has changed.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define IN_USE ((size_t)20 << 20)
#define HUGE ((size_t)2 << 20)

static uint8_t *used;
static size_t giant; /* larger than memory and swap */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint8_t *map(size_t size, int prot, int flags, int fd)
{
	void *at = mmap(NULL, size, prot, flags | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);

	if (at == MAP_FAILED)
		die("mmap");
	return at;
}

static uint8_t *map_giant(int prot, int flags)
{
	return map(giant, prot, MAP_PRIVATE | flags, -1);
}

static void none(long number)
{
	map_giant(PROT_NONE, 0);
}

static void none_noreserve(long number)
{
	map_giant(PROT_NONE, MAP_NORESERVE);
}

static void none_dontfork(long number)
{
	madvise(map_giant(PROT_NONE, 0), giant, MADV_DONTFORK);
}

static void none_locked(long number)
{
	mlockall(MCL_CURRENT | MCL_FUTURE);
	map_giant(PROT_NONE, 0);
}

/* As an allocator that has used a part of what it has reserved, and uses another. */
static void none_in_part(long number)
{
	uint8_t *at = map_giant(PROT_NONE, 0);
	const size_t size = 1 << 20;

	mprotect(at + giant / 2, size, PROT_READ | PROT_WRITE);
	memset(at + giant / 2, 7, size);
	mprotect(at + giant / 2, size, PROT_NONE);
	mprotect(at + giant / 4, size, PROT_READ | PROT_WRITE);
	memset(at + giant / 4, 7, size / 2);
}

static void none_forked(long number)
{
	map_giant(PROT_NONE, 0);
	if (fork() == 0)
		for (;;)
			pause();
}

static void read_only(long number)
{
	volatile uint8_t *at = map_giant(PROT_READ, 0);

	(void)at[giant / 2];
}

static void sparse(long number)
{
	map_giant(PROT_READ | PROT_WRITE, MAP_NORESERVE)[giant / 2] = 1;
}

/* Two that adjoin, and together are larger than the machine. */
static void in_pieces(long number)
{
	size_t half = giant / 8 * 5;
	uint8_t *at = map(half, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	uint8_t *below = mmap(at - half, half, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (below != at - half)
		die("mmap");
	below[half / 2] = at[half / 2] = 1;
}

static void of_file(long number)
{
	FILE *file = tmpfile();
	volatile uint8_t *at;

	if (!file || ftruncate(fileno(file), (off_t)giant) < 0)
		die("tmpfile");
	at = map(giant, PROT_READ, MAP_PRIVATE, fileno(file));
	(void)at[giant / 2];
	fclose(file);
}

static void of_memfd(long number)
{
	int fd = memfd_create("map-victim", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)giant) < 0)
		die("memfd");
	map(giant, PROT_READ, MAP_PRIVATE, fd);
	close(fd);
}

static void grows_down(long number)
{
	map(IN_USE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_GROWSDOWN, -1)[IN_USE / 2] = 1;
	map(IN_USE, PROT_NONE, MAP_PRIVATE | MAP_GROWSDOWN, -1);
}

static void locked(long number)
{
	mlock(used, IN_USE);
}

/* KiB of address space left */
static void space_left(long kib)
{
	struct rlimit limit;
	unsigned long pages;
	FILE *file = fopen("/proc/self/statm", "r");

	if (!file || fscanf(file, "%lu", &pages) != 1)
		die("statm");
	fclose(file);
	limit.rlim_cur = limit.rlim_max = pages * 4096 + (rlim_t)kib * 1024;
	if (setrlimit(RLIMIT_AS, &limit) < 0)
		die("setrlimit");
}

static void files_limit(long number)
{
	struct rlimit limit = { .rlim_cur = (rlim_t)number, .rlim_max = (rlim_t)number };

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("setrlimit");
}

static void data_limit(long number)
{
	struct rlimit limit = { 0, 0 };

	if (setrlimit(RLIMIT_DATA, &limit) < 0)
		die("setrlimit");
}

static void huge(size_t pages, int flags, int fd)
{
	memset(map(pages * HUGE, PROT_READ | PROT_WRITE, flags, fd), 5, pages * HUGE);
}

static void huge_private(long pages)
{
	huge((size_t)pages, MAP_PRIVATE | MAP_HUGETLB, -1);
}

static void huge_shared(long pages)
{
	huge((size_t)pages, MAP_SHARED | MAP_HUGETLB, -1);
}

static void huge_memfd(long pages)
{
	int fd = memfd_create("map-victim", MFD_CLOEXEC | MFD_HUGETLB);

	if (fd < 0 || ftruncate(fd, (off_t)((size_t)pages * HUGE)) < 0)
		die("memfd");
	huge((size_t)pages, MAP_SHARED, fd);
}

/* Since a fork both have the same pages. */
static void huge_forked(long pages)
{
	huge_private(pages);
	if (fork() == 0)
		for (;;)
			pause();
}

static void huge_sysv(long pages)
{
	size_t size = (size_t)pages * HUGE;
	int id = shmget(IPC_PRIVATE, size, IPC_CREAT | SHM_HUGETLB | 0600);
	void *at = id < 0 ? NULL : shmat(id, NULL, 0);

	if (!at || at == (void *)-1)
		die("shm");
	memset(at, 5, size);
	shmctl(id, IPC_RMID, NULL);
}

/* Open and not mapped. */
static void huge_file(long pages)
{
	size_t size = (size_t)pages * HUGE;
	int fd = memfd_create("map-victim", MFD_HUGETLB);
	uint8_t *at;

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		die("memfd");
	at = map(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	memset(at, 5, size);
	munmap(at, size);
}

static void forked(long children)
{
	while (children-- > 0) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0)
			for (;;)
				pause();
	}
}

static void *compute(void *unused)
{
	for (volatile unsigned long i = 0;;)
		i++;
	return NULL;
}

static void computing(long threads)
{
	pthread_t thread;

	while (threads-- > 0)
		if (pthread_create(&thread, NULL, compute, NULL) != 0)
			die("pthread_create");
}

static const struct {
	const char *name;
	void (*make)(long number);
} kinds[] = {
	{ "none", none },
	{ "none-noreserve", none_noreserve },
	{ "none-dontfork", none_dontfork },
	{ "none-locked", none_locked },
	{ "none-in-part", none_in_part },
	{ "none-forked", none_forked },
	{ "read-only", read_only },
	{ "sparse", sparse },
	{ "in-pieces", in_pieces },
	{ "of-file", of_file },
	{ "of-memfd", of_memfd },
	{ "grows-down", grows_down },
	{ "locked", locked },
	{ "space-left", space_left },
	{ "files-limit", files_limit },
	{ "data-limit", data_limit },
	{ "huge-private", huge_private },
	{ "huge-shared", huge_shared },
	{ "huge-memfd", huge_memfd },
	{ "huge-forked", huge_forked },
	{ "huge-sysv", huge_sysv },
	{ "huge-file", huge_file },
	{ "computing", computing },
	{ "forked", forked },
};

int main(int argc, char **argv)
{
	struct sysinfo info;
	bool made = false;

	if (argc < 2 || sysinfo(&info) < 0)
		return 2;
	giant = (size_t)(info.totalram + info.totalswap) * info.mem_unit / 4096 * 4096 / 4 * 5;
	giant -= giant % (8 * 4096);
	used = map(IN_USE, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
	memset(used, 3, IN_USE);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(argv[1], kinds[i].name))
			continue;
		kinds[i].make(argc > 2 ? atol(argv[2]) : 0);
		made = true;
	}
	if (!made)
		return 2;
	puts("ready");
	fflush(stdout);
	for (;;) {
		for (size_t i = 0; i < IN_USE; i += 4096)
			if (used[i] != 3)
				return 9;
		usleep(10000);
	}
}
