/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * serve.h - answers the mover's requests about the threads that criu traces (the module's own)
 */
#ifndef VC_LIBMIG_MODULE_SERVE_H
#define VC_LIBMIG_MODULE_SERVE_H

#include "libmig/criu/hold-wire.h"

/* Sends a message to the mover. Returns 0 or -errno. */
int serve_send(const struct hold_message *message);

/* Says which moment it is, and answers requests until the mover says RELEASE or has ended. */
void serve_requests(enum hold_op when);

#endif
