/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * explain.h - what an error of CRIU's means for whoever asked for the move (libmig's own)
 */
#ifndef VC_LIBMIG_CRIU_EXPLAIN_H
#define VC_LIBMIG_CRIU_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/*
 * One line of CRIU's log, as it comes behind "Error (…): ". Writes the sentence: what failed, why,
 * what to do about it. false: the line is not known, and the sentence says that.
 */
bool criu_explain_line(const char *line, bool restoring, char *ret, size_t size);

/*
 * Finds in CRIU's log the line that says what went wrong. 0 and the line in ret, which is
 * cut at size; -ENOENT: there is none.
 */
int criu_explain_find(int dirfd, const char *log, char *ret, size_t size);

#endif
