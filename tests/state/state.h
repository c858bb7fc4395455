/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * state.h - a row of tests/move-state: an attribute of a process that a move must carry
 *
 * A file for each kind of attribute has a table of rows, which state.c lists in STATE_TABLES.
 */
#ifndef VC_TESTS_STATE_H
#define VC_TESTS_STATE_H

#include <stdbool.h>

#define STATE_VALUE 256

struct state_row {
	const char *name; /* NULL: the table's end */
	/* Sets the attribute. Returns 0, or -1 with errno: this kernel or user cannot have it. */
	int (*set)(void);
	/* Writes its value as text. */
	void (*get)(char ret[STATE_VALUE]);
	bool at_end; /* read only at the end */
};

#define STATE_ROW(name_)                                                                           \
	{                                                                                          \
		.name = #name_, .set = set_##name_, .get = get_##name_                             \
	}
/* A row whose get() opens files: a descriptor in /proc would be another subject of a move. */
#define STATE_FILE_ROW(name_)                                                                      \
	{                                                                                          \
		.name = #name_, .set = set_##name_, .get = get_##name_, .at_end = true             \
	}

#define STATE_TABLES(X)                                                                            \
	X(prctl)                                                                                   \
	X(sched)                                                                                   \
	X(keys)                                                                                    \
	X(memory)                                                                                  \
	X(processor)                                                                               \
	X(descriptor)                                                                              \
	X(semaphore)

#define X(table) extern const struct state_row state_##table[];
STATE_TABLES(X)
#undef X

/* Writes a number, or errno with a minus if it is negative. */
void state_number(char ret[STATE_VALUE], long value);
/* Writes 0, for an attribute that a process cannot read. */
void state_get_nothing(char ret[STATE_VALUE]);
/* Returns 0, or -1 with errno. */
int state_write_file(const char *path, const char *text);
/* Reads the first line. */
void state_read_file(const char *path, char ret[STATE_VALUE]);

#endif
