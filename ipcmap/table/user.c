// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * user.c - how many objects and opens a user has, and how much of each limited kind
 *
 * The shares serve limits like those of the kernel, so only kinds that the kernel limits have one.
 * An object counts in the share of its creator from its creation. As in the kernel, a message queue
 * of POSIX counts until it is removed, and System V's objects until IPC_RMID. Deviation: an
 * attached segment counts no longer than the others.
 */
#include <string.h>

#include "ipcmap/kind.h"
#include "ipcmap/table/hash.h"
#include "ipcmap/table/layout.h"

static uint32_t user_hash(const struct table *table, uint32_t uid)
{
	return hash_bytes(table->map->key, &uid, sizeof(uid));
}

static struct table_user *user_of(struct table *table, uint32_t uid, uint32_t *ret_index)
{
	struct item_walk walk = item_walk(table, ITEM_USER, user_hash(table, uid));
	struct item *item;

	while ((item = item_step(&walk, ret_index)))
		if (((struct table_user *)item)->uid == uid)
			return (struct table_user *)item;
	return NULL;
}

struct table_user *user_find(struct table *table, uint32_t uid)
{
	uint32_t index;

	return user_of(table, uid, &index);
}

struct table_user *user_get(struct table *table, uint32_t uid)
{
	uint32_t index;
	struct table_user *user = user_of(table, uid, &index);

	if (user || item_take(table, ITEM_USER, &index) < 0)
		return user;
	user = (struct table_user *)item_at(table, ITEM_USER, index);
	user->uid = uid;
	user->n_objects = user->n_opens = 0;
	memset(user->shares, 0, sizeof(user->shares));
	item_validate(table, ITEM_USER, index, user_hash(table, uid), 1);
	return user;
}

void user_settle(struct table *table, uint32_t uid)
{
	uint32_t index;
	const struct table_user *user = user_of(table, uid, &index);

	if (user && user->n_objects == 0 && user->n_opens == 0)
		item_put(table, ITEM_USER, index);
}

/* The number of a kind's share; TABLE_SHARES: the kind is not limited. */
static uint32_t user_share_of(uint32_t kind)
{
	switch (kind) {
	case IPC_KIND_POSIX_MQ:
		return 0;
	case IPC_KIND_SYSV_MSG:
		return 1;
	case IPC_KIND_SYSV_SEM:
		return 2;
	case IPC_KIND_SYSV_SHM:
		return 3;
	default:
		return TABLE_SHARES;
	}
}

struct table_share *user_entry_share(struct table_user *user, const struct table_entry *entry)
{
	uint32_t share = user_share_of(entry->kind);

	if (!entry->item.valid || share == TABLE_SHARES ||
	    (entry->unlinked && entry->kind != IPC_KIND_POSIX_MQ))
		return NULL;
	return &user->shares[share];
}

void user_share_add(struct table_user *user, const struct table_entry *entry)
{
	struct table_share *share = user_entry_share(user, entry);

	if (!share)
		return;
	share->objects++;
	share->units += entry->units;
}

void user_share_take(struct table *table, struct table_user *user, const struct table_entry *entry)
{
	struct table_share *share = user_entry_share(user, entry);

	if (!share)
		return;
	if (share->objects == 0 || share->units < entry->units) {
		table_damaged(table);
		return;
	}
	share->objects--;
	share->units -= entry->units;
}

struct table_share user_share(struct table *table, uint32_t uid, uint32_t kind)
{
	const struct table_user *user = user_find(table, uid);
	uint32_t share = user_share_of(kind);

	return user && share < TABLE_SHARES ? user->shares[share] : (struct table_share){ 0 };
}
