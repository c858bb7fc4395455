// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * check.c - looks for contradictions in the shared table
 *
 * Everything that is stored twice is compared. Each valid item is in its hash chain, each other
 * item below the high mark is in the free list, each open is in the lists of its entry and its
 * process, the sums and columns agree with the opens, and the idle list holds the idle entries. The
 * check changes nothing, except that it notes damage. It needs a few bytes of memory per item.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "ipcmap/kind.h"
#include "ipcmap/table/layout.h"

static const char *const item_names[ITEM_KINDS] = {
	[ITEM_ENTRY] = "entry",
	[ITEM_OPEN] = "open",
	[ITEM_PROC] = "process",
	[ITEM_USER] = "user",
};

#define check_fail(err, ...) err_set(err, EUCLEAN, __VA_ARGS__)

/* Each item is in one place: valid ones in a chain, others in the free list. */
static int check_seen(struct table *table, enum item_kind kind, uint8_t *seen, uint32_t index,
		      bool valid, struct vc_err *err)
{
	const struct item *item = item_at(table, kind, index);

	if (!item || index >= item_high(table, kind))
		return check_fail(err, "%s %u does not exist", item_names[kind], index);
	if (seen[index]++)
		return check_fail(err, "%s %u is in two places", item_names[kind], index);
	if ((item->valid != 0) != valid)
		return check_fail(err, "%s %u is %s, and in the %s", item_names[kind], index,
				  valid ? "free" : "valid", valid ? "hash" : "free list");
	return 0;
}

static int check_chains(struct table *table, enum item_kind kind, uint8_t *seen, struct vc_err *err)
{
	uint32_t n = table->map->pools[kind].n_buckets;

	if (n == 0 || n & (n - 1) || n > table->geometry[kind].max_buckets)
		return check_fail(err, "the hash of %s items has %u buckets", item_names[kind], n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = *item_bucket(table, kind, i);

		while (at != TABLE_NONE) {
			int r = check_seen(table, kind, seen, at, true, err);

			if (r < 0)
				return r;
			if ((item_at(table, kind, at)->hash & (n - 1)) != i)
				return check_fail(err, "%s %u is in the wrong chain",
						  item_names[kind], at);
			at = item_at(table, kind, at)->next;
		}
	}
	return 0;
}

static int check_free(struct table *table, enum item_kind kind, uint8_t *seen, struct vc_err *err)
{
	uint32_t at = table->map->pools[kind].free;

	while (at != TABLE_NONE) {
		int r = check_seen(table, kind, seen, at, false, err);

		if (r < 0)
			return r;
		at = item_at(table, kind, at)->next;
	}
	return 0;
}

static int check_pool(struct table *table, enum item_kind kind, struct vc_err *err)
{
	const struct item_pool *pool = &table->map->pools[kind];
	_cleanup_free_ uint8_t *seen = NULL;
	uint32_t used = 0;
	int r;

	if (pool->high > table->geometry[kind].capacity ||
	    pool->backed > table->geometry[kind].capacity || pool->high > pool->backed)
		return check_fail(err, "%s items: %u in use, %u have memory, %u are possible",
				  item_names[kind], pool->high, pool->backed,
				  table->geometry[kind].capacity);
	seen = calloc(pool->high + 1u, 1);
	if (!seen)
		return err_sys(err, ENOMEM, "check");
	r = check_chains(table, kind, seen, err);
	if (r == 0)
		r = check_free(table, kind, seen, err);
	for (uint32_t i = 0; r == 0 && i < pool->high; i++) {
		if (!seen[i])
			r = check_fail(err, "%s %u is lost", item_names[kind], i);
		used += item_at(table, kind, i)->valid != 0;
	}
	if (r == 0 && used != pool->used)
		r = check_fail(err, "%u %s items are valid, %u are counted", used, item_names[kind],
			       pool->used);
	return r;
}

/* The opens of one owner. */
struct check_sum {
	uint64_t count;
	uint32_t n;
};

/* Follows a list of opens, which must all name this owner: an entry or a proc. */
static int check_list(struct table *table, uint32_t first, size_t where, bool of_entry,
		      uint32_t owner, struct check_sum *ret, struct vc_err *err)
{
	uint32_t at = first, prev = TABLE_NONE, left = table->map->pools[ITEM_OPEN].used;
	const char *whose = of_entry ? "entry" : "process";

	*ret = (struct check_sum){ 0 };
	while (at != TABLE_NONE) {
		const struct table_open *open = opener_open(table, at);
		const struct item_link *link;

		if (!open || !open->item.valid || left-- == 0)
			return check_fail(err, "the opens of %s %u do not end", whose, owner);
		link = (const struct item_link *)((const char *)open + where);
		if ((of_entry ? open->entry : open->proc) != owner || link->prev != prev)
			return check_fail(err, "open %u is not one of %s %u", at, whose, owner);
		ret->count += open->count;
		ret->n++;
		prev = at;
		at = link->next;
	}
	return 0;
}

static int check_columns(struct table *table, uint32_t index, struct vc_err *err)
{
	const struct table_entry *entry = entry_at(table, index);
	uint64_t sum = 0;

	for (uint32_t c = 0; c < table->n_columns; c++) {
		const struct table_column *column = entry_column(table, index, c);

		if ((column->valid != 0) != (column->openers > 0) ||
		    (column->valid && column->handle == 0))
			return check_fail(
				err, "entry %u column %u: %u openers, handle %u, which is %s valid",
				index, c, column->openers, column->handle,
				column->valid ? "" : "not");
		sum += column->openers;
	}
	if (sum != entry->n_open)
		return check_fail(err, "entry %u: %u opens, its columns add up to %llu", index,
				  entry->n_open, (unsigned long long)sum);
	return 0;
}

/* Compares the columns' counts with the opens of their processes. */
static int check_entry_opens(struct table *table, uint32_t index, struct vc_err *err)
{
	uint32_t counts[TABLE_COLUMNS_MAX] = { 0 };
	const struct table_entry *entry = entry_at(table, index);
	uint32_t at = entry->first_open;
	struct check_sum sum;
	int r = check_list(table, at, offsetof(struct table_open, entry_link), true, index, &sum,
			   err);

	if (r < 0)
		return r;
	if (sum.count != entry->n_open)
		return check_fail(err, "entry %u: %u opens, its list adds up to %llu", index,
				  entry->n_open, (unsigned long long)sum.count);
	for (; at != TABLE_NONE; at = opener_open(table, at)->entry_link.next) {
		const struct table_open *open = opener_open(table, at);
		const struct table_proc *proc = opener_proc(table, open->proc);

		if (!proc || !proc->item.valid || proc->column >= table->n_columns)
			return check_fail(err, "open %u: no process %u", at, open->proc);
		counts[proc->column] += open->count;
	}
	for (uint32_t c = 0; c < table->n_columns; c++)
		if (counts[c] != entry_column(table, index, c)->openers)
			return check_fail(err, "entry %u column %u: %u openers, there are %u",
					  index, c, entry_column(table, index, c)->openers,
					  counts[c]);
	return 0;
}

static int check_entries(struct table *table, struct vc_err *err)
{
	uint32_t high = item_high(table, ITEM_ENTRY), idle = 0;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < high; i++) {
		const struct table_entry *entry = entry_at(table, i);

		if (!entry->item.valid)
			continue;
		if (!ipc_kind_name(entry->kind) || entry->item.valid > ENTRY_VALID)
			r = check_fail(err, "entry %u: kind %u, valid %u", i, entry->kind,
				       entry->item.valid);
		else if (entry->item.hash != entry_hash(table, i))
			r = check_fail(err, "entry %u has the wrong hash", i);
		else if ((entry->idle != 0) != entry_is_idle(entry))
			r = check_fail(err, "entry %u is %s in the idle list", i,
				       entry->idle ? "" : "not");
		if (r == 0)
			r = check_columns(table, i, err);
		if (r == 0)
			r = check_entry_opens(table, i, err);
		idle += entry->idle != 0;
	}
	for (uint32_t at = table->map->first_idle; r == 0 && at != TABLE_NONE; idle--) {
		const struct table_entry *entry = entry_at(table, at);

		if (!entry || !entry->idle || idle == 0)
			return check_fail(err, "the idle list is broken at entry %u", at);
		at = entry->idle_link.next;
	}
	return r == 0 && idle ? check_fail(err, "the idle list lacks %u entries", idle) : r;
}

static int check_procs(struct table *table, struct vc_err *err)
{
	uint32_t high = item_high(table, ITEM_PROC);
	struct check_sum sum;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < high; i++) {
		const struct table_proc *proc = opener_proc(table, i);

		if (!proc->item.valid)
			continue;
		r = check_list(table, proc->first_open, offsetof(struct table_open, proc_link),
			       false, i, &sum, err);
		if (r == 0 && (sum.n != proc->n_objects || sum.n == 0))
			r = check_fail(err, "process %u has %u objects open, its list %u",
				       proc->pid, proc->n_objects, sum.n);
	}
	return r;
}

/* Compares each user's shares with the entries. */
static int check_shares(struct table *table, struct vc_err *err)
{
	uint32_t high = item_high(table, ITEM_USER), entries = item_high(table, ITEM_ENTRY);
	_cleanup_free_ struct table_share(*sums)[TABLE_SHARES] = calloc(high + 1, sizeof(*sums));

	if (!sums)
		return check_fail(err, "no memory to check with");
	for (uint32_t i = 0; i < entries; i++) {
		const struct table_entry *entry = entry_at(table, i);
		struct table_user *user = user_find(table, entry->cuid);
		const struct table_share *share;
		struct table_share *sum;

		if (!entry->item.valid || !user)
			continue;
		share = user_entry_share(user, entry);
		if (!share)
			continue;
		sum = &sums[((char *)user - (char *)item_at(table, ITEM_USER, 0)) / sizeof(*user)]
			   [share - user->shares];
		sum->objects++;
		sum->units += entry->units;
	}
	for (uint32_t i = 0; i < high; i++) {
		const struct table_user *user = (struct table_user *)item_at(table, ITEM_USER, i);

		if (user->item.valid && memcmp(user->shares, sums[i], sizeof(sums[i])))
			return check_fail(err, "user %u has other shares than it is counted with",
					  user->uid);
	}
	return 0;
}

/* The sums over all users are those of all entries and opens. */
static int check_users(struct table *table, struct vc_err *err)
{
	uint32_t high = item_high(table, ITEM_USER);
	uint64_t objects = 0, opens = 0;

	for (uint32_t i = 0; i < high; i++) {
		const struct table_user *user = (struct table_user *)item_at(table, ITEM_USER, i);

		if (!user->item.valid)
			continue;
		if (user->n_objects == 0 && user->n_opens == 0)
			return check_fail(err, "user %u has nothing, and is counted", user->uid);
		objects += user->n_objects;
		opens += user->n_opens;
	}
	if (objects != table->map->pools[ITEM_ENTRY].used ||
	    opens != table->map->pools[ITEM_OPEN].used)
		return check_fail(
			err, "users have %llu objects and %llu opens; there are %u and %u",
			(unsigned long long)objects, (unsigned long long)opens,
			table->map->pools[ITEM_ENTRY].used, table->map->pools[ITEM_OPEN].used);
	return 0;
}

int check_table(struct table *table, struct vc_err *err)
{
	int r = 0;

	if (table->map->damaged)
		return check_fail(err, "somebody met a contradiction");
	for (int i = 0; r == 0 && i < ITEM_KINDS; i++)
		r = check_pool(table, (enum item_kind)i, err);
	if (r == 0)
		r = check_entries(table, err);
	if (r == 0)
		r = check_procs(table, err);
	if (r == 0)
		r = check_users(table, err);
	if (r == 0)
		r = check_shares(table, err);
	if (r == 0 && table->map->damaged)
		r = check_fail(err, "a walk met a contradiction");
	return r;
}
