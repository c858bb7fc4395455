// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * descriptor.c - rows of tests/move-state: what the kernel keeps about descriptors beside their
 * state
 */
#include "tests/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile sig_atomic_t notified;
static int watched_dir = -1;

static void on_notify(int signal)
{
	notified++;
}

static int set_dnotify(void)
{
	signal(SIGIO, on_notify);
	watched_dir = open("/tmp", O_RDONLY | O_DIRECTORY);
	return fcntl(watched_dir, F_NOTIFY, DN_CREATE | DN_MULTISHOT);
}

static void get_dnotify(char ret[STATE_VALUE])
{
	char name[64];

	notified = 0;
	snprintf(name, sizeof(name), "/tmp/state-victim.%d", getpid());
	close(open(name, O_CREAT | O_WRONLY, 0600));
	unlink(name);
	state_number(ret, notified);
}

/* It gets no more events. */
static int set_dnotify_over(void)
{
	return set_dnotify() < 0 || fcntl(watched_dir, F_NOTIFY, 0) < 0
		       ? -1
		       : fcntl(watched_dir, F_SETOWN, 0);
}
#define get_dnotify_over get_dnotify

#define ADVISED (1 << 20)
#define ADVISED_PAGE 4096

static int advised = -1;

/* Pages that are there after one byte was read: those that were read ahead are among them. */
static void get_file_advice(char ret[STATE_VALUE])
{
	static unsigned char there[ADVISED / ADVISED_PAGE];
	long pages = 0;
	char byte;
	void *map;

	posix_fadvise(advised, 0, ADVISED, POSIX_FADV_DONTNEED);
	if (pread(advised, &byte, 1, 0) != 1)
		pages = 10000;
	map = mmap(NULL, ADVISED, PROT_READ, MAP_SHARED, advised, 0);
	if (map == MAP_FAILED || mincore(map, ADVISED, there) < 0)
		pages = 20000;
	else
		munmap(map, ADVISED);
	for (size_t i = 0; i < sizeof(there); i++)
		pages += there[i] & 1;
	state_number(ret, pages);
}

static int set_file_advice(void)
{
	char name[] = "/var/tmp/state-victim.XXXXXX", usual[STATE_VALUE], is[STATE_VALUE];
	static const char text[ADVISED];

	advised = mkstemp(name);
	if (advised < 0 || unlink(name) < 0 || write(advised, text, ADVISED) != ADVISED ||
	    fsync(advised) < 0)
		return -1;
	get_file_advice(usual);
	errno = posix_fadvise(advised, 0, 0, POSIX_FADV_RANDOM);
	if (errno)
		return -1;
	get_file_advice(is);
	if (strcmp(usual, is) != 0)
		return 0;
	/* Nothing is read ahead here. */
	errno = ENOTSUP;
	return -1;
}

const struct state_row state_descriptor[] = {
	STATE_FILE_ROW(dnotify),
	STATE_FILE_ROW(dnotify_over),
	STATE_FILE_ROW(file_advice),
	{ .name = NULL },
};
