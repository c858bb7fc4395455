// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * region.c - the regions of all partitions: their memory and their openers
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "daemon/daemon.h"
#include "daemon/ipc/ipc.h"
#include "daemon/snapshot/snapshot.h"
#include "ipcmap/kind.h"
#include "partition/region.h"
#include "wire/wire.h"

static void snapshot_region_done(struct snapshot_item *item)
{
	Vc__Region *region = &item->region;

	for (size_t i = 0; i < region->n_share; i++)
		free(region->share[i]);
	for (size_t i = 0; i < region->n_columns; i++)
		free(region->columns[i]);
	free(region->share);
	free(region->columns);
}

static int add_sharers(const struct region_spec *spec, Vc__Region *region)
{
	const char *list = spec->share;
	char name[PARTITION_NAME_MAX];

	while (region_next_sharer(&list, name)) {
		char **grown = reallocarray(region->share, region->n_share + 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		region->share = grown;
		grown[region->n_share] = strdup(name);
		if (!grown[region->n_share])
			return -ENOMEM;
		region->n_share++;
	}
	return 0;
}

/* With the table locked. */
static int add_columns(const struct ipc *ipc, uint64_t id, Vc__Region *region)
{
	const struct config *config = ipc->daemon->instance->config;
	uint32_t n = table_columns(ipc->table);

	region->columns = calloc(n, sizeof(Vc__IpcColumn *));
	if (!region->columns)
		return -ENOMEM;
	for (uint32_t i = 0; i < n && i < config->n_parts; i++) {
		struct table_column column;
		Vc__IpcColumn *out;

		if (entry_get_column(ipc->table, id, i, &column) < 0 || !column.valid)
			continue;
		out = malloc(sizeof(*out));
		if (!out)
			return -ENOMEM;
		vc__ipc_column__init(out);
		out->partition = config->parts[i].name;
		out->handle = column.handle;
		out->openers = column.openers;
		region->columns[region->n_columns++] = out;
	}
	return 0;
}

/* A region that does not exist yet has no owner, mode and openers. */
static int fill_region(struct ipc *ipc, const struct region_spec *spec, Vc__Region *region)
{
	char group[2 * PARTITION_NAME_MAX + 16];
	struct cg_memory memory = { 0 };
	struct table_object object;
	uint64_t id;

	cg_memory_read(ipc->daemon->cg, region_group(spec, group, sizeof(group)), &memory);
	WIRE_SET(region, charged_bytes, memory.charged_bytes);
	WIRE_SET(region, size_bytes, spec->size_bytes);
	if (entry_find(ipc->table, IPC_KIND_REGION, spec->name, strlen(spec->name), &id) < 0 ||
	    entry_get(ipc->table, id, &object) < 0)
		return 0;
	WIRE_SET(region, uid, object.uid);
	WIRE_SET(region, gid, object.gid);
	WIRE_SET(region, mode, object.mode);
	return add_columns(ipc, id, region);
}

static int snapshot_region_next(struct snapshot *snapshot, struct snapshot_item *item)
{
	if (snapshot->cursor >= snapshot->daemon->instance->config->n_regions)
		return 0;
	item->cursor = snapshot->cursor++;
	return 1;
}

/* -ETIMEDOUT: the table of IPC objects is locked. */
static int snapshot_region_fill(struct snapshot *snapshot, struct snapshot_item *item)
{
	struct ipc *ipc = snapshot->daemon->ipc;
	struct region_spec *spec = &ipc->daemon->instance->config->regions[item->cursor];
	Vc__Region *region = &item->region;
	struct vc_err err;
	int r;

	vc__region__init(region);
	region->name = spec->name;
	region->owner = spec->owner;
	r = add_sharers(spec, region);
	if (r == 0)
		r = table_lock(ipc->table, &err);
	if (r < 0)
		return r;
	r = fill_region(ipc, spec, region);
	table_unlock(ipc->table);
	return r;
}

const struct snapshot_source snapshot_region_source = {
	.next = snapshot_region_next,
	.fill = snapshot_region_fill,
	.done = snapshot_region_done,
};
