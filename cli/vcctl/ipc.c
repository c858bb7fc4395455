// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc.c - lists, shows and removes IPC objects
 *
 * Every user may do this, with the permissions that ls(1) and rm(1) would have. "check" needs root
 * and is in ipccheck.c.
 */
#include "cli/vcctl/vcctl.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/columns.h"
#include "cli/ipc.h"
#include "cli/json.h"
#include "ipcmap/kind.h"
#include "partition/partition.h"

/* "id:123" names an object by its id. */
static bool ipc_parse_id(const char *name, uint64_t *ret)
{
	char *end;

	if (strncmp(name, "id:", 3) != 0 || name[3] < '0' || name[3] > '9')
		return false;
	*ret = strtoull(name + 3, &end, 10);
	return *end == '\0';
}

/* "handle:123" or "handle:vc0:123" names an object by its handle in a partition. */
static bool ipc_parse_handle(const char *name, char ret_partition[static PARTITION_NAME_MAX],
			     uint32_t *ret)
{
	const char *number = name + 7;
	unsigned long value;
	size_t len;
	char *end;

	if (strncmp(name, "handle:", 7) != 0)
		return false;
	len = strcspn(number, ":");
	if (!number[len])
		len = 0;
	if (len >= PARTITION_NAME_MAX)
		return false;
	snprintf(ret_partition, PARTITION_NAME_MAX, "%.*s", (int)len, number);
	number += len ? len + 1 : 0;
	errno = 0;
	value = *number >= '0' && *number <= '9' ? strtoul(number, &end, 10) : ULONG_MAX;
	if (value > UINT32_MAX || errno || *end)
		return false;
	*ret = (uint32_t)value;
	return true;
}

/* Drops all objects but those of a kind and an id; NULL: any. */
static void ipc_keep(struct ipc_objects *objects, const char *kind, const uint64_t *id)
{
	size_t n = 0;
	char text[32];

	for (size_t i = 0; i < objects->n; i++) {
		Vc__IpcEntry *entry = objects->entries[i];

		if ((!kind || !strcmp(kind, ipc_kind_text(entry->kind, text, sizeof(text)))) &&
		    (!id || *id == entry->id))
			objects->entries[n++] = entry;
	}
	objects->n = n;
}

static int ipc_get(const struct vcctl *opts, const char *name, struct ipc_objects *ret,
		   struct vc_err *err)
{
	uint64_t id = 0;
	bool by_id = name && ipc_parse_id(name, &id);
	char partition[PARTITION_NAME_MAX];
	uint32_t handle;
	int r;

	if (name && ipc_parse_handle(name, partition, &handle))
		r = ipc_objects_get_handle(opts->admin.state_dir, *partition ? partition : NULL,
					   handle, ret, err);
	else
		r = ipc_objects_get(opts->admin.state_dir, by_id ? NULL : name, ret, err);
	if (r < 0)
		return r;
	ipc_keep(ret, opts->kind, by_id ? &id : NULL);
	if (name && ret->n == 0)
		return err_set(err, ENOENT,
			       "there is no IPC object '%s' that you may read; 'vcctl ipc list' "
			       "shows those that you may",
			       name);
	return 0;
}

static void ipc_show_entry(const Vc__IpcEntry *entry)
{
	time_t when = (time_t)(entry->created_usec / 1000000);
	char name[300], kind[32], state[64], at[32];
	struct columns *table;
	struct tm tm;

	strftime(at, sizeof(at), "%F %T", localtime_r(&when, &tm));
	ipc_name_text(entry, name, sizeof(name));
	table = columns_new("OBJECT|KIND|ID|OWNER|CREATOR|MODE|>BYTES|CREATED|STATE");
	columns_add(table, "%s", name);
	columns_add(table, "%s", ipc_kind_text(entry->kind, kind, sizeof(kind)));
	columns_add(table, "id:%" PRIu64, entry->id);
	columns_add(table, "%u:%u", entry->uid, entry->gid);
	columns_add(table, "%u:%u", entry->cuid, entry->cgid);
	columns_add(table, "%04o", entry->mode);
	columns_add(table, "%" PRIu64, entry->size);
	columns_add(table, "%s", at);
	columns_add(table, "%s", ipc_state_text(entry, state, sizeof(state)));
	columns_print(table, stdout);
	columns_free(table);
	table = columns_new("  PARTITION|>HANDLE|>OPENERS");
	for (size_t i = 0; i < entry->n_columns; i++) {
		columns_add(table, "  %s", entry->columns[i]->partition);
		columns_add(table, "%u", entry->columns[i]->handle);
		columns_add(table, "%u", entry->columns[i]->openers);
	}
	columns_print(table, stdout);
	columns_free(table);
}

static int ipc_list(const struct vcctl *opts, struct vc_err *err)
{
	struct ipc_objects objects;
	int r = ipc_get(opts, NULL, &objects, err);

	if (r == 0 && opts->json)
		json_print(json_pack("{s:o, s:I, s:I}", "ipc", ipc_json(&objects), "used",
				     (json_int_t)objects.used, "capacity",
				     (json_int_t)objects.capacity));
	else if (r == 0)
		ipc_print_table(&objects);
	ipc_objects_done(&objects);
	return r;
}

static int ipc_show(const struct vcctl *opts, const char *name, struct vc_err *err)
{
	struct ipc_objects objects;
	int r = ipc_get(opts, name, &objects, err);

	if (r == 0 && opts->json)
		json_print(json_pack("{s:o}", "ipc", ipc_json(&objects)));
	for (size_t i = 0; r == 0 && !opts->json && i < objects.n; i++)
		ipc_show_entry(objects.entries[i]);
	ipc_objects_done(&objects);
	return r;
}

static int ipc_unlink(const char *state_dir, const Vc__IpcEntry *entry, struct vc_err *err)
{
	Vc__IpcUnlink body = VC__IPC_UNLINK__INIT;
	Vc__Msg msg = WIRE_MSG(IPC_UNLINK, ipc_unlink, &body);
	struct wire_msg answer;
	int r;

	WIRE_SET(&body, id, entry->id);
	r = client_ask_any(state_dir, &msg, &answer, err);
	if (r == 0)
		wire_msg_done(&answer);
	return r;
}

static int ipc_rm(const struct vcctl *opts, const char *name, struct vc_err *err)
{
	struct ipc_objects objects;
	int r = ipc_get(opts, name, &objects, err);

	if (r == 0 && objects.n > 1)
		r = err_set(err, EINVAL,
			    "there are %zu objects '%s', of several kinds ('vcctl ipc show' tells "
			    "which); say which one with --kind=KIND",
			    objects.n, name);
	if (r == 0)
		r = ipc_unlink(opts->admin.state_dir, objects.entries[0], err);
	ipc_objects_done(&objects);
	return r;
}

int vcctl_ipc(const struct vcctl *opts)
{
	const char *verb = opts->words[0], *name = opts->words[1];
	struct vc_err err = { 0 };
	int r;

	if (!strcmp(verb, "check") && !name)
		return vcctl_ipc_check(opts);
	if (!strcmp(verb, "list") && !name) {
		r = ipc_list(opts, &err);
	} else if (!strcmp(verb, "show") && name) {
		r = ipc_show(opts, name, &err);
	} else if (!strcmp(verb, "rm") && name) {
		r = ipc_rm(opts, name, &err);
	} else {
		fputs("vcctl: ipc: give list, show NAME, rm NAME or check\n", stderr);
		return EXIT_USAGE_CODE;
	}
	return vcctl_result(r, &err);
}
