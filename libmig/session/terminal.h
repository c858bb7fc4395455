/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * terminal.h - the controlling terminals of a tree's own sessions (libmig's own)
 *
 * Terminals are kept (keep.h), with settings, sizes, and what is in them. A pty is not hung
 * up when the leader of its session ends, but it has no session any more. So in its next life
 * the leader takes it again, before it has children (module/lead.h), and while the tree is held
 * the foreground is put back.
 */
#ifndef VC_LIBMIG_TERMINAL_H
#define VC_LIBMIG_TERMINAL_H

#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"

struct hold;
struct keep;
struct terminals;

/* Looks at the sessions that are led from within a frozen tree. *ret is NULL where none has a
 * terminal. 0 or -errno. */
int terminals_take(struct hold *hold, const pid_t *pids, size_t n, struct terminals **ret,
		   struct vc_err *err);
/* Notes in keep which object is the terminal of which leader. terminals may be NULL. 0, or
 * -EOPNOTSUPP with err: one cannot be carried. */
int terminals_find(const struct terminals *terminals, struct keep *keep, struct vc_err *err);
void terminals_free(struct terminals *terminals); /* NULL is accepted */

/* For the held tree. 0, or -errno of the first that could not be put back. */
int terminals_put_back(const struct terminals *terminals, struct hold *hold);

#endif
