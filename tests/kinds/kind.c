// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * kind.c - the program of tests/move-kinds: the rows, and the job of each
 *
 *	kinds list            the rows: NAME, USER, REFUSED, TODO, whether it has an outsider; by
 *tabs kinds victim NAME     a row's job kinds outside NAME    a row's process outside of the job
 *
 * Job and outsider make their thing and write "ready" and a line ".". To each line read they
 * answer with their description, and again a line ".". They end with their standard input.
 * Exit status: 77: there is no such thing here, and the reason is on standard error.
 */
#include "tests/kinds/kind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"

static const struct kind *const kind_tables[] = {
#define X(table) kinds_##table,
	KIND_TABLES(X)
#undef X
};

void kind_none(const char *what)
{
	dprintf(2, "%s: %s\n", what, strerror(errno));
	_exit(77);
}

void kind_broken(const char *file, int line, const char *what)
{
	dprintf(2, "%s:%d: not true: %s (%s)\n", file, line, what, strerror(errno));
	_exit(99);
}

/* Where a child says that it is ready; -1: it has said so, or is no child. */
static int kind_ready = -1;

void kind_is_ready(void)
{
	if (kind_ready >= 0)
		close(kind_ready);
	kind_ready = -1;
}

static __attribute__((noreturn)) void kind_run_child(void (*run)(void *arg), void *arg)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < 2; fd++)
		dup2(null, fd);
	close(null);
	run(arg);
	kind_is_ready();
	for (;;)
		pause();
}

pid_t kind_child(void (*run)(void *arg), void *arg)
{
	int ready[2];
	char byte;
	pid_t pid;

	MUST(pipe2(ready, O_CLOEXEC) == 0);
	pid = fork();
	MUST(pid >= 0);
	if (pid == 0) {
		close(ready[0]);
		/* The parent's, which it has yet to close. */
		kind_is_ready();
		kind_ready = ready[1];
		kind_run_child(run, arg);
	}
	close(ready[1]);
	MUST(read(ready[0], &byte, 1) == 0);
	close(ready[0]);
	return pid;
}

void kind_until(bool (*is_so)(void *arg), void *arg)
{
	struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; !is_so(arg); i++) {
		MUST(i < 10000);
		nanosleep(&pause, NULL);
	}
}

void kind_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

void kind_say(FILE *out, const char *what, long value)
{
	if (value < 0)
		fprintf(out, "%s: %s\n", what, strerrorname_np(errno));
	else
		fprintf(out, "%s: %ld\n", what, value);
}

void kind_say_read(FILE *out, const char *what, int fd)
{
	int flags = fcntl(fd, F_GETFL);
	char buf[4096];
	ssize_t len;

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	len = read(fd, buf, sizeof(buf) - 1);
	if (len < 0)
		fprintf(out, "%s: %s\n", what, strerrorname_np(errno));
	else
		fprintf(out, "%s: '%.*s'\n", what, (int)len, buf);
	fcntl(fd, F_SETFL, flags);
}

static void kind_list(void)
{
	static const char *const users[] = { "root", "user", "both" };

	for (size_t i = 0; i < sizeof(kind_tables) / sizeof(kind_tables[0]); i++)
		for (const struct kind *kind = kind_tables[i]; kind->name; kind++)
			printf("%s\t%s\t%s\t%s\t%s\n", kind->name, users[kind->as],
			       kind->refused ? kind->refused : "", kind->todo ? kind->todo : "",
			       kind->outside ? "outside" : "");
}

static const struct kind *kind_find(const char *name)
{
	for (size_t i = 0; i < sizeof(kind_tables) / sizeof(kind_tables[0]); i++)
		for (const struct kind *kind = kind_tables[i]; kind->name; kind++)
			if (!strcmp(kind->name, name))
				return kind;
	return NULL;
}

static void kind_answer(void (*show)(FILE *out))
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	MUST(out);
	if (show)
		show(out);
	fputs(".\n", out);
	fclose(out);
	MUST(write(1, text, len) == (ssize_t)len);
}

static void kind_say_ready(FILE *out)
{
	fputs("ready\n", out);
}

static int kind_serve(void (*make)(void), void (*show)(FILE *out))
{
	char request[64];
	ssize_t len;

	if (make)
		make();
	kind_answer(kind_say_ready);
	for (;;) {
		len = read(0, request, sizeof(request));
		if (len == 0)
			return 0;
		if (len > 0)
			kind_answer(show);
		else
			MUST(errno == EINTR);
	}
}

int main(int argc, char **argv)
{
	const struct kind *kind = argc == 3 ? kind_find(argv[2]) : NULL;

	if (argc == 2 && !strcmp(argv[1], "list")) {
		kind_list();
		return 0;
	}
	if (kind && !strcmp(argv[1], "victim"))
		return kind_serve(kind->make, kind->show);
	if (kind && !strcmp(argv[1], "outside"))
		return kind_serve(kind->outside, kind->outside_show);
	fprintf(stderr, "Usage: kinds list | victim NAME | outside NAME\n");
	return 2;
}
