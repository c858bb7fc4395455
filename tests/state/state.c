// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * state.c - the program of tests/move-state: it watches its own attributes while it is moved
 *
 *	state-victim ATTRIBUTE...            sets them, prints "ready", and reads them without a
 *pause state-victim --thread ATTRIBUTE...   the same in a thread that is not the first state-victim
 *--list
 *
 * Every change is a line on standard output ("changed: mdwe: was 1, is 0"). At SIGTERM it prints
 * "done READS" and ends with status 0 if nothing has changed. If this kernel or user cannot have an
 * attribute, it prints the reason and ends with status 77.
 */
#include "tests/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WATCHED_MAX 64

static const struct state_row *const tables[] = {
#define X(table) state_##table,
	STATE_TABLES(X)
#undef X
};
#define N_TABLES (sizeof(tables) / sizeof(tables[0]))

static volatile sig_atomic_t ended;

void state_number(char ret[STATE_VALUE], long value)
{
	snprintf(ret, STATE_VALUE, "%ld", value < 0 ? -(long)errno : value);
}

int state_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n < 0 ? -1 : 0;
}

void state_read_file(const char *path, char ret[STATE_VALUE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, STATE_VALUE - 1);

	if (fd >= 0)
		close(fd);
	ret[n < 0 ? 0 : n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}

void state_get_nothing(char ret[STATE_VALUE])
{
	state_number(ret, 0);
}

static void on_term(int signal)
{
	ended = 1;
}

static const struct state_row *find(const char *name)
{
	for (size_t i = 0; i < N_TABLES; i++)
		for (const struct state_row *row = tables[i]; row->name; row++)
			if (!strcmp(row->name, name))
				return row;
	fprintf(stderr, "state-victim: there is no attribute %s\n", name);
	exit(2);
}

static bool look(const struct state_row *row, char was[STATE_VALUE])
{
	char is[STATE_VALUE] = "";

	row->get(is);
	if (!strcmp(is, was))
		return false;
	printf("changed: %s: was %s, is %s\n", row->name, was, is);
	strcpy(was, is);
	return true;
}

struct names {
	int n;
	char **names;
};

/* Sets these attributes and watches them. Returns the exit status. */
static int watch(int n, char **names)
{
	static const struct state_row *watched[WATCHED_MAX];
	static char was[WATCHED_MAX][STATE_VALUE];
	unsigned long looks = 0, changes = 0;

	if (n > WATCHED_MAX)
		return 2;
	for (int i = 0; i < n; i++) {
		watched[i] = find(names[i]);
		errno = 0;
		if (watched[i]->set() < 0) {
			printf("skipped: %s: %s\n", watched[i]->name, strerror(errno));
			return 77;
		}
	}
	for (int i = 0; i < n; i++)
		watched[i]->get(was[i]);
	puts("ready");
	for (bool last = false; !last; looks++) {
		last = ended;
		for (int i = 0; i < n; i++)
			changes += (!watched[i]->at_end || last) && look(watched[i], was[i]);
	}
	printf("done %lu\n", looks);
	return changes > 0;
}

static void *watch_in_thread(void *arg)
{
	const struct names *names = arg;

	exit(watch(names->n, names->names));
}

int main(int argc, char **argv)
{
	struct names names = { argc - 2, argv + 2 };
	pthread_t thread;

	if (argc == 2 && !strcmp(argv[1], "--list")) {
		for (size_t i = 0; i < N_TABLES; i++)
			for (const struct state_row *row = tables[i]; row->name; row++)
				puts(row->name);
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, on_term);
	if (argc < 2 || strcmp(argv[1], "--thread") != 0)
		return watch(argc - 1, argv + 1);
	if (pthread_create(&thread, NULL, watch_in_thread, &names) != 0)
		return 1;
	pthread_join(thread, NULL);
	return 1;
}
