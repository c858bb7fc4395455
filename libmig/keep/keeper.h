/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keeper.h - a process that keeps keyrings alive while those who have them do not exist
 *
 * A keyring is gone with the last process that has it, and only by its name can another
 * process get it. A keeper is a child of the mover that joins it in time. It keeps the
 * mover's user ids, so that the job's user cannot send it a signal, but for the one by
 * which the kernel judges access to keys.
 */
#ifndef VC_LIBMIG_KEEPER_H
#define VC_LIBMIG_KEEPER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define KEEPER_DATA 4096

struct keeper;

/* One that acts for this user. 0 or -errno. */
int keeper_new(uid_t uid, gid_t gid, struct keeper **ret);
void keeper_free(struct keeper *keeper); /* NULL is accepted */

/* keyctl(2) in the keeper; data, NULL or of KEEPER_DATA bytes, is argument number at, in and
 * out. Its result or -errno. */
long keeper_call(struct keeper *keeper, const uint64_t args[5], int at, void *data);

#endif
