/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * status.h - the parts of a status answer that have files of their own
 */
#ifndef VC_DAEMON_STATUS_H
#define VC_DAEMON_STATUS_H

#include <stddef.h>

#include "wire/wire.h"

struct daemon;
struct status_devices;

/* status-devices.c: an answer's devices. */
int status_devices_new(struct daemon *daemon, struct status_devices **ret);
void status_devices_free(struct status_devices *devices);
/* Adds a device to reply->devices, which has room. 1: there may be more; 0: that was all; -ENOMEM.
 */
int status_devices_add(struct daemon *daemon, struct status_devices *devices,
		       Vc__StatusReply *reply);
void status_devices_done(Vc__StatusReply *reply);

/* status-regions.c: the same for the region of that index. -ETIMEDOUT: the table of IPC objects is
 * locked. */
int status_regions_add(struct daemon *daemon, size_t index, Vc__StatusReply *reply);
void status_regions_done(Vc__StatusReply *reply);

#endif
