/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pool.h - shims started in advance
 */
#ifndef VC_DAEMON_POOL_H
#define VC_DAEMON_POOL_H

#include <stdint.h>

#include "common/err.h"

struct conn;
struct daemon;

/* Takes a waiting shim's connection, and the number of its job. Starts a shim if none waits.
 * -errno. */
int pool_take(struct daemon *daemon, struct conn **ret, uint32_t *ret_job, struct vc_err *err);

#endif
