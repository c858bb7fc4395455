// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-client.c - asks the daemons for IPC objects, as libvcipc does, for the ipc-*.sh tests
 *
 * Each argument is a request; without arguments, each line of standard input is one. The
 * answer is a line: "ok ..." or the name of the error. Objects that were opened are numbered
 * from 0.
 *
 *	open KIND NAME [create] [excl] [rdonly] [persistent] [nocount] [mode=OCTAL] [size=N]
 *	open KIND id=N ...    NAME "-": nameless
 *	close N               unmaps it, closes its descriptor, counts itself out
 *	forget N              unmaps it and closes its descriptor, and says nothing
 *	put N VALUE           writes a number to its memory; "get N" reads it
 *	unlink KIND NAME | unlink KIND id=N
 *	stat KIND NAME | stat KIND id=N
 *	chown ID UID GID OCTAL
 *	list KIND             how many there are to be seen
 *	info
 *	fork | fork counted   a child that lives until it is killed: its pid
 *	leave
 *	pause                 lives on without reading
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipcmap/door/door.h"

#define OBJECTS_MAX 64

static struct {
	struct door_object door;
	volatile uint32_t *memory;
} objects[OBJECTS_MAX];
static unsigned int n_objects;

static void answer(int r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void answer(int r, const char *fmt, ...)
{
	va_list ap;

	if (r < 0) {
		puts(strerrorname_np(-r));
	} else {
		fputs("ok", stdout);
		va_start(ap, fmt);
		vprintf(fmt, ap);
		va_end(ap);
		putchar('\n');
	}
	fflush(stdout);
}

static uint32_t kind_of(const char *name)
{
#define X(id, number, text)                                                                        \
	if (!strcmp(name, text))                                                                   \
		return number;
	IPC_KINDS(X)
#undef X
	return (uint32_t)atoi(name);
}

/* The next word of the line; "" at its end. */
static char *word(char **line)
{
	char *found = strsep(line, " ");

	return found ? found : (char *)"";
}

/* A name, or NULL and an id. */
static const char *name_of(char *text, uint64_t *ret_id)
{
	*ret_id = 0;
	if (!strcmp(text, "-"))
		return NULL;
	if (strncmp(text, "id=", 3) != 0)
		return text;
	*ret_id = strtoull(text + 3, NULL, 10);
	return NULL;
}

static void open_option(struct door_open *req, const char *option)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} flags[] = { { "create", DOOR_CREATE },
		      { "excl", DOOR_EXCL },
		      { "rdonly", DOOR_RDONLY },
		      { "persistent", DOOR_PERSISTENT },
		      { "nocount", DOOR_NOCOUNT } };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (!strcmp(option, flags[i].name))
			req->flags |= flags[i].flag;
	if (!strncmp(option, "mode=", 5))
		req->mode = (uint32_t)strtoul(option + 5, NULL, 8);
	else if (!strncmp(option, "size=", 5))
		req->size = strtoull(option + 5, NULL, 10);
}

static void do_open(char *line)
{
	struct door_open req = { .mode = 0600, .size = 4096 };
	int r, prot = PROT_READ;

	req.kind = kind_of(word(&line));
	req.name = name_of(word(&line), &req.id);
	while (line)
		open_option(&req, word(&line));
	if (n_objects == OBJECTS_MAX)
		abort();
	r = door_open(&req, &objects[n_objects].door);
	if (r == 0) {
		void *memory;

		if (!(req.flags & DOOR_RDONLY))
			prot |= PROT_WRITE;
		memory = mmap(NULL, 4096, prot, MAP_SHARED, objects[n_objects].door.fd, 0);
		objects[n_objects].memory = memory == MAP_FAILED ? NULL : memory;
		close(objects[n_objects].door.fd);
		n_objects++;
		answer(0, " %s id=%" PRIu64 " short=%" PRId32 "%s",
		       objects[n_objects - 1].door.created ? "created" : "found",
		       objects[n_objects - 1].door.id,
		       door_short_id(objects[n_objects - 1].door.id),
		       objects[n_objects - 1].door.unlinked ? " unlinked" : "");
	} else {
		answer(r, "%s", "");
	}
}

static void do_forget(unsigned int i)
{
	if (objects[i].memory)
		munmap((void *)objects[i].memory, 4096);
	objects[i].memory = NULL;
}

static void do_stat(char *line)
{
	uint32_t kind = kind_of(word(&line));
	struct door_stat st = { 0 };
	uint64_t id;
	const char *name = name_of(word(&line), &id);
	int r = door_stat(kind, name, id, &st);

	answer(r, " '%s' uid=%u gid=%u cuid=%u mode=%04o openers=%u size=%" PRIu64 "%s%s", st.name,
	       st.uid, st.gid, st.cuid, st.mode, st.openers, st.size,
	       st.persistent ? " persistent" : "", st.unlinked ? " unlinked" : "");
}

static void do_list(char *line)
{
	uint32_t kind = kind_of(word(&line));
	struct door_stat st[7];
	uint64_t cursor = 0;
	int n = 0, r;

	while ((r = door_list(kind, &cursor, st, 7)) > 0)
		n += r;
	answer(r, " %d", n);
}

static void do_chown(char *line)
{
	uint64_t id = strtoull(word(&line), NULL, 10);
	uint32_t uid = (uint32_t)strtoul(word(&line), NULL, 10);
	uint32_t gid = (uint32_t)strtoul(word(&line), NULL, 10);

	answer(door_chown(id, uid, gid, (uint32_t)strtoul(word(&line), NULL, 8)), "%s", "");
}

static void do_fork(const char *how)
{
	int pair[2], r = 0;
	pid_t pid;

	if (pipe(pair) < 0)
		abort();
	pid = fork();
	if (pid == 0) {
		if (!strcmp(how, "counted"))
			r = door_fork();
		if (write(pair[1], &r, sizeof(r)) != sizeof(r))
			abort();
		for (;;)
			pause();
	}
	if (read(pair[0], &r, sizeof(r)) != sizeof(r))
		abort();
	close(pair[0]);
	close(pair[1]);
	answer(r, " pid=%d", (int)pid);
}

static void do_line(char *line)
{
	const char *verb = word(&line);
	uint64_t id;

	if (!strcmp(verb, "open")) {
		do_open(line);
	} else if (!strcmp(verb, "close")) {
		unsigned int i = (unsigned int)atoi(word(&line));

		do_forget(i);
		answer(door_close(objects[i].door.handle), "%s", "");
	} else if (!strcmp(verb, "forget")) {
		do_forget((unsigned int)atoi(word(&line)));
		answer(0, "%s", "");
	} else if (!strcmp(verb, "put")) {
		unsigned int i = (unsigned int)atoi(word(&line));

		*objects[i].memory = (uint32_t)atoi(word(&line));
		answer(0, "%s", "");
	} else if (!strcmp(verb, "get")) {
		answer(0, " %u", *objects[atoi(word(&line))].memory);
	} else if (!strcmp(verb, "unlink")) {
		uint32_t kind = kind_of(word(&line));
		const char *name = name_of(word(&line), &id);

		answer(door_unlink(kind, name, id), "%s", "");
	} else if (!strcmp(verb, "stat")) {
		do_stat(line);
	} else if (!strcmp(verb, "chown")) {
		do_chown(line);
	} else if (!strcmp(verb, "list")) {
		do_list(line);
	} else if (!strcmp(verb, "info")) {
		struct door_info info = { 0 };
		int r = door_info(&info);

		answer(r, " used=%" PRIu64 " capacity=%" PRIu64 " per_user=%" PRIu64, info.used,
		       info.capacity, info.per_user);
	} else if (!strcmp(verb, "fork")) {
		do_fork(word(&line));
	} else if (!strcmp(verb, "leave")) {
		answer(door_leave(), "%s", "");
	} else if (!strcmp(verb, "pause")) {
		answer(0, " %d", (int)getpid());
		for (;;)
			pause();
	} else {
		puts("?");
	}
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	for (int i = 1; i < argc; i++)
		do_line(argv[i]);
	while (argc == 1 && (n = getline(&line, &size, stdin)) > 0) {
		line[n - 1] = '\0';
		do_line(line);
	}
	free(line);
	return 0;
}
