/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshot.h - the data that vcstat shows, item by item; IPC objects: daemon/ipc/list.c
 *
 * A snapshot knows neither connections nor users. request/status.c filters the items by user and
 * sends them; another reader can do something else with the same items. Reading all of them takes
 * milliseconds, so a reader in the daemon looks at the clock between items.
 */
#ifndef VC_DAEMON_SNAPSHOT_H
#define VC_DAEMON_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/vc.pb-c.h"

struct daemon;
struct job;
struct snapshot;
struct snapshot_devices;

/* In the order in which they come. */
enum snapshot_kind {
	SNAPSHOT_PARTITION, /* of the whole instance */
	SNAPSHOT_JOB,       /* of this partition */
	SNAPSHOT_MOVE,      /* the last ones of the whole instance */
	SNAPSHOT_DEVICE,    /* of the whole instance */
	SNAPSHOT_REGION,    /* of the whole instance */
	SNAPSHOT_N,
	SNAPSHOT_NONE, /* a part of the work is done, without an item */
};

struct snapshot_item {
	enum snapshot_kind kind;
	bool private; /* only for root and this user */
	uid_t uid;
	union {
		uint64_t cursor;       /* before snapshot_fill() */
		const struct job *job; /* likewise */
		Vc__Partition partition;
		Vc__Job job_info;
		const Vc__Moved *move;
		Vc__Device device;
		Vc__Region region;
	};
};

/* Returns NULL if memory is short. The snapshot sees changes that come while it is read. */
struct snapshot *snapshot_new(struct daemon *daemon, const bool wanted[SNAPSHOT_N]);
void snapshot_free(struct snapshot *snapshot);
/* Finds the next item: its kind, and who may see it. Returns 1, 0 after the last one, or -errno. */
int snapshot_next(struct snapshot *snapshot, struct snapshot_item *ret);
/* Reads the item's data. Strings belong to the item or to the daemon, and are valid until the event
 * loop runs again. Returns 0 or -errno; snapshot_done() frees the data in both cases. */
int snapshot_fill(struct snapshot *snapshot, struct snapshot_item *item);
void snapshot_done(struct snapshot_item *item);

/* For the sources of items: snapshot.c, device.c, region.c. */

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
