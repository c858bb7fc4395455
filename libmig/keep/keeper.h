/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keeper.h - a process that keeps keyrings alive between dump and restore (libmig's own)
 *
 * A keyring ends with the last process that has it, and other processes can get it only by its
 * name. A keeper is a child of the mover that joins it in the dump. It has the mover's user ids, so
 * that the job's user cannot send it signals, except for the file system ids, which the kernel
 * checks for keys.
 */
#ifndef VC_LIBMIG_KEEPER_H
#define VC_LIBMIG_KEEPER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define KEEPER_DATA 4096

struct keeper;

/* Starts a keeper that uses keys as this user. Free it with keeper_free(). Returns 0 or -errno. */
int keeper_new(uid_t uid, gid_t gid, struct keeper **ret);
void keeper_free(struct keeper *keeper); /* NULL is accepted */

/* Calls keyctl(2) in the keeper. data: NULL, or KEEPER_DATA bytes that are argument number at, in
 * and out. Returns the result or -errno. */
long keeper_call(struct keeper *keeper, const uint64_t args[5], int at, void *data);

#endif
