/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - the sources of a snapshot's items
 */
#ifndef VC_DAEMON_SNAPSHOT_PRIV_H
#define VC_DAEMON_SNAPSHOT_PRIV_H

#include "daemon/daemon.h"
#include "daemon/snapshot/snapshot.h"

struct snapshot_devices;

struct snapshot {
	struct daemon *daemon;
	bool wanted[SNAPSHOT_N];
	unsigned int kind; /* of the next item */
	/* The place of the next item. It is a number that stays valid while items come and go: a
	 * partition's slot, or the number of a job or move. */
	uint64_t cursor;
	struct snapshot_devices *devices; /* device.c; NULL until the first device */
};

struct snapshot_source {
	/* As snapshot_next(). */
	int (*next)(struct snapshot *snapshot, struct snapshot_item *item);
	/* As snapshot_fill(). NULL: next() does it. */
	int (*fill)(struct snapshot *snapshot, struct snapshot_item *item);
	/* NULL: nothing to free. */
	void (*done)(struct snapshot_item *item);
};

extern const struct snapshot_source snapshot_device_source; /* device.c */
extern const struct snapshot_source snapshot_region_source; /* region.c */

void snapshot_devices_free(struct snapshot_devices *devices);

#endif
