/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * netlock.h - holds TCP connections still while their job does not exist (libmig's own)
 */
#ifndef VC_LIBMIG_NETLOCK_H
#define VC_LIBMIG_NETLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct netlock;

/*
 * From now on the kernel drops TCP packets from and to these local ports, until
 * netlock_free() or the end of this process. Peers repeat what they sent.
 */
int netlock_new(const uint16_t *ports, size_t n, struct netlock **ret, struct vc_err *err);
void netlock_free(struct netlock *lock); /* NULL is accepted */

#endif
