/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kept.h - a connection that a program keeps for a burst of requests about IPC objects
 */
#ifndef VC_DAEMON_KEPT_H
#define VC_DAEMON_KEPT_H

#include <stdbool.h>

#include "common/err.h"

struct conn;
struct daemon;
struct turn_user;
struct wire_msg;

/* Checks that the process that made the connection sent the message. -ESTALE: it did not; the
 * caller connects again. */
int kept_admit(struct conn *conn, const struct wire_msg *msg, struct vc_err *err);
/* Ends one idle connection of a user, or of any user (NULL). Returns false if there is none. */
bool kept_retire_one(struct daemon *daemon, const struct turn_user *user);

#endif
