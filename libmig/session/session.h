/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * session.h - sessions and process groups that a parent cannot hand on (libmig's own)
 *
 * A process gets its session from its parent at birth, or makes one. So a restore must have each
 * process born by the right parent. An orphan has another parent than it was born by: the
 * tree's root adopted it. CRIU has answers to that which do not hold here: the root
 * adopts nobody before the restore's last moment, so that the mover got the orphans; and
 * the PIDs that it takes for intermediate parents may be another process's.
 *
 * Here the images get the intermediate parents, as processes that are dead. CRIU restores a dead
 * process by having it end, at the right time, and its children are orphans again. The root
 * adopts from the beginning (hold_adopt_early()), and before the tree runs the dead ones
 * are reaped.
 *
 *	in the job		in the images		restored
 *	root			root			root
 *	|-leader 7		|-leader 7		|-leader 7
 *	`-orphan 9, session 7	  `-dead 11		`-orphan 9
 *				    `-orphan 9
 */
#ifndef VC_LIBMIG_SESSION_H
#define VC_LIBMIG_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"

struct hold;
struct session;

/*
 * Looks at the processes of a tree, root first. 0: they can be restored, *ret is what it takes
 * (NULL: nothing); free with session_free(). -EOPNOTSUPP, with err: they cannot, and err names the
 * process.
 */
int session_take(const pid_t *pids, size_t n, struct session **ret, struct vc_err *err);
void session_free(struct session *session); /* NULL is accepted */

/* Changes the images of the frozen tree. The tree must be one of a session_take() since the
 * freeze. 0 or -errno, with err; then the images must not be used. */
int session_adapt(struct session *session, int dirfd, struct vc_err *err);

/* Adds the PIDs that session_adapt() gave to the dead. 0 or -ENOMEM. */
int session_add_numbers(const struct session *session, pid_t **numbers, size_t *n);

/* For the held tree: the dead are reaped, groups are as they were. 0 or the first -errno. */
int session_put_back(const struct session *session, struct hold *hold);

#endif
