/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text.h - somebody's bytes on somebody else's terminal
 *
 * Names of files, jobs and IPC objects and arguments of programs are a user's own bytes. They end
 * in tables, error messages and logs that others read. There, nothing may give the terminal a
 * command, change the order of what is shown, or take no place, so that one name looks like
 * another. All that prints such bytes goes through here.
 */
#ifndef VC_COMMON_TEXT_H
#define VC_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Puts one question mark in place of each character that does not show as itself: control
 * characters (C0, DEL, C1), those that change the writing direction, those without a width, and
 * bytes that are no UTF-8. The text may get shorter.
 */
void text_hide_controls(char *text);

/* Whether text is UTF-8 without such characters, and, for a name, without blanks of any kind. */
bool text_is_plain(const char *text);
bool text_is_name(const char *text);

/* A copy of size bytes as UTF-8: U+FFFD stands for each byte that is none. The caller frees it;
 * NULL: no memory. *ret_size is its length, without the NUL behind it. */
char *text_to_utf8(const char *data, size_t size, size_t *ret_size);

/* A copy of a JSON document in UTF-8 in which all these characters are written as \uXXXX; they can
 * stand in strings only. The caller frees it; NULL: no memory. */
char *text_escape_json(const char *json);

#endif
