/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * subuid.h - the user that a uid of a user namespace belongs to
 *
 * A user with a range in subuid(5) can have any uid of it in a user namespace. So a limit for each
 * uid would not limit the user.
 */
#ifndef VC_COMMON_SUBUID_H
#define VC_COMMON_SUBUID_H

#include <stddef.h>
#include <sys/types.h>

struct subuid;

/* Reads the ranges, and the users' uids. Missing files count as empty. Returns NULL without memory.
 */
struct subuid *subuid_read(const char *ranges_path, const char *passwd_path);
void subuid_free(struct subuid *subuid);
/* Returns the user that the uid was given to, or the uid itself. NULL has no ranges. */
uid_t subuid_owner(const struct subuid *subuid, uid_t uid);

#endif
