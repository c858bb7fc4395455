// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * repair.c - repairs the table after a holder of the lock has died
 *
 * The valid flags and the items' own fields are the truth. A repair removes opens without a valid
 * entry or process, then processes without opens, and computes everything else from the rest.
 * An object that was not complete becomes idle; a daemon removes it and its file.
 */

#include "ipcmap/table/layout.h"

static void repair_entries(struct table *table)
{
	uint32_t high = item_high(table, ITEM_ENTRY);

	for (uint32_t i = 0; i < high; i++) {
		struct table_entry *entry = entry_at(table, i);

		entry->first_open = TABLE_NONE;
		entry->n_open = 0;
		entry->idle = 0;
		if (!entry->item.valid)
			continue;
		/* An interrupted unlink may have set only the flag. */
		entry->item.hash = entry_hash(table, i);
		for (uint32_t c = 0; c < table->n_columns; c++)
			entry_column(table, i, c)->openers = 0;
	}
	item_rebuild(table, ITEM_ENTRY);
}

static void repair_procs(struct table *table)
{
	uint32_t high = item_high(table, ITEM_PROC);

	for (uint32_t i = 0; i < high; i++) {
		struct table_proc *proc = opener_proc(table, i);

		proc->first_open = TABLE_NONE;
		proc->n_objects = 0;
		if (proc->item.valid && proc->column >= table->n_columns)
			proc->item.valid = 0;
		proc->item.hash = opener_proc_hash(table, proc->pid);
	}
	item_rebuild(table, ITEM_PROC);
}

static void repair_users(struct table *table)
{
	uint32_t high = item_high(table, ITEM_USER);

	for (uint32_t i = 0; i < high; i++)
		item_at(table, ITEM_USER, i)->valid = 0;
	item_rebuild(table, ITEM_USER);
	high = item_high(table, ITEM_ENTRY);
	for (uint32_t i = 0; i < high; i++) {
		const struct table_entry *entry = entry_at(table, i);
		struct table_user *user = entry->item.valid ? user_get(table, entry->cuid) : NULL;

		if (user) {
			user->n_objects++;
			user_share_add(user, entry);
		}
	}
}

static bool repair_is_open(struct table *table, const struct table_open *open)
{
	const struct table_entry *entry = entry_at(table, open->entry);
	const struct table_proc *proc = opener_proc(table, open->proc);

	return open->item.valid && open->count > 0 && open->count <= INT32_MAX && entry && proc &&
	       open->entry < item_high(table, ITEM_ENTRY) &&
	       open->proc < item_high(table, ITEM_PROC) && entry->item.valid == ENTRY_VALID &&
	       proc->item.valid;
}

static void repair_link_open(struct table *table, uint32_t index)
{
	const struct table_open *open = opener_open(table, index);
	struct table_entry *entry = entry_at(table, open->entry);
	struct table_proc *proc = opener_proc(table, open->proc);
	struct table_user *user = user_get(table, proc->uid);

	item_list_push(table, &entry->first_open, ITEM_OPEN,
		       offsetof(struct table_open, entry_link), index);
	item_list_push(table, &proc->first_open, ITEM_OPEN, offsetof(struct table_open, proc_link),
		       index);
	entry->n_open += open->count;
	proc->n_objects++;
	if (user)
		user->n_opens++;
	entry_column(table, open->entry, proc->column)->openers += open->count;
}

static void repair_opens(struct table *table)
{
	uint32_t high = item_high(table, ITEM_OPEN);

	for (uint32_t i = 0; i < high; i++) {
		struct table_open *open = opener_open(table, i);

		if (!repair_is_open(table, open)) {
			open->item.valid = 0;
			continue;
		}
		open->item.hash = opener_open_hash(table, open->entry, open->proc);
		repair_link_open(table, i);
	}
	item_rebuild(table, ITEM_OPEN);
}

static void repair_settle(struct table *table)
{
	uint32_t high = item_high(table, ITEM_PROC);

	for (uint32_t i = 0; i < high; i++)
		opener_proc_settle(table, i);
	table->map->first_idle = TABLE_NONE;
	high = item_high(table, ITEM_ENTRY);
	for (uint32_t i = 0; i < high; i++) {
		if (!entry_at(table, i)->item.valid)
			continue;
		for (uint32_t c = 0; c < table->n_columns; c++)
			entry_column_add(table, i, c, 0);
		entry_settle(table, i);
	}
}

void repair_table(struct table *table)
{
	table->map->damaged = 0;
	repair_entries(table);
	repair_procs(table);
	repair_users(table);
	repair_opens(table);
	repair_settle(table);
	table->map->repairs++;
}
