// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * memory-victim.c - memory of every kind, each page with a word of its own
 *
 *	memory-victim MEBIBYTES [fork|exec]
 *
 * It fills its regions, with "fork" has a child that shares them, with "exec" one
 * that has run this program anew, and writes its pid. For each line it reads it looks at
 * every page and writes "well", or what is wrong, and how many KiB of memory it has
 * to itself and shares (Pss, all its processes).
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096u
#define READY 9 /* closed by a child when it has filled its memory */

enum kind {
	PLAIN,
	READ_ONLY,
	NO_ACCESS,
	SPARSE, /* one page in each 64 */
	LOCKED,
	SHARED,
	FILE_COPY, /* private pages of a file, written */
	ADJOINING, /* next to READ_ONLY's second half: two mappings, one run of pages */
	N_KINDS
};

struct region {
	uint8_t *at;
	size_t size, step;
};

static struct region regions[N_KINDS];

static uint64_t word(enum kind kind, size_t i)
{
	return ((uint64_t)kind + 1) * 0x9e3779b97f4a7c15u + i;
}

static void write_words(enum kind kind)
{
	struct region *region = &regions[kind];

	for (size_t i = 0; i < region->size; i += region->step)
		memcpy(region->at + i + i / PAGE % 500 * 8, &(uint64_t){ word(kind, i) }, 8);
}

static size_t wrong_words(enum kind kind)
{
	const struct region *region = &regions[kind];
	size_t wrong = 0;
	uint64_t found;

	for (size_t i = 0; i < region->size; i += region->step) {
		memcpy(&found, region->at + i + i / PAGE % 500 * 8, sizeof(found));
		wrong += found != word(kind, i);
	}
	return wrong;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void map(enum kind kind, size_t size, int flags, int fd)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (at == MAP_FAILED)
		die("mmap");
	regions[kind] = (struct region){ at, size, kind == SPARSE ? 64 * PAGE : PAGE };
	write_words(kind);
}

static void map_all(size_t size)
{
	FILE *file = tmpfile();

	if (!file || ftruncate(fileno(file), (off_t)size) < 0)
		die("tmpfile");
	map(PLAIN, size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	map(READ_ONLY, size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	regions[READ_ONLY].size = size / 2 / PAGE * PAGE;
	regions[ADJOINING] = (struct region){ regions[READ_ONLY].at + regions[READ_ONLY].size,
					      size - regions[READ_ONLY].size, PAGE };
	write_words(ADJOINING);
	mprotect(regions[READ_ONLY].at, regions[READ_ONLY].size, PROT_READ);
	map(NO_ACCESS, size / 4, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	mprotect(regions[NO_ACCESS].at, regions[NO_ACCESS].size, PROT_NONE);
	map(SPARSE, size * 8, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	map(LOCKED, 8 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	mlock(regions[LOCKED].at, regions[LOCKED].size);
	map(SHARED, size / 4, MAP_SHARED | MAP_ANONYMOUS, -1);
	map(FILE_COPY, size / 4, MAP_PRIVATE, fileno(file));
	fclose(file);
}

static unsigned long pss_kib(pid_t pid)
{
	char path[64], line[256];
	unsigned long kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Pss: %lu", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

static void look(pid_t child)
{
	size_t wrong = 0;

	mprotect(regions[NO_ACCESS].at, regions[NO_ACCESS].size, PROT_READ);
	for (enum kind kind = 0; kind < N_KINDS; kind++) {
		size_t n = wrong_words(kind);

		if (n > 0)
			printf("region %d: %zu pages of %zu are wrong; ", (int)kind, n,
			       regions[kind].size / regions[kind].step);
		wrong += n;
	}
	mprotect(regions[NO_ACCESS].at, regions[NO_ACCESS].size, PROT_NONE);
	printf("%s %lu\n", wrong ? "WRONG" : "well",
	       pss_kib(getpid()) + (child > 0 ? pss_kib(child) : 0));
	fflush(stdout);
}

/* A child that runs this program too, and reads its lines from a pipe that stays empty. */
static pid_t start_anew(char *name, char *mib)
{
	int input[2], ready[2];
	pid_t pid;

	if (pipe(input) < 0 || pipe(ready) < 0)
		die("pipe");
	pid = fork();
	if (pid == 0) {
		dup2(input[0], 0);
		dup2(ready[1], READY);
		close(input[1]);
		close(ready[0]);
		close(ready[1]);
		execl("/proc/self/exe", name, mib, "child", NULL);
		_exit(127);
	}
	close(input[0]);
	close(ready[1]);
	if (read(ready[0], &(char){ 0 }, 1) != 0)
		die("the child");
	close(ready[0]);
	return pid;
}

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) << 20 : 0;
	char line[64];
	pid_t child = 0;

	if (size == 0)
		return 2;
	map_all(size);
	if (argc > 2 && !strcmp(argv[2], "fork")) {
		child = fork();
		while (child == 0)
			pause();
	} else if (argc > 2 && !strcmp(argv[2], "exec")) {
		child = start_anew(argv[0], argv[1]);
	} else if (argc > 2) {
		close(READY);
	}
	while (fgets(line, sizeof(line), stdin))
		look(child);
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	return 0;
}
