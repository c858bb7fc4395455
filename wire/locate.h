/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * locate.h - where a partition's daemon is
 *
 * The only file that knows that all daemons are on this host. docs/DESIGN.md lists the other places
 * that assume it.
 */
#ifndef VC_WIRE_LOCATE_H
#define VC_WIRE_LOCATE_H

#include <sys/un.h>

#include "common/err.h"
#include "wire/wire.h"

/* The address at which the daemon of a partition listens. -ENAMETOOLONG. */
int locate_socket(const char *state_dir, const char *partition, struct sockaddr_un *ret,
		  struct vc_err *err);
/*
 * Connects to the daemon of a partition. A daemon that does not accept has a queue. If the queue is
 * full, a caller with patience waits for so many seconds, and gets a blocking connection; 0: does
 * not wait, and gets a non-blocking one. -errno names the address; -EAGAIN: the queue stayed full.
 */
int locate_connect(const char *state_dir, const char *partition, unsigned int patience_sec,
		   struct wire **ret, struct vc_err *err);

#endif
