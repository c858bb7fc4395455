/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * verdict.h - prints the lines of a check
 */
#ifndef VC_CLI_CHECK_H
#define VC_CLI_CHECK_H

#include <jansson.h>
#include <stdbool.h>

enum verdict { CHECK_OK, CHECK_WARN, CHECK_FAIL };

struct check {
	bool json; /* nothing is printed before check_end() */
	json_t *list;
	enum verdict worst;
};

void check_begin(struct check *check, bool json);
/* Prints a line, unless it is JSON. remedy: what to do about it, or NULL. */
void check_line(struct check *check, enum verdict verdict, const char *what, const char *remedy,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Prints the JSON, if that was asked for, and frees. The command's exit status. */
int check_end(struct check *check);

#endif
