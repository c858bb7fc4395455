// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc.c - IPC objects as commands show them, for vcctl ipc and vcstat ipc
 */
#include "cli/ipc.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/json.h"
#include "ipcmap/kind.h"

static int ipc_add_piece(struct ipc_objects *objects, struct wire_msg *answer)
{
	const Vc__IpcEntries *piece = answer->msg->ipc_entries;
	struct wire_msg *answers =
		reallocarray(objects->answers, objects->n_answers + 1, sizeof(*answers));
	Vc__IpcEntry **entries;

	if (answers)
		objects->answers = answers;
	entries =
		reallocarray(objects->entries, objects->n + piece->n_entries + 1, sizeof(*entries));
	if (entries)
		objects->entries = entries;
	if (!answers || !entries) {
		wire_msg_done(answer);
		return -ENOMEM;
	}
	answers[objects->n_answers++] = *answer;
	for (size_t i = 0; i < piece->n_entries; i++)
		entries[objects->n++] = piece->entries[i];
	objects->used = piece->used;
	objects->capacity = piece->capacity;
	return 0;
}

static int ipc_compare(const void *a, const void *b)
{
	const Vc__IpcEntry *x = *(Vc__IpcEntry *const *)a, *y = *(Vc__IpcEntry *const *)b;
	size_t len = x->name.len < y->name.len ? x->name.len : y->name.len;
	int r = (x->kind > y->kind) - (x->kind < y->kind);

	if (r == 0 && len)
		r = memcmp(x->name.data, y->name.data, len);
	if (r == 0)
		r = (x->name.len > y->name.len) - (x->name.len < y->name.len);
	return r ? r : (x->id > y->id) - (x->id < y->id);
}

int ipc_objects_get(const char *state_dir, const char *name, struct ipc_objects *ret,
		    struct vc_err *err)
{
	Vc__IpcList body = VC__IPC_LIST__INIT;
	Vc__Msg msg = WIRE_MSG(IPC_LIST, ipc_list, &body);
	bool more = true;
	int r = 0;

	*ret = (struct ipc_objects){ 0 };
	body.has_name = name != NULL;
	body.name.data = (uint8_t *)name;
	body.name.len = name ? strlen(name) : 0;
	while (r == 0 && more) {
		struct wire_msg answer;

		r = client_ask_any(state_dir, &msg, &answer, err);
		if (r == 0 && answer.msg->body_case != VC__MSG__BODY_IPC_ENTRIES) {
			wire_msg_done(&answer);
			r = err_set(err, EPROTO, "the daemon answered something else");
		}
		if (r < 0)
			break;
		more = answer.msg->ipc_entries->has_cursor;
		WIRE_SET(&body, cursor, answer.msg->ipc_entries->cursor);
		if (ipc_add_piece(ret, &answer) < 0)
			r = err_sys(err, ENOMEM, "list of IPC objects");
	}
	if (r == 0 && ret->n)
		qsort(ret->entries, ret->n, sizeof(*ret->entries), ipc_compare);
	return r;
}

int ipc_objects_get_handle(const char *state_dir, const char *partition, uint32_t handle,
			   struct ipc_objects *ret, struct vc_err *err)
{
	Vc__IpcStat body = VC__IPC_STAT__INIT;
	Vc__Msg msg = WIRE_MSG(IPC_STAT, ipc_stat, &body);
	struct wire_msg answer;
	int r;

	*ret = (struct ipc_objects){ 0 };
	WIRE_SET(&body, handle, handle);
	body.partition = (char *)partition;
	r = client_ask_any(state_dir, &msg, &answer, err);
	if (r < 0)
		return r;
	ret->answers = malloc(sizeof(*ret->answers));
	ret->entries = malloc(sizeof(Vc__IpcEntry *));
	if (ret->answers && ret->entries && answer.msg->body_case == VC__MSG__BODY_IPC_ENTRY) {
		ret->entries[ret->n++] = answer.msg->ipc_entry;
		ret->answers[ret->n_answers++] = answer;
		return 0;
	}
	wire_msg_done(&answer);
	return err_set(err, EPROTO, "the daemon answered something else");
}

void ipc_objects_done(struct ipc_objects *objects)
{
	for (size_t i = 0; i < objects->n_answers; i++)
		wire_msg_done(&objects->answers[i]);
	free(objects->answers);
	free(objects->entries);
	*objects = (struct ipc_objects){ 0 };
}

const char *ipc_kind_text(uint32_t kind, char *buf, size_t size)
{
	const char *name = ipc_kind_name(kind);

	if (name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "%" PRIu32, kind);
	return buf;
}

const char *ipc_name_text(const Vc__IpcEntry *entry, char *buf, size_t size)
{
	if (entry->has_name && !entry->unlinked)
		snprintf(buf, size, "%.*s", (int)entry->name.len, (const char *)entry->name.data);
	else
		snprintf(buf, size, "id:%" PRIu64, entry->id);
	return buf;
}

const char *ipc_state_text(const Vc__IpcEntry *entry, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", entry->persistent ? " persistent" : "",
		 entry->unlinked ? " unlinked" : "", entry->inherited ? " inherited" : "");
	return *buf ? buf + 1 : "-";
}

/* "vc0:2 vc1:1" */
static void ipc_openers_text(const Vc__IpcEntry *entry, char *buf, size_t size)
{
	size_t n = 0;

	snprintf(buf, size, "-");
	for (size_t i = 0; i < entry->n_columns && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s:%u", i ? " " : "",
				      entry->columns[i]->partition, entry->columns[i]->openers);
}

void ipc_print_table(const struct ipc_objects *objects)
{
	struct columns *table = columns_new("KIND|NAME|USER|MODE|>SIZE|OPENERS|STATE");
	char name[300], kind[32], size[32], openers[512], state[64];

	for (size_t i = 0; i < objects->n; i++) {
		const Vc__IpcEntry *entry = objects->entries[i];
		const struct passwd *user = getpwuid(entry->uid);

		ipc_openers_text(entry, openers, sizeof(openers));
		columns_add(table, "%s", ipc_kind_text(entry->kind, kind, sizeof(kind)));
		columns_add(table, "%s", ipc_name_text(entry, name, sizeof(name)));
		if (user)
			columns_add(table, "%s", user->pw_name);
		else
			columns_add(table, "%u", entry->uid);
		columns_add(table, "%04o", entry->mode);
		columns_add(table, "%s", columns_bytes(entry->size, size, sizeof(size)));
		columns_add(table, "%s", openers);
		columns_add(table, "%s", ipc_state_text(entry, state, sizeof(state)));
	}
	columns_print(table, stdout);
	columns_free(table);
}

static json_t *ipc_json_entry(const Vc__IpcEntry *entry)
{
	json_t *columns = json_array();
	char kind[32];

	for (size_t i = 0; i < entry->n_columns; i++)
		json_array_append_new(columns,
				      json_pack("{s:s, s:I, s:I}", "partition",
						entry->columns[i]->partition, "handle",
						(json_int_t)entry->columns[i]->handle, "openers",
						(json_int_t)entry->columns[i]->openers));
	return json_pack(
		"{s:I, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:b, s:b, s:b, s:o}", "id",
		(json_int_t)entry->id, "kind", ipc_kind_text(entry->kind, kind, sizeof(kind)),
		"name",
		entry->has_name ? json_of_bytes((const char *)entry->name.data, entry->name.len)
				: json_null(),
		"uid", (json_int_t)entry->uid, "gid", (json_int_t)entry->gid, "creator_uid",
		(json_int_t)entry->cuid, "creator_gid", (json_int_t)entry->cgid, "mode",
		(json_int_t)entry->mode, "size_bytes", (json_int_t)entry->size, "openers",
		(json_int_t)entry->openers, "created", (double)entry->created_usec / 1e6,
		"persistent", entry->persistent, "unlinked", entry->unlinked, "inherited",
		entry->inherited, "partitions", columns);
}

json_t *ipc_json(const struct ipc_objects *objects)
{
	json_t *list = json_array();

	for (size_t i = 0; i < objects->n; i++)
		json_array_append_new(list, ipc_json_entry(objects->entries[i]));
	return list;
}
