/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * identity.h - checks that a restored tree has the files that the old tree had (libmig's own)
 *
 * CRIU opens a job's files by their paths, as root. If a user replaced a path between dump and
 * restore, for example by a link to a file that he may not read, CRIU would open that file for his
 * job. So the identity (device and inode) of every descriptor, mapping, program and directory is
 * noted in the frozen tree, and compared before the restored tree runs.
 */
#ifndef VC_LIBMIG_IDENTITY_H
#define VC_LIBMIG_IDENTITY_H

#include <stddef.h>
#include <sys/types.h>

#include "common/cleanup.h"
#include "common/err.h"

struct identity;

/* Notes the files of frozen processes. Free *ret with identity_free(). Returns 0, or -errno with
 * err. */
int identity_take(const pid_t *pids, size_t n_pids, struct identity **ret, struct vc_err *err);
void identity_free(struct identity *identity); /* NULL is accepted */
DEFINE_CLEANUP(struct identity *, identity_freep, identity_free);

/* Compares them with the files of the restored processes, before these run. Returns 0, or -ESTALE
 * with err about the first file that differs. A file without a name is not compared: CRIU carries
 * its contents and creates another one. */
int identity_check(const struct identity *identity, struct vc_err *err);

#endif
