// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * repair.c - what a holder of the lock left that died
 *
 * Which items are valid, and their own fields, is true. Opens whose entry or process is not
 * valid go, then processes without opens; then all that follows from the rest is made anew.
 * An object that was only being made becomes idle, and is removed with its file by a daemon.
 */
#include <string.h>

#include "ipcmap/table/layout.h"

static void repair_entries(struct table *table)
{
	uint32_t high = table_high(table, POOL_ENTRY);

	for (uint32_t i = 0; i < high; i++) {
		struct table_entry *entry = table_entry(table, i);

		entry->first_open = TABLE_NONE;
		entry->n_open = 0;
		entry->idle = 0;
		if (!entry->item.valid)
			continue;
		/* An unlink may have come no further than to the flag. */
		entry->item.hash = table_entry_hash(table, i);
		for (uint32_t c = 0; c < table->n_columns; c++)
			table_column_at(table, i, c)->openers = 0;
	}
	table_rebuild(table, POOL_ENTRY);
}

static void repair_procs(struct table *table)
{
	uint32_t high = table_high(table, POOL_PROC);

	for (uint32_t i = 0; i < high; i++) {
		struct table_proc *proc = table_proc(table, i);

		proc->first_open = TABLE_NONE;
		proc->n_objects = 0;
		if (proc->item.valid && proc->column >= table->n_columns)
			proc->item.valid = 0;
		proc->item.hash = table_proc_hash(table, proc->pid);
	}
	table_rebuild(table, POOL_PROC);
}

/* Who owns how much is counted from nothing. */
static void repair_users(struct table *table)
{
	uint32_t high = table_high(table, POOL_USER);

	for (uint32_t i = 0; i < high; i++)
		table_item(table, POOL_USER, i)->valid = 0;
	table_rebuild(table, POOL_USER);
	high = table_high(table, POOL_ENTRY);
	for (uint32_t i = 0; i < high; i++) {
		const struct table_entry *entry = table_entry(table, i);
		struct table_user *user = entry->item.valid ? table_user(table, entry->cuid) : NULL;

		if (user) {
			user->n_objects++;
			table_share_add(user, entry);
		}
	}
}

static bool repair_is_open(struct table *table, const struct table_open *open)
{
	const struct table_entry *entry = table_entry(table, open->entry);
	const struct table_proc *proc = table_proc(table, open->proc);

	return open->item.valid && open->count > 0 && open->count <= INT32_MAX && entry && proc &&
	       open->entry < table_high(table, POOL_ENTRY) &&
	       open->proc < table_high(table, POOL_PROC) && entry->item.valid == ENTRY_VALID &&
	       proc->item.valid;
}

static void repair_link_open(struct table *table, uint32_t index)
{
	const struct table_open *open = table_open_at(table, index);
	struct table_entry *entry = table_entry(table, open->entry);
	struct table_proc *proc = table_proc(table, open->proc);
	struct table_user *user = table_user(table, proc->uid);

	table_list_push(table, &entry->first_open, POOL_OPEN,
			offsetof(struct table_open, entry_link), index);
	table_list_push(table, &proc->first_open, POOL_OPEN, offsetof(struct table_open, proc_link),
			index);
	entry->n_open += open->count;
	proc->n_objects++;
	if (user)
		user->n_opens++;
	table_column_at(table, open->entry, proc->column)->openers += open->count;
}

static void repair_opens(struct table *table)
{
	uint32_t high = table_high(table, POOL_OPEN);

	for (uint32_t i = 0; i < high; i++) {
		struct table_open *open = table_open_at(table, i);

		if (!repair_is_open(table, open)) {
			open->item.valid = 0;
			continue;
		}
		open->item.hash = table_open_hash(table, open->entry, open->proc);
		repair_link_open(table, i);
	}
	table_rebuild(table, POOL_OPEN);
}

static void repair_settle(struct table *table)
{
	uint32_t high = table_high(table, POOL_PROC);

	for (uint32_t i = 0; i < high; i++)
		table_proc_settle(table, i);
	table->map->first_idle = TABLE_NONE;
	high = table_high(table, POOL_ENTRY);
	for (uint32_t i = 0; i < high; i++) {
		if (!table_entry(table, i)->item.valid)
			continue;
		for (uint32_t c = 0; c < table->n_columns; c++)
			table_column_add(table, i, c, 0);
		table_entry_settle(table, i);
	}
}

void table_repair(struct table *table)
{
	table->map->damaged = 0;
	repair_entries(table);
	repair_procs(table);
	repair_users(table);
	repair_opens(table);
	repair_settle(table);
	table->map->repairs++;
}
