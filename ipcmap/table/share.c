// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * share.c - how much of each kind a user has, for limits such as the kernel's
 *
 * Only kinds count of which the kernel limits the number. An object counts from when it is made,
 * for who made it. System V's cease to count with IPC_RMID, as the kernel has it but for segments
 * that somebody has attached still; a queue counts until it is gone, also as the kernel has it.
 */
#include "ipcmap/kind.h"
#include "ipcmap/table/layout.h"

/* The kind's place among the limited ones; TABLE_SHARES: it is not limited. */
static uint32_t share_of_kind(uint32_t kind)
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

struct table_share *table_entry_share(struct table_user *user, const struct table_entry *entry)
{
	uint32_t share = share_of_kind(entry->kind);

	if (!entry->item.valid || share == TABLE_SHARES ||
	    (entry->unlinked && entry->kind != IPC_KIND_POSIX_MQ))
		return NULL;
	return &user->shares[share];
}

void table_share_add(struct table_user *user, const struct table_entry *entry)
{
	struct table_share *share = table_entry_share(user, entry);

	if (!share)
		return;
	share->objects++;
	share->units += entry->units;
}

void table_share_take(struct table *table, struct table_user *user, const struct table_entry *entry)
{
	struct table_share *share = table_entry_share(user, entry);

	if (!share)
		return;
	if (share->objects == 0 || share->units < entry->units) {
		table_damaged(table);
		return;
	}
	share->objects--;
	share->units -= entry->units;
}

struct table_share table_share(struct table *table, uint32_t uid, uint32_t kind)
{
	const struct table_user *user = table_user_find(table, uid);
	uint32_t share = share_of_kind(kind);

	return user && share < TABLE_SHARES ? user->shares[share] : (struct table_share){ 0 };
}
