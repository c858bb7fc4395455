/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kind.h - one row of tests/move-kinds: a small job, and how it describes itself
 *
 * A row's make() makes one thing in the job: a descriptor, a mapping, a session, an attribute.
 * Its show() describes that thing from the inside: what the kernel answers, and what still works.
 * tests/move-kinds.sh takes the description before the moves and after each, and compares.
 *
 * A description must be the same each time when nothing was moved: no clocks, no inode
 * numbers of pipes. show() may use a thing up (read a queue, say) if it makes it anew.
 * From the outside the test compares the rest itself: processes, credentials, descriptors.
 *
 * A row that needs somebody outside of the job has outside(): that runs first, in a process
 * of its own, with the same current directory, which is empty at the start and the row's own.
 */
#ifndef VC_TESTS_KIND_H
#define VC_TESTS_KIND_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

enum kind_user {
	KIND_ROOT,
	KIND_USER, /* an ordinary user only */
	KIND_BOTH, /* once as root, once as an ordinary user */
};

struct kind {
	const char *name; /* a word of small letters, digits and dashes; NULL: the table's end */
	void (*make)(void);
	void (*show)(FILE *out); /* NULL: nothing to be said from the inside */
	void (*outside)(void);   /* NULL: nobody */
	void (*outside_show)(FILE *out);
	/* NULL: the job is moved and nothing changes. Otherwise the move is refused before the
	 * freeze, and this extended regular expression is found in the reason. */
	const char *refused;
	const char *todo; /* what is still wrong: a row that is known to fail; NULL: it holds */
	enum kind_user as;
};

#define KIND(name_, make_, show_, ...)                                                             \
	{                                                                                          \
		.name = name_, .make = make_, .show = show_, __VA_ARGS__                           \
	}

#define KIND_TABLES(X)                                                                             \
	X(file)                                                                                    \
	X(socket)                                                                                  \
	X(option)                                                                                  \
	X(mapping)                                                                                 \
	X(process)                                                                                 \
	X(wait)                                                                                    \
	X(timer)                                                                                   \
	X(session)                                                                                 \
	X(tty)                                                                                     \
	X(proc)                                                                                    \
	X(odd)                                                                                     \
	X(ipc)

#define X(table) extern const struct kind kinds_##table[];
KIND_TABLES(X)
#undef X

/* What this machine does not offer is no failure: the row is left out, with the reason. */
#define NEED(condition) ((condition) ? (void)0 : kind_none(#condition))
/* What must work for the row to mean anything; in show() and children too. */
#define MUST(condition) ((condition) ? (void)0 : kind_broken(__FILE__, __LINE__, #condition))

void kind_none(const char *what) __attribute__((noreturn));
void kind_broken(const char *file, int line, const char *what) __attribute__((noreturn));

/* A child that runs this function, without the victim's standard descriptors, and then waits
 * for a signal for ever. Its pid, when the function has returned, the child has ended, or has
 * said by kind_is_ready() that it is ready. A child may have children in the same way. */
pid_t kind_child(void (*run)(void *arg), void *arg);
void kind_is_ready(void);
/* Waits until the function is true; broken after some seconds. */
void kind_until(bool (*is_so)(void *arg), void *arg);
/* Writes a whole small file. */
void kind_write_file(const char *path, const char *text);
/* One line: "what: value", or "what: " and the error's name if value is negative. */
void kind_say(FILE *out, const char *what, long value);
/* What a descriptor has to be read at the moment, as text, without waiting. */
void kind_say_read(FILE *out, const char *what, int fd);

#endif
