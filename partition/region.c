// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * region.c - a region as it is configured: lookup and JSON
 */
#include "partition/region.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "partition/config/config.h"

void region_done(struct region_spec *region)
{
	free(region->share);
	*region = (struct region_spec){ .share = NULL };
}

bool region_next_sharer(const char **list, char ret[static PARTITION_NAME_MAX])
{
	const char *from = *list ? *list + strspn(*list, " ") : "";
	size_t len = strcspn(from, " ");

	if (len == 0 || len >= PARTITION_NAME_MAX)
		return false;
	memcpy(ret, from, len);
	ret[len] = '\0';
	*list = from + len;
	return true;
}

bool region_admits(const struct region_spec *region, const char *partition)
{
	const char *list = region->share;
	char name[PARTITION_NAME_MAX];

	if (!strcmp(region->owner, partition))
		return true;
	while (region_next_sharer(&list, name)) {
		if (!strcmp(name, partition))
			return true;
	}
	return false;
}

const struct region_spec *region_find(const struct config *config, const char *name, size_t len)
{
	for (size_t i = 0; i < config->n_regions; i++) {
		const struct region_spec *region = &config->regions[i];

		if (strlen(region->name) == len && !memcmp(region->name, name, len))
			return region;
	}
	return NULL;
}

uint64_t region_bytes_of(const struct config *config, const char *partition)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < config->n_regions; i++) {
		if (!strcmp(config->regions[i].owner, partition))
			sum += config->regions[i].size_bytes;
	}
	return sum;
}

char *region_group(const struct region_spec *region, char *buf, size_t size)
{
	snprintf(buf, size, "%s/region-%s", region->owner, region->name);
	return buf;
}

json_t *region_to_json(const struct region_spec *region)
{
	return json_pack("{s:s, s:s, s:s*, s:I, s:i, s:i, s:i}", "name", region->name, "owner",
			 region->owner, "share", region->share, "size",
			 (json_int_t)region->size_bytes, "uid", (int)region->uid, "gid",
			 (int)region->gid, "mode", (int)region->mode);
}

int region_from_json(json_t *root, struct region_spec *ret, json_error_t *why)
{
	struct region_spec region = { .share = NULL };
	const char *name, *owner, *share = NULL;
	int uid, gid, mode;
	json_int_t size;

	if (json_unpack_ex(root, why, 0, "{s:s, s:s, s?s, s:I, s:i, s:i, s:i}", "name", &name,
			   "owner", &owner, "share", &share, "size", &size, "uid", &uid, "gid",
			   &gid, "mode", &mode) < 0)
		return -EINVAL;
	if (snprintf(region.name, sizeof(region.name), "%s", name) >= (int)sizeof(region.name) ||
	    snprintf(region.owner, sizeof(region.owner), "%s", owner) >=
		    (int)sizeof(region.owner) ||
	    strchr(name, '/') || size <= 0) {
		snprintf(why->text, sizeof(why->text), "a region's name, owner or size");
		return -EINVAL;
	}
	region.size_bytes = (uint64_t)size;
	region.uid = (uint32_t)uid;
	region.gid = (uint32_t)gid;
	region.mode = (uint32_t)mode & 0777;
	region.share = share ? strdup(share) : NULL;
	if (share && !region.share)
		return -ENOMEM;
	*ret = region;
	return 0;
}
