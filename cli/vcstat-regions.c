// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * vcstat-regions.c - shows the memory that partitions share
 */
#include "cli/vcstat.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>

#include "cli/client.h"
#include "cli/columns.h"
#include "cli/json.h"

/* "vc1 vc2", or "-". Returns buf. */
static const char *regions_share(const Vc__Region *region, char *buf, size_t size)
{
	size_t len = 0;

	snprintf(buf, size, "-");
	for (size_t i = 0; i < region->n_share && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? " " : "",
					region->share[i]);
	return buf;
}

/* "vc0:2 vc1:1", or "-". Returns buf. */
static const char *regions_openers(const Vc__Region *region, char *buf, size_t size)
{
	size_t len = 0;

	snprintf(buf, size, "-");
	for (size_t i = 0; i < region->n_columns && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s:%u", len ? " " : "",
					region->columns[i]->partition, region->columns[i]->openers);
	return buf;
}

static const char *regions_file_owner(const Vc__Region *region, char *buf, size_t size)
{
	const struct passwd *user = getpwuid(region->uid);
	const struct group *group = getgrgid(region->gid);
	char uid[16], gid[16];

	snprintf(uid, sizeof(uid), "%u", region->uid);
	snprintf(gid, sizeof(gid), "%u", region->gid);
	snprintf(buf, size, "%s:%s", user ? user->pw_name : uid, group ? group->gr_name : gid);
	return buf;
}

void vcstat_regions(const struct client_status *status)
{
	struct columns *table =
		columns_new("REGION|PARTITION|SHARED WITH|>SIZE|>CHARGED|MODE|OWNER|"
			    "OPENERS");
	char text[512];

	for (size_t i = 0; i < status->n_regions; i++) {
		const Vc__Region *region = status->regions[i];

		columns_add(table, "%s", region->name);
		columns_add(table, "%s", region->owner);
		columns_add(table, "%s", regions_share(region, text, sizeof(text)));
		columns_add(table, "%s", columns_bytes(region->size_bytes, text, sizeof(text)));
		columns_add(table, "%s", columns_bytes(region->charged_bytes, text, sizeof(text)));
		columns_add(table, "%04o", region->mode);
		columns_add(table, "%s", regions_file_owner(region, text, sizeof(text)));
		columns_add(table, "%s", regions_openers(region, text, sizeof(text)));
	}
	columns_print(table, stdout);
	columns_free(table);
}

json_t *vcstat_regions_json(const struct client_status *status)
{
	json_t *list = json_array();

	for (size_t i = 0; i < status->n_regions; i++) {
		const Vc__Region *region = status->regions[i];
		json_t *share = json_array(), *openers = json_object();

		for (size_t k = 0; k < region->n_share; k++)
			json_array_append_new(share, json_string(region->share[k]));
		for (size_t k = 0; k < region->n_columns; k++)
			json_object_set_new(openers, region->columns[k]->partition,
					    json_integer(region->columns[k]->openers));
		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:o, s:I, s:I, s:i, s:i, s:i, s:o}", "name",
				  region->name, "owner", region->owner, "share", share,
				  "size_bytes", (json_int_t)region->size_bytes, "charged_bytes",
				  (json_int_t)region->charged_bytes, "uid", (int)region->uid, "gid",
				  (int)region->gid, "mode", (int)region->mode, "openers", openers));
	}
	return list;
}
