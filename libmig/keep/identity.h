/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * identity.h - whether the files of a restored tree are the files it had
 *
 * CRIU opens a job's files anew by their paths, and it does so as root. A user
 * who puts something else in a path's place between dump and restore (a link to
 * a file that he may not read, say) would get it opened for his job. So the
 * identity (device and inode) of every descriptor, mapping, executable and
 * directory is noted while the tree is frozen, and compared before it runs again.
 */
#ifndef VC_LIBMIG_IDENTITY_H
#define VC_LIBMIG_IDENTITY_H

#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"

struct identity;

int identity_take(const pid_t *pids, size_t n_pids, struct identity **ret, struct vc_err *err);
void identity_free(struct identity *identity);

/* The same PIDs, restored and not yet running. -ESTALE names the first thing that is
 * another file now. What was unlinked when it was noted is not compared: CRIU carries
 * such a file's contents and makes it anew, under no name. */
int identity_check(const struct identity *identity, struct vc_err *err);

#endif
