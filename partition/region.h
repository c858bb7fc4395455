/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * region.h - a region as it is wanted: memory that several partitions share
 *
 * JP06110715's shared part of the main storage. It belongs to one partition, whose memory
 * it counts as, whoever uses it; jobs of that one and of those that it is shared with have it
 * as shared memory of that name.
 */
#ifndef VC_PARTITION_REGION_H
#define VC_PARTITION_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "partition/spec.h"

#define REGIONS_MAX 64
#define REGION_DIR "ipc/o/regions" /* in the state directory; each region's file, by name */

struct config;
struct json_t;
struct json_error_t;

struct region_spec {
	char name[PARTITION_NAME_MAX];
	char owner[PARTITION_NAME_MAX]; /* a partition */
	char *share;                    /* others that have it, blanks between; NULL: none */
	uint64_t size_bytes;
	uint32_t uid, gid, mode; /* of its file */
};

void region_done(struct region_spec *region);
/* The next partition in a list like share, which goes on behind it; false: that was all. */
bool region_next_sharer(const char **list, char ret[static PARTITION_NAME_MAX]);
/* Whether the partition's jobs may have it: its owner, or shared with. */
bool region_admits(const struct region_spec *region, const char *partition);

/* Of that name; NULL: there is none. */
const struct region_spec *region_find(const struct config *config, const char *name, size_t len);
/* How much of a partition's memory are regions that it owns. */
uint64_t region_bytes_of(const struct config *config, const char *partition);
/* The group, below its owner's, that it is charged to. Returns buf. */
char *region_group(const struct region_spec *region, char *buf, size_t size);

/* As those of a partition's spec. */
struct json_t *region_to_json(const struct region_spec *region);
int region_from_json(struct json_t *root, struct region_spec *ret, struct json_error_t *why);

#endif
