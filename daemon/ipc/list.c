// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * list.c - the requests to show and to list objects
 *
 * Users other than root see the objects that they may read. Of System V's objects everybody sees
 * the entries and the heads, as the kernel shows them in /proc/sysvipc and to SHM_STAT_ANY. A list
 * is sent in pieces, each a bounded part of the table, so that a million objects block no other
 * request.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/conn/conn.h"
#include "daemon/ipc/ipc.h"
#include "daemon/ipc/request.h"
#include "daemon/request/request.h"
#include "ipcmap/door/door.h"

#define LIST_MAX 256  /* objects in a piece */
#define LIST_WALK 512 /* entries that are visited for it */

/* An object as a message, with the data that the message points to. */
struct ipc_entry {
	Vc__IpcEntry body;
	struct table_object object;
	unsigned char head[DOOR_HEAD_BYTES];
	Vc__IpcColumn columns[TABLE_COLUMNS_MAX], *column_list[TABLE_COLUMNS_MAX];
};

static void entry_fill_columns(struct ipc *ipc, struct ipc_entry *entry)
{
	const struct config *config = ipc->daemon->instance->config;
	uint32_t n = table_columns(ipc->table);

	entry->body.columns = entry->column_list;
	for (uint32_t i = 0; i < n && i < config->n_parts; i++) {
		Vc__IpcColumn *out = &entry->columns[entry->body.n_columns];
		struct table_column column;

		if (entry_get_column(ipc->table, entry->object.id, i, &column) < 0 || !column.valid)
			continue;
		vc__ipc_column__init(out);
		out->partition = config->parts[i].name;
		out->handle = column.handle;
		out->openers = column.openers;
		entry->column_list[entry->body.n_columns++] = out;
	}
}

static void list_entry_fill(struct ipc *ipc, const struct stat *st, struct ipc_entry *entry)
{
	const struct table_object *object = &entry->object;
	Vc__IpcEntry *body = &entry->body;

	vc__ipc_entry__init(body);
	body->id = object->id;
	body->kind = object->kind;
	body->has_name = object->name_len > 0;
	body->name.len = object->name_len;
	body->name.data = (uint8_t *)object->name;
	WIRE_SET(body, uid, st->st_uid);
	WIRE_SET(body, gid, st->st_gid);
	WIRE_SET(body, cuid, object->cuid);
	WIRE_SET(body, cgid, object->cgid);
	WIRE_SET(body, mode, st->st_mode & 07777);
	WIRE_SET(body, openers, object->n_open);
	WIRE_SET(body, created_usec, object->created_usec);
	WIRE_SET(body, size, (uint64_t)st->st_size);
	WIRE_SET(body, persistent, object->persistent);
	WIRE_SET(body, unlinked, object->unlinked);
	WIRE_SET(body, inherited, ipc_is_idle(object));
	WIRE_SET(body, used_bytes, (uint64_t)st->st_blocks * 512);
	entry_fill_columns(ipc, entry);
}

/* Reads it without a mapping, since another user can truncate the file. */
static void entry_fill_head(struct ipc *ipc, struct ipc_entry *entry)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	ssize_t n;

	if (ipc_file_open(ipc, entry->object.id, O_RDONLY, &fd, &st) < 0)
		return;
	n = pread(fd, entry->head, sizeof(entry->head), 0);
	entry->body.has_head = n > 0;
	entry->body.head.len = n > 0 ? (size_t)n : 0;
	entry->body.head.data = entry->head;
}

/* any: see above. -EACCES: the caller may not see it. */
static int list_entry_get(struct ipc *ipc, const struct conn *conn, uint64_t id, bool any,
			  struct ipc_entry *ret)
{
	struct stat st;
	int r = entry_get(ipc->table, id, &ret->object);

	if (r == 0)
		r = ipc_file_stat(ipc, id, &st);
	if (r == 0)
		ipc_region_stat(&ret->object, &st);
	any = any && r == 0 && ipc_kind_is_sysv(ret->object.kind);
	if (r == 0 && !any && !ipc_may(conn, &ret->object, &st, 4))
		r = -EACCES;
	if (r == 0)
		list_entry_fill(ipc, &st, ret);
	if (r == 0 && any)
		entry_fill_head(ipc, ret);
	return r;
}

/* The column whose handle is meant: of the named partition, or of the caller's. */
static int handle_column(struct ipc *ipc, struct conn *conn, const char *partition, uint32_t *ret,
			 struct vc_err *err)
{
	struct table_opener who;
	int r;

	if (partition) {
		int index = instance_find(ipc->daemon->instance, partition);

		*ret = (uint32_t)index;
		return index < 0 ? err_set(err, ENOENT, "there is no partition '%s'", partition)
				 : 0;
	}
	r = ipc_who(ipc, conn, &who, err);
	if (r == 0 && who.job == 0)
		return err_set(err, EINVAL,
			       "a handle is a partition's, and you are in none: write "
			       "handle:PARTITION:NUMBER");
	*ret = who.column;
	return r;
}

/* With the table locked. */
static int find_handle(struct ipc *ipc, struct conn *conn, const Vc__IpcStat *req, uint64_t *ret_id,
		       struct vc_err *err)
{
	uint32_t column = 0;
	int r = handle_column(ipc, conn, req->partition, &column, err);

	if (r < 0)
		return r;
	r = entry_find_handle(ipc->table, column, req->handle, ret_id);
	return r < 0 ? err_set(err, ENOENT, "partition %s has no IPC object by the handle %u",
			       ipc->daemon->instance->config->parts[column].name, req->handle)
		     : 0;
}

int req_ipc_stat(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	const Vc__IpcStat *req = msg->msg->ipc_stat;
	struct ipc_key key = {
		.kind = req->kind, .has_name = req->has_name, .name = req->name, .id = req->id
	};
	struct ipc *ipc = conn->daemon->ipc;
	struct ipc_entry entry;
	Vc__Msg answer = WIRE_MSG(IPC_ENTRY, ipc_entry, &entry.body);
	int r = req->has_handle ? 0 : ipc_check_key(&key, err), found = 0;
	uint64_t id;

	if (r == 0)
		r = table_lock(ipc->table, err);
	if (r < 0)
		return r;
	found = req->has_handle ? find_handle(ipc, conn, req, &id, err)
				: ipc_find(ipc, &key, &id, err);
	if (found == 0 || found == -EPROTOTYPE)
		r = list_entry_get(ipc, conn, id, req->has_any && req->any, &entry);
	if (r == 0 && found == 0 && req->has_any && req->any &&
	    entry.object.kind == IPC_KIND_SYSV_SHM)
		ipc_forget_gone(ipc, id);
	table_unlock(ipc->table);
	if (found < 0 && found != -EPROTOTYPE)
		return found;
	if (r == -EACCES)
		return ipc_refused(err);
	if (r < 0)
		return err_sys(err, -r, "look at the IPC object");
	if (found < 0)
		return ipc_wrong_kind(&entry.object, err);
	conn_send(conn, &answer, NULL, 0);
	return 0;
}

struct ipc_listing {
	Vc__IpcEntries body;
	struct ipc_entry **entries;
	Vc__IpcEntry **list;
};

static void listing_done(struct ipc_listing *listing)
{
	for (size_t i = 0; i < listing->body.n_entries; i++)
		free(listing->entries[i]);
	free(listing->entries);
	free(listing->list);
}

/* Adds an object if the caller may see it. */
static int listing_add(struct ipc_listing *listing, struct ipc *ipc, const struct conn *conn,
		       uint64_t id, const Vc__IpcList *req)
{
	struct ipc_entry *entry = malloc(sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	if (list_entry_get(ipc, conn, id, req->has_any && req->any, entry) < 0 ||
	    (req->kind && entry->object.kind != req->kind)) {
		free(entry);
		return 0;
	}
	listing->entries[listing->body.n_entries] = entry;
	listing->list[listing->body.n_entries++] = &entry->body;
	return 0;
}

/* The objects of one name: at most one in each set of names. */
static int listing_by_name(struct ipc_listing *listing, struct ipc *ipc, const struct conn *conn,
			   const Vc__IpcList *req)
{
	static const uint32_t kinds[] = {
#define X(id, number, name) (number),
		IPC_KINDS(X)
#undef X
	};
	uint32_t done = UINT32_MAX;
	uint64_t id;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kinds); i++) {
		int found;

		if (ipc_kind_names(kinds[i]) == done)
			continue;
		done = ipc_kind_names(kinds[i]);
		found = entry_find(ipc->table, kinds[i], req->name.data, req->name.len, &id);
		if (found == 0 || found == -EPROTOTYPE)
			r = listing_add(listing, ipc, conn, id, req);
	}
	return r;
}

static int listing_fill(struct ipc_listing *listing, struct ipc *ipc, const struct conn *conn,
			const Vc__IpcList *req, size_t max)
{
	uint64_t cursor = req->cursor, id;
	int r = 0;

	for (int i = 0; r == 0 && i < LIST_WALK && listing->body.n_entries < max; i++) {
		if (entry_next(ipc->table, &cursor, &id) < 0)
			return 0;
		r = listing_add(listing, ipc, conn, id, req);
	}
	WIRE_SET(&listing->body, cursor, cursor);
	return r;
}

int req_ipc_list(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	const Vc__IpcList *req = msg->msg->ipc_list;
	size_t max = !req->has_max || req->max > LIST_MAX ? LIST_MAX : req->max;
	struct ipc_listing listing = { .body = VC__IPC_ENTRIES__INIT };
	Vc__Msg answer = WIRE_MSG(IPC_ENTRIES, ipc_entries, &listing.body);
	struct ipc *ipc = conn->daemon->ipc;
	uint32_t used, capacity;
	int r;

	listing.entries = calloc(LIST_MAX, sizeof(*listing.entries));
	listing.list = calloc(LIST_MAX, sizeof(*listing.list));
	r = listing.entries && listing.list ? table_lock(ipc->table, err) : -ENOMEM;
	if (r == 0) {
		r = req->has_name ? listing_by_name(&listing, ipc, conn, req)
				  : listing_fill(&listing, ipc, conn, req, max);
		table_usage(ipc->table, &used, &capacity);
		table_unlock(ipc->table);
	}
	if (r == 0) {
		listing.body.entries = listing.list;
		WIRE_SET(&listing.body, used, used);
		WIRE_SET(&listing.body, capacity, capacity);
		WIRE_SET(&listing.body, per_user,
			 conn->daemon->instance->config->ipc_objects_per_user);
		conn_send(conn, &answer, NULL, 0);
	}
	listing_done(&listing);
	return r == -ENOMEM ? err_sys(err, ENOMEM, "list") : r;
}
