/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * subuid.h - whose a uid of a user namespace is
 *
 * A user to whom subuid(5) gives a range can be any uid of it, in a user namespace of its own. What
 * each user may have a share of would be had many times that way.
 */
#ifndef VC_COMMON_SUBUID_H
#define VC_COMMON_SUBUID_H

#include <stddef.h>
#include <sys/types.h>

struct subuid;

/* Reads the ranges, and the users' uids; files that are missing have nothing in them. NULL: no
 * memory. */
struct subuid *subuid_read(const char *ranges_path, const char *passwd_path);
void subuid_free(struct subuid *subuid);
/* The user that the uid was given to, or the uid itself. NULL has no ranges. */
uid_t subuid_owner(const struct subuid *subuid, uid_t uid);

#endif
