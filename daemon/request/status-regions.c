// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * status-regions.c - the regions of all partitions, what each is charged, and who has it open
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "daemon/daemon.h"
#include "daemon/ipc/ipc.h"
#include "daemon/request/status.h"
#include "ipcmap/kind.h"
#include "partition/region.h"

void status_regions_done(Vc__StatusReply *reply)
{
	for (size_t i = 0; i < reply->n_regions; i++) {
		Vc__Region *region = reply->regions[i];

		for (size_t k = 0; k < region->n_share; k++)
			free(region->share[k]);
		for (size_t k = 0; k < region->n_columns; k++)
			free(region->columns[k]);
		free(region->share);
		free(region->columns);
		free(region);
	}
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

/* What the kernel says of it. One that is not made yet has nothing. */
static int fill_region(struct ipc *ipc, const struct region_spec *spec, Vc__Region *region)
{
	char group[2 * PARTITION_NAME_MAX + 16];
	struct cg_memory memory = { 0 };
	struct table_object object;
	uint64_t id;

	cg_memory_read(ipc->daemon->cg, region_group(spec, group, sizeof(group)), &memory);
	region->has_charged_bytes = region->has_size_bytes = true;
	region->charged_bytes = memory.charged_bytes;
	region->size_bytes = spec->size_bytes;
	region->has_uid = region->has_gid = region->has_mode = true;
	if (entry_find(ipc->table, IPC_KIND_REGION, spec->name, strlen(spec->name), &id) < 0 ||
	    entry_get(ipc->table, id, &object) < 0)
		return 0;
	region->uid = object.uid;
	region->gid = object.gid;
	region->mode = object.mode;
	return add_columns(ipc, id, region);
}

int status_regions_add(struct daemon *daemon, size_t index, Vc__StatusReply *reply)
{
	const struct config *config = daemon->instance->config;
	struct region_spec *spec = &config->regions[index];
	Vc__Region *region;
	struct vc_err err;
	int r;

	if (index >= config->n_regions)
		return 0;
	region = malloc(sizeof(*region));
	if (!region)
		return -ENOMEM;
	vc__region__init(region);
	/* On failure what there is of it is in the reply, to be freed with it. */
	reply->regions[reply->n_regions++] = region;
	region->name = spec->name;
	region->owner = spec->owner;
	r = add_sharers(spec, region);
	if (r == 0)
		r = table_lock(daemon->ipc->table, &err);
	if (r < 0)
		return r;
	r = fill_region(daemon->ipc, spec, region);
	table_unlock(daemon->ipc->table);
	return r < 0 ? r : 1;
}
