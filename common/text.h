/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text.h - makes text of other users safe for a terminal
 *
 * Users choose the names of files, jobs and IPC objects and the arguments of programs. Others read
 * them in tables, error messages and logs. They must not control the terminal, change the order of
 * the text, or hide characters so that one name looks like another. All code that prints such text
 * calls these functions.
 */
#ifndef VC_COMMON_TEXT_H
#define VC_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Replaces each of these by one question mark: control characters (C0, DEL, C1), characters that
 * change the writing direction, characters without a width, and bytes that are not UTF-8. The text
 * may get shorter.
 */
void text_hide_controls(char *text);

/* Returns whether text is UTF-8 without such characters and without blanks. */
bool text_is_name(const char *text);

/* Copies size bytes as UTF-8 with U+FFFD for each invalid byte. *ret_size is the length without
 * NUL. The caller frees the copy; NULL: no memory. */
char *text_to_utf8(const char *data, size_t size, size_t *ret_size);

/* Copies a JSON document in UTF-8 and writes all these characters as \uXXXX; they occur in strings
 * only. The caller frees the copy; NULL: no memory. */
char *text_escape_json(const char *json);

/* Takes the first range from a list like "0-1,3" and moves *list behind it. Returns false at its
 * end, and when the list is malformed: then *list is at that place. */
bool text_next_range(const char **list, unsigned long *ret_first, unsigned long *ret_last);

#endif
