// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * entry.c - objects in the shared table
 *
 * An id is a generation and the entry's number:
 *
 *	generation            | number, index_bits of them
 *	         short form: the lower 31 bits
 *
 * A handle is a count and the entry's number, so that a partition's daemon finds the entry of
 * one without looking for it:
 *
 *	count, not 0          | number
 *
 * Generations begin where the id has more than 31 bits, so that a short form is never a
 * full id, and pass over those whose short form would be 0 for the first entry.
 */
#include <errno.h>
#include <string.h>

#include "ipcmap/kind.h"
#include "ipcmap/table/hash.h"
#include "ipcmap/table/layout.h"

struct table_entry *table_entry(struct table *table, uint32_t index)
{
	return (struct table_entry *)table_item(table, POOL_ENTRY, index);
}

uint64_t table_entry_id(const struct table *table, uint32_t index)
{
	const struct table_entry *entry = table_entry((struct table *)table, index);

	return entry->generation << table->index_bits | index;
}

struct table_entry *table_entry_of(struct table *table, uint64_t id, uint32_t *ret_index)
{
	uint32_t index = (uint32_t)(id & ((1u << table->index_bits) - 1));
	struct table_entry *entry = table_entry(table, index);

	if (!entry || index >= table_high(table, POOL_ENTRY) || entry->item.valid == ENTRY_FREE ||
	    table_entry_id(table, index) != id)
		return NULL;
	*ret_index = index;
	return entry;
}

static uint64_t table_next_generation(const struct table *table, uint64_t generation)
{
	uint64_t first = 1u << (31 - table->index_bits), mask = first - 1;

	generation = generation < first ? first + 1 : generation + 1;
	return generation & mask ? generation : generation + 1;
}

struct table_column *table_column_at(struct table *table, uint32_t index, uint32_t column)
{
	struct table_column *columns =
		(struct table_column *)((char *)table->map + table->columns_at);

	return &columns[(size_t)index * table->n_columns + column];
}

static uint32_t table_new_handle(struct table *table, uint32_t index)
{
	uint32_t count = ++table->map->last_handle << table->index_bits;

	if (!count)
		count = ++table->map->last_handle << table->index_bits;
	return count | index;
}

int table_find_handle(struct table *table, uint32_t column, uint32_t handle, uint64_t *ret_id)
{
	uint32_t index = handle & ((1u << table->index_bits) - 1);
	const struct table_entry *entry = table_entry(table, index);
	const struct table_column *at;

	if (!entry || index >= table_high(table, POOL_ENTRY) || entry->item.valid != ENTRY_VALID ||
	    column >= table->n_columns)
		return -ENOENT;
	at = table_column_at(table, index, column);
	if (!at->valid || at->handle != handle)
		return -ENOENT;
	*ret_id = table_entry_id(table, index);
	return 0;
}

void table_column_add(struct table *table, uint32_t index, uint32_t column, int32_t n)
{
	struct table_column *at = table_column_at(table, index, column);

	if (n < 0 && at->openers < (uint32_t)-n) {
		table_damaged(table);
		n = -(int32_t)at->openers;
	}
	at->openers += (uint32_t)n;
	if (at->openers > 0 && !at->valid) {
		at->handle = table_new_handle(table, index);
		at->valid = 1;
	} else if (at->openers == 0) {
		at->valid = 0;
	}
}

void table_column_move(struct table *table, uint32_t index, uint32_t from, uint32_t to, uint32_t n)
{
	const struct table_column *source = table_column_at(table, index, from);
	struct table_column *target = table_column_at(table, index, to);

	/* With the last opener the handle itself goes over. */
	if (!target->valid && source->valid && source->openers == n) {
		target->handle = source->handle;
		target->valid = 1;
	}
	table_column_add(table, index, to, (int32_t)n);
	table_column_add(table, index, from, -(int32_t)n);
}

/* A name's hash. */
static uint32_t table_name_hash(const struct table *table, uint32_t kind, const void *name,
				size_t len)
{
	unsigned char key[sizeof(uint32_t) + TABLE_NAME_MAX];
	uint32_t names = ipc_kind_names(kind);

	memcpy(key, &names, sizeof(names));
	memcpy(key + sizeof(names), name, len);
	return table_hash(table->map->key, key, sizeof(names) + len);
}

uint32_t table_entry_hash(struct table *table, uint32_t index)
{
	const struct table_entry *entry = table_entry(table, index);
	uint64_t id = table_entry_id(table, index);

	if (entry->name_len == 0 || entry->unlinked)
		return table_hash(table->map->key, &id, sizeof(id));
	return table_name_hash(table, entry->kind, entry->name, entry->name_len);
}

bool table_entry_is_idle(const struct table_entry *entry)
{
	return entry->item.valid == ENTRY_MAKING ||
	       (entry->item.valid == ENTRY_VALID && entry->n_open == 0 &&
		(!entry->persistent || entry->unlinked));
}

void table_entry_settle(struct table *table, uint32_t index)
{
	struct table_entry *entry = table_entry(table, index);
	bool idle = table_entry_is_idle(entry);
	size_t where = offsetof(struct table_entry, idle_link);

	if (idle == (entry->idle != 0))
		return;
	if (idle)
		table_list_push(table, &table->map->first_idle, POOL_ENTRY, where, index);
	else
		table_list_remove(table, &table->map->first_idle, POOL_ENTRY, where, index);
	entry->idle = idle;
	entry->looked_usec = 0;
}

/* Whether the entry has this name, in its kind's set of names. */
static bool table_is_named(const struct table_entry *entry, uint32_t kind, const void *name,
			   size_t len)
{
	return entry->item.valid == ENTRY_VALID && !entry->unlinked && entry->name_len == len &&
	       ipc_kind_names(entry->kind) == ipc_kind_names(kind) &&
	       !memcmp(entry->name, name, len);
}

int table_find(struct table *table, uint32_t kind, const void *name, size_t len, uint64_t *ret_id)
{
	struct table_walk walk;
	struct table_item *item;
	uint32_t index;

	if (len == 0 || len > TABLE_NAME_MAX)
		return -ENOENT;
	walk = table_walk(table, POOL_ENTRY, table_name_hash(table, kind, name, len));
	while ((item = table_step(&walk, &index))) {
		const struct table_entry *entry = (struct table_entry *)item;

		if (!table_is_named(entry, kind, name, len))
			continue;
		*ret_id = table_entry_id(table, index);
		return entry->kind == kind ? 0 : -EPROTOTYPE;
	}
	return table->map->damaged ? -EUCLEAN : -ENOENT;
}

int table_find_id(struct table *table, uint64_t id, uint64_t *ret_id)
{
	uint32_t index = (uint32_t)(id & ((1u << table->index_bits) - 1));
	const struct table_entry *entry = table_entry(table, index);

	if (!entry || index >= table_high(table, POOL_ENTRY) || entry->item.valid != ENTRY_VALID ||
	    (id <= INT32_MAX ? (table_entry_id(table, index) & INT32_MAX) != id
			     : table_entry_id(table, index) != id))
		return -ENOENT;
	*ret_id = table_entry_id(table, index);
	return 0;
}

int table_get(struct table *table, uint64_t id, struct table_object *ret)
{
	uint32_t index;
	const struct table_entry *entry = table_entry_of(table, id, &index);

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

int table_next(struct table *table, uint64_t *cursor, uint64_t *ret_id)
{
	uint32_t high = table_high(table, POOL_ENTRY);

	while (*cursor < high) {
		uint32_t index = (uint32_t)(*cursor)++;

		if (table_entry(table, index)->item.valid != ENTRY_VALID)
			continue;
		*ret_id = table_entry_id(table, index);
		return 0;
	}
	return -ENOENT;
}

int table_get_column(struct table *table, uint64_t id, uint32_t column, struct table_column *ret)
{
	uint32_t index;

	if (!table_entry_of(table, id, &index) || column >= table->n_columns)
		return -ENOENT;
	*ret = *table_column_at(table, index, column);
	return 0;
}

/* Everything but what makes it valid. The generation is one store, and never goes back,
 * wherever in here a process is killed. */
static void table_fill_entry(struct table *table, uint32_t index, const struct table_object *wanted)
{
	struct table_entry *entry = table_entry(table, index), fresh = {
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
	entry->generation = table_next_generation(table, entry->generation);
	memcpy((char *)entry + rest, (char *)&fresh + rest, sizeof(fresh) - rest);
	memset(table_column_at(table, index, 0), 0, table->n_columns * sizeof(struct table_column));
}

static int table_no_room(const struct table *table, int code, uint32_t uid, uint32_t per_user,
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
		       table->map->pools[POOL_ENTRY].used, table->n_entries);
}

int table_make(struct table *table, const struct table_object *wanted, uint32_t per_user,
	       uint64_t *ret_id, struct vc_err *err)
{
	struct table_user *user;
	uint64_t there;
	uint32_t index;
	int r;

	if (wanted->name_len > TABLE_NAME_MAX)
		return err_set(err, ENAMETOOLONG, "a name has at most %d bytes", TABLE_NAME_MAX);
	r = table_find(table, wanted->kind, wanted->name, wanted->name_len, &there);
	if (r == 0)
		return err_set(err, EEXIST, "there is an object of that name");
	if (r != -ENOENT)
		return err_set(err, -r, "there is an object of that name, and of another kind");
	user = table_user(table, wanted->cuid);
	if (user && user->n_objects >= per_user)
		r = -EDQUOT;
	else
		r = user ? table_take(table, POOL_ENTRY, &index) : -ENOSPC;
	if (r < 0) {
		table_user_settle(table, wanted->cuid);
		return table_no_room(table, -r, wanted->cuid, per_user, err);
	}
	table_fill_entry(table, index, wanted);
	table_validate(table, POOL_ENTRY, index, table_entry_hash(table, index), ENTRY_MAKING);
	user->n_objects++;
	table_share_add(user, table_entry(table, index));
	*ret_id = table_entry_id(table, index);
	return 0;
}

int table_made(struct table *table, uint64_t id)
{
	uint32_t index;
	struct table_entry *entry = table_entry_of(table, id, &index);

	if (!entry)
		return -ENOENT;
	__atomic_store_n(&entry->item.valid, ENTRY_VALID, __ATOMIC_RELEASE);
	table_entry_settle(table, index);
	return 0;
}

int table_remove(struct table *table, uint64_t id)
{
	uint32_t index, uid, left = table->geometry[POOL_OPEN].capacity;
	struct table_entry *entry = table_entry_of(table, id, &index);
	struct table_user *user;

	if (!entry)
		return -ENOENT;
	while (entry->first_open != TABLE_NONE) {
		const struct table_open *open = table_open_at(table, entry->first_open);
		uint32_t proc = open ? open->proc : TABLE_NONE;

		if (!open || left-- == 0)
			return table_damaged(table);
		table_open_end(table, entry->first_open);
		table_proc_settle(table, proc);
	}
	if (entry->idle)
		table_list_remove(table, &table->map->first_idle, POOL_ENTRY,
				  offsetof(struct table_entry, idle_link), index);
	entry->idle = 0;
	uid = entry->cuid;
	user = table_user(table, uid);
	if (user && user->n_objects > 0) {
		table_share_take(table, user, entry);
		user->n_objects--;
	}
	table_put(table, POOL_ENTRY, index);
	table_user_settle(table, uid);
	return 0;
}

int table_unlink(struct table *table, uint64_t id)
{
	uint32_t index;
	struct table_entry *entry = table_entry_of(table, id, &index);
	struct table_user *user;

	if (!entry)
		return -ENOENT;
	if (entry->unlinked)
		return 0;
	user = table_user_find(table, entry->cuid);
	if (user)
		table_share_take(table, user, entry);
	entry->unlinked = 1;
	if (user)
		table_share_add(user, entry);
	table_rehash(table, POOL_ENTRY, index, table_entry_hash(table, index));
	table_entry_settle(table, index);
	return 0;
}

int table_set_owner(struct table *table, uint64_t id, uint32_t uid, uint32_t gid, uint32_t mode)
{
	uint32_t index;
	struct table_entry *entry = table_entry_of(table, id, &index);

	if (!entry)
		return -ENOENT;
	entry->uid = uid;
	entry->gid = gid;
	entry->mode = mode;
	return 0;
}

int table_idle_next(struct table *table, uint64_t *cursor, uint64_t before_usec, uint64_t now_usec,
		    uint64_t *ret_id)
{
	uint32_t left = table->n_entries;

	/* The cursor is one more than an entry's number; 0: the first one. All ones: the end. */
	while (*cursor != UINT64_MAX) {
		uint32_t index = *cursor ? (uint32_t)(*cursor - 1) : table->map->first_idle;
		struct table_entry *entry = table_entry(table, index);

		if (index == TABLE_NONE)
			break;
		if (!entry || !entry->idle || left-- == 0)
			return table_damaged(table);
		*cursor = entry->idle_link.next == TABLE_NONE ? UINT64_MAX
							      : (uint64_t)entry->idle_link.next + 1;
		if (entry->looked_usec < before_usec) {
			entry->looked_usec = now_usec;
			*ret_id = table_entry_id(table, index);
			return 0;
		}
	}
	return -ENOENT;
}
