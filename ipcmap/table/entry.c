// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * entry.c - objects in the shared table
 *
 * An id is a generation and the entry's number:
 *
 *	generation            | number, index_bits of them
 *	         short form: the lower 31 bits
 *
 * A handle is a count and the entry's number, so that a daemon finds the entry without a search:
 *
 *	count, not 0          | number
 *
 * Generations begin where the id has more than 31 bits, so that a short form is never a full id.
 * They skip values whose short form would be 0 for the first entry.
 */
#include <errno.h>
#include <string.h>

#include "ipcmap/kind.h"
#include "ipcmap/table/hash.h"
#include "ipcmap/table/layout.h"

struct table_entry *entry_at(struct table *table, uint32_t index)
{
	return (struct table_entry *)item_at(table, ITEM_ENTRY, index);
}

uint64_t entry_id(const struct table *table, uint32_t index)
{
	const struct table_entry *entry = entry_at((struct table *)table, index);

	return entry->generation << table->index_bits | index;
}

struct table_entry *entry_of(struct table *table, uint64_t id, uint32_t *ret_index)
{
	uint32_t index = (uint32_t)(id & ((1u << table->index_bits) - 1));
	struct table_entry *entry = entry_at(table, index);

	if (!entry || index >= item_high(table, ITEM_ENTRY) || entry->item.valid == ENTRY_FREE ||
	    entry_id(table, index) != id)
		return NULL;
	*ret_index = index;
	return entry;
}

static uint64_t entry_next_generation(const struct table *table, uint64_t generation)
{
	uint64_t first = 1u << (31 - table->index_bits), mask = first - 1;

	generation = generation < first ? first + 1 : generation + 1;
	return generation & mask ? generation : generation + 1;
}

struct table_column *entry_column(struct table *table, uint32_t index, uint32_t column)
{
	struct table_column *columns =
		(struct table_column *)((char *)table->map + table->columns_at);

	return &columns[(size_t)index * table->n_columns + column];
}

static uint32_t entry_new_handle(struct table *table, uint32_t index)
{
	uint32_t count = ++table->map->last_handle << table->index_bits;

	if (!count)
		count = ++table->map->last_handle << table->index_bits;
	return count | index;
}

int entry_find_handle(struct table *table, uint32_t column, uint32_t handle, uint64_t *ret_id)
{
	uint32_t index = handle & ((1u << table->index_bits) - 1);
	const struct table_entry *entry = entry_at(table, index);
	const struct table_column *at;

	if (!entry || index >= item_high(table, ITEM_ENTRY) || entry->item.valid != ENTRY_VALID ||
	    column >= table->n_columns)
		return -ENOENT;
	at = entry_column(table, index, column);
	if (!at->valid || at->handle != handle)
		return -ENOENT;
	*ret_id = entry_id(table, index);
	return 0;
}

void entry_column_add(struct table *table, uint32_t index, uint32_t column, int32_t n)
{
	struct table_column *at = entry_column(table, index, column);

	if (n < 0 && at->openers < (uint32_t)-n) {
		table_damaged(table);
		n = -(int32_t)at->openers;
	}
	at->openers += (uint32_t)n;
	if (at->openers > 0 && !at->valid) {
		at->handle = entry_new_handle(table, index);
		at->valid = 1;
	} else if (at->openers == 0) {
		at->valid = 0;
	}
}

void entry_column_move(struct table *table, uint32_t index, uint32_t from, uint32_t to, uint32_t n)
{
	const struct table_column *source = entry_column(table, index, from);
	struct table_column *target = entry_column(table, index, to);

	/* The handle moves with the last opener. */
	if (!target->valid && source->valid && source->openers == n) {
		target->handle = source->handle;
		target->valid = 1;
	}
	entry_column_add(table, index, to, (int32_t)n);
	entry_column_add(table, index, from, -(int32_t)n);
}

static uint32_t entry_name_hash(const struct table *table, uint32_t kind, const void *name,
				size_t len)
{
	unsigned char key[sizeof(uint32_t) + TABLE_NAME_MAX];
	uint32_t names = ipc_kind_names(kind);

	memcpy(key, &names, sizeof(names));
	memcpy(key + sizeof(names), name, len);
	return hash_bytes(table->map->key, key, sizeof(names) + len);
}

uint32_t entry_hash(struct table *table, uint32_t index)
{
	const struct table_entry *entry = entry_at(table, index);
	uint64_t id = entry_id(table, index);

	if (entry->name_len == 0 || entry->unlinked)
		return hash_bytes(table->map->key, &id, sizeof(id));
	return entry_name_hash(table, entry->kind, entry->name, entry->name_len);
}

bool entry_is_idle(const struct table_entry *entry)
{
	return entry->item.valid == ENTRY_MAKING ||
	       (entry->item.valid == ENTRY_VALID && entry->n_open == 0 &&
		(!entry->persistent || entry->unlinked));
}

void entry_settle(struct table *table, uint32_t index)
{
	struct table_entry *entry = entry_at(table, index);
	bool idle = entry_is_idle(entry);
	size_t where = offsetof(struct table_entry, idle_link);

	if (idle == (entry->idle != 0))
		return;
	if (idle)
		item_list_push(table, &table->map->first_idle, ITEM_ENTRY, where, index);
	else
		item_list_remove(table, &table->map->first_idle, ITEM_ENTRY, where, index);
	entry->idle = idle;
	entry->looked_usec = 0;
}

/* Kinds share names with the other kinds of their set. */
static bool entry_is_named(const struct table_entry *entry, uint32_t kind, const void *name,
			   size_t len)
{
	return entry->item.valid == ENTRY_VALID && !entry->unlinked && entry->name_len == len &&
	       ipc_kind_names(entry->kind) == ipc_kind_names(kind) &&
	       !memcmp(entry->name, name, len);
}

int entry_find(struct table *table, uint32_t kind, const void *name, size_t len, uint64_t *ret_id)
{
	struct item_walk walk;
	struct item *item;
	uint32_t index;

	if (len == 0 || len > TABLE_NAME_MAX)
		return -ENOENT;
	walk = item_walk(table, ITEM_ENTRY, entry_name_hash(table, kind, name, len));
	while ((item = item_step(&walk, &index))) {
		const struct table_entry *entry = (struct table_entry *)item;

		if (!entry_is_named(entry, kind, name, len))
			continue;
		*ret_id = entry_id(table, index);
		return entry->kind == kind ? 0 : -EPROTOTYPE;
	}
	return table->map->damaged ? -EUCLEAN : -ENOENT;
}

int entry_find_id(struct table *table, uint64_t id, uint64_t *ret_id)
{
	uint32_t index = (uint32_t)(id & ((1u << table->index_bits) - 1));
	const struct table_entry *entry = entry_at(table, index);

	if (!entry || index >= item_high(table, ITEM_ENTRY) || entry->item.valid != ENTRY_VALID ||
	    (id <= INT32_MAX ? (entry_id(table, index) & INT32_MAX) != id
			     : entry_id(table, index) != id))
		return -ENOENT;
	*ret_id = entry_id(table, index);
	return 0;
}

int entry_get(struct table *table, uint64_t id, struct table_object *ret)
{
	uint32_t index;
	const struct table_entry *entry = entry_of(table, id, &index);

	if (!entry)
		return -ENOENT;
	*ret = (struct table_object){
		.id = id,
		.kind = entry->kind,
		.uid = entry->uid,
		.gid = entry->gid,
		.cuid = entry->cuid,
		.cgid = entry->cgid,
		.mode = entry->mode,
		.n_open = entry->n_open,
		.created_usec = entry->created_usec,
		.units = entry->units,
		.token = entry->token,
		.persistent = entry->persistent,
		.unlinked = entry->unlinked,
		.made = entry->item.valid == ENTRY_VALID,
		.looked_usec = entry->looked_usec,
		.name_len = entry->name_len,
	};
	memcpy(ret->name, entry->name, entry->name_len);
	return 0;
}

int entry_next(struct table *table, uint64_t *cursor, uint64_t *ret_id)
{
	uint32_t high = item_high(table, ITEM_ENTRY);

	while (*cursor < high) {
		uint32_t index = (uint32_t)(*cursor)++;

		if (entry_at(table, index)->item.valid != ENTRY_VALID)
			continue;
		*ret_id = entry_id(table, index);
		return 0;
	}
	return -ENOENT;
}

int entry_get_column(struct table *table, uint64_t id, uint32_t column, struct table_column *ret)
{
	uint32_t index;

	if (!entry_of(table, id, &index) || column >= table->n_columns)
		return -ENOENT;
	*ret = *entry_column(table, index, column);
	return 0;
}

/* Sets all fields except the valid flag. The generation is set by one store and therefore never
 * decreases, even if the process is killed here. */
static void entry_fill(struct table *table, uint32_t index, const struct table_object *wanted)
{
	struct table_entry *entry = entry_at(table, index), fresh = {
		.created_usec = wanted->created_usec,
		.units = wanted->units,
		.token = wanted->token,
		.uid = wanted->uid,
		.gid = wanted->gid,
		.cuid = wanted->cuid,
		.cgid = wanted->cgid,
		.mode = wanted->mode,
		.first_open = TABLE_NONE,
		.persistent = wanted->persistent,
		.name_len = (uint8_t)wanted->name_len,
	};
	size_t rest = offsetof(struct table_entry, created_usec);

	memcpy(fresh.name, wanted->name, wanted->name_len);
	entry->kind = wanted->kind;
	entry->generation = entry_next_generation(table, entry->generation);
	memcpy((char *)entry + rest, (char *)&fresh + rest, sizeof(fresh) - rest);
	memset(entry_column(table, index, 0), 0, table->n_columns * sizeof(struct table_column));
}

static int entry_no_room(const struct table *table, int code, uint32_t uid, uint32_t per_user,
			 struct vc_err *err)
{
	if (code == EDQUOT)
		return err_set(err, EDQUOT,
			       "user %u has %u objects, as many as allowed; unlink some, or have "
			       "ipc-objects-per-user raised",
			       uid, per_user);
	return err_set(err, code,
		       "the table of IPC objects is full (%u of %u entries are taken); unlink some "
		       "('vcctl ipc list' shows them), or have ipc-entries raised",
		       table->map->pools[ITEM_ENTRY].used, table->n_entries);
}

int entry_make(struct table *table, const struct table_object *wanted, uint32_t per_user,
	       uint64_t *ret_id, struct vc_err *err)
{
	struct table_user *user;
	uint64_t there;
	uint32_t index;
	int r;

	if (wanted->name_len > TABLE_NAME_MAX)
		return err_set(err, ENAMETOOLONG, "a name has at most %d bytes", TABLE_NAME_MAX);
	r = entry_find(table, wanted->kind, wanted->name, wanted->name_len, &there);
	if (r == 0)
		return err_set(err, EEXIST, "there is an object of that name");
	if (r != -ENOENT)
		return err_set(err, -r, "there is an object of that name, and of another kind");
	user = user_get(table, wanted->cuid);
	if (user && user->n_objects >= per_user)
		r = -EDQUOT;
	else
		r = user ? item_take(table, ITEM_ENTRY, &index) : -ENOSPC;
	if (r < 0) {
		user_settle(table, wanted->cuid);
		return entry_no_room(table, -r, wanted->cuid, per_user, err);
	}
	entry_fill(table, index, wanted);
	item_validate(table, ITEM_ENTRY, index, entry_hash(table, index), ENTRY_MAKING);
	user->n_objects++;
	user_share_add(user, entry_at(table, index));
	*ret_id = entry_id(table, index);
	return 0;
}

int entry_made(struct table *table, uint64_t id)
{
	uint32_t index;
	struct table_entry *entry = entry_of(table, id, &index);

	if (!entry)
		return -ENOENT;
	__atomic_store_n(&entry->item.valid, ENTRY_VALID, __ATOMIC_RELEASE);
	entry_settle(table, index);
	return 0;
}

int entry_remove(struct table *table, uint64_t id)
{
	uint32_t index, uid, left = table->geometry[ITEM_OPEN].capacity;
	struct table_entry *entry = entry_of(table, id, &index);
	struct table_user *user;

	if (!entry)
		return -ENOENT;
	while (entry->first_open != TABLE_NONE) {
		const struct table_open *open = opener_open(table, entry->first_open);
		uint32_t proc = open ? open->proc : TABLE_NONE;

		if (!open || left-- == 0)
			return table_damaged(table);
		opener_open_end(table, entry->first_open);
		opener_proc_settle(table, proc);
	}
	if (entry->idle)
		item_list_remove(table, &table->map->first_idle, ITEM_ENTRY,
				 offsetof(struct table_entry, idle_link), index);
	entry->idle = 0;
	uid = entry->cuid;
	user = user_get(table, uid);
	if (user && user->n_objects > 0) {
		user_share_take(table, user, entry);
		user->n_objects--;
	}
	item_put(table, ITEM_ENTRY, index);
	user_settle(table, uid);
	return 0;
}

int entry_unlink(struct table *table, uint64_t id)
{
	uint32_t index;
	struct table_entry *entry = entry_of(table, id, &index);
	struct table_user *user;

	if (!entry)
		return -ENOENT;
	if (entry->unlinked)
		return 0;
	user = user_find(table, entry->cuid);
	if (user)
		user_share_take(table, user, entry);
	entry->unlinked = 1;
	if (user)
		user_share_add(user, entry);
	item_rehash(table, ITEM_ENTRY, index, entry_hash(table, index));
	entry_settle(table, index);
	return 0;
}

int entry_set_owner(struct table *table, uint64_t id, uint32_t uid, uint32_t gid, uint32_t mode)
{
	uint32_t index;
	struct table_entry *entry = entry_of(table, id, &index);

	if (!entry)
		return -ENOENT;
	entry->uid = uid;
	entry->gid = gid;
	entry->mode = mode;
	return 0;
}

int entry_next_idle(struct table *table, uint64_t *cursor, uint64_t before_usec, uint64_t now_usec,
		    uint64_t *ret_id)
{
	uint32_t left = table->n_entries;

	/* The cursor is an entry's number + 1. 0: the first one; UINT64_MAX: the end. */
	while (*cursor != UINT64_MAX) {
		uint32_t index = *cursor ? (uint32_t)(*cursor - 1) : table->map->first_idle;
		struct table_entry *entry = entry_at(table, index);

		if (index == TABLE_NONE)
			break;
		if (!entry || !entry->idle || left-- == 0)
			return table_damaged(table);
		*cursor = entry->idle_link.next == TABLE_NONE ? UINT64_MAX
							      : (uint64_t)entry->idle_link.next + 1;
		if (entry->looked_usec < before_usec) {
			entry->looked_usec = now_usec;
			*ret_id = entry_id(table, index);
			return 0;
		}
	}
	return -ENOENT;
}
