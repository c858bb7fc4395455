/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * region.h - a region: memory that several partitions share
 *
 * It is JP06110715's shared part of the main storage. A region has one owner, a partition. Its
 * memory counts as the owner's, whichever partition uses it. Jobs of the owner and of the
 * partitions that it is shared with can open it as shared memory by its name.
 */
#ifndef VC_PARTITION_REGION_H
#define VC_PARTITION_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "partition/spec.h"

#define REGIONS_MAX 64
#define REGION_DIR "ipc/o/regions" /* in the state directory: a file for each region */

struct config;
struct json_t;
struct json_error_t;

struct region_spec {
	char name[PARTITION_NAME_MAX];
	char owner[PARTITION_NAME_MAX]; /* a partition */
	char *share;                    /* other partitions, separated by blanks; NULL: none */
	uint64_t size_bytes;
	uint32_t uid, gid, mode; /* of its file */
};

void region_done(struct region_spec *region);
/* Takes the next partition from a list like share and moves *list behind it. Returns false at the
 * end. */
bool region_next_sharer(const char **list, char ret[static PARTITION_NAME_MAX]);
/* Returns whether the partition's jobs may open it. */
bool region_admits(const struct region_spec *region, const char *partition);

/* Returns the region of that name; NULL: there is none. */
const struct region_spec *region_find(const struct config *config, const char *name, size_t len);
/* Returns how many bytes of regions a partition owns. */
uint64_t region_bytes_of(const struct config *config, const char *partition);
/* Writes the group below its owner's to which it is charged. Returns buf. */
char *region_group(const struct region_spec *region, char *buf, size_t size);

/* They are like those of a partition's spec. */
struct json_t *region_to_json(const struct region_spec *region);
int region_from_json(struct json_t *root, struct region_spec *ret, struct json_error_t *why);

#endif
