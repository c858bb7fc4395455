// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * state-victim.c - a program that watches its own attributes while it is moved
 *
 *	state-victim ATTRIBUTE...    sets them, says "ready", and looks at them without a pause;
 *	                             at those in files only at SIGTERM: a descriptor in
 *	                             /proc would be another subject
 *	state-victim --list
 *
 * One row a kind of attribute. Every change is a line on standard output
 * ("changed: mdwe: was 1, is 0"). SIGTERM: "done LOOKS" and, without a change, exit status 0.
 * An attribute that this kernel or user cannot have ends it with 77 and the reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VALUE_MAX 256

struct attribute {
	const char *name;
	/* 0 or -1 with errno. */
	int (*set)(void);
	void (*get)(char ret[VALUE_MAX]);
	bool at_end; /* looked at then only */
};

static volatile sig_atomic_t ended;

static void number(char ret[VALUE_MAX], long value)
{
	snprintf(ret, VALUE_MAX, "%ld", value < 0 ? -(long)errno : value);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n < 0 ? -1 : 0;
}

static void read_file(const char *path, char ret[VALUE_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, VALUE_MAX - 1);

	if (fd >= 0)
		close(fd);
	ret[n < 0 ? 0 : n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}

/* --- what is a number to prctl(2) ------------------------------------------------------------- */

#define PRCTL(name, set_args, get_args)                                                            \
	static int set_##name(void)                                                                \
	{                                                                                          \
		return prctl set_args;                                                             \
	}                                                                                          \
	static void get_##name(char ret[VALUE_MAX])                                                \
	{                                                                                          \
		number(ret, prctl get_args);                                                       \
	}

PRCTL(slack, (PR_SET_TIMERSLACK, 123456, 0, 0, 0), (PR_GET_TIMERSLACK, 0, 0, 0, 0))

/* --- the others ---------------------------------------------------------------------------------
 */

#define IOPRIO_BEST_EFFORT_7 (2 << 13 | 7)

static int set_ioprio(void)
{
	return (int)syscall(SYS_ioprio_set, 1, 0, IOPRIO_BEST_EFFORT_7);
}

static void get_ioprio(char ret[VALUE_MAX])
{
	number(ret, syscall(SYS_ioprio_get, 1, 0));
}

static int set_corefilter(void)
{
	return write_file("/proc/self/coredump_filter", "0x7f");
}

static void get_corefilter(char ret[VALUE_MAX])
{
	read_file("/proc/self/coredump_filter", ret);
}

#define ROW(name)                                                                                  \
	{                                                                                          \
#name, set_##name, get_##name, false                                               \
	}
#define FILE_ROW(name)                                                                             \
	{                                                                                          \
#name, set_##name, get_##name, true                                                \
	}

static const struct attribute attributes[] = {
	FILE_ROW(corefilter),
	ROW(ioprio),
	ROW(slack),
};

#define N_ATTRIBUTES (sizeof(attributes) / sizeof(attributes[0]))

static void on_term(int signal)
{
	ended = 1;
}

static const struct attribute *find(const char *name)
{
	for (size_t i = 0; i < N_ATTRIBUTES; i++)
		if (!strcmp(attributes[i].name, name))
			return &attributes[i];
	fprintf(stderr, "state-victim: there is no attribute %s\n", name);
	exit(2);
}

static bool look(const struct attribute *attribute, char was[VALUE_MAX])
{
	char is[VALUE_MAX] = "";

	attribute->get(is);
	if (!strcmp(is, was))
		return false;
	printf("changed: %s: was %s, is %s\n", attribute->name, was, is);
	strcpy(was, is);
	return true;
}

int main(int argc, char **argv)
{
	static const struct attribute *watched[N_ATTRIBUTES];
	static char was[N_ATTRIBUTES][VALUE_MAX];
	unsigned long looks = 0, changes = 0;
	int n = argc - 1;

	if (argc == 2 && !strcmp(argv[1], "--list")) {
		for (size_t i = 0; i < N_ATTRIBUTES; i++)
			puts(attributes[i].name);
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, on_term);
	if ((size_t)n > N_ATTRIBUTES)
		return 2;
	for (int i = 0; i < n; i++) {
		watched[i] = find(argv[i + 1]);
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
