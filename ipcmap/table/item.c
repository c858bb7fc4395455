// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * item.c - items of the shared table: free list, hash, lists
 *
 * The hash begins small and doubles when there are more items than buckets, so that a table for a
 * million names needs little memory in a small instance. An item stores its hash, so doubling does
 * not read names. Memory is allocated from the file system before its use: a write to a mapped page
 * without memory would raise SIGBUS.
 */
#include "ipcmap/table/layout.h"

#include <errno.h>
#include <string.h>

#define ITEM_BACK 256 /* items that get memory at once */

static struct item_pool *item_pool(const struct table *table, enum item_kind kind)
{
	return &table->map->pools[kind];
}

struct item *item_at(struct table *table, enum item_kind kind, uint32_t index)
{
	const struct item_geometry *geometry = &table->geometry[kind];

	if (index >= geometry->capacity)
		return NULL;
	return (struct item *)((char *)table->map + geometry->items_at +
			       (size_t)index * geometry->item_size);
}

uint32_t item_high(const struct table *table, enum item_kind kind)
{
	uint32_t high = item_pool(table, kind)->high, capacity = table->geometry[kind].capacity;

	return high < capacity ? high : capacity;
}

static uint32_t *item_buckets(struct table *table, enum item_kind kind)
{
	return (uint32_t *)((char *)table->map + table->geometry[kind].buckets_at);
}

static uint32_t item_n_buckets(struct table *table, enum item_kind kind)
{
	uint32_t n = item_pool(table, kind)->n_buckets;

	if (n == 0 || n & (n - 1) || n > table->geometry[kind].max_buckets) {
		table_damaged(table);
		return 1;
	}
	return n;
}

uint32_t *item_bucket(struct table *table, enum item_kind kind, uint32_t hash)
{
	return item_buckets(table, kind) + (hash & (item_n_buckets(table, kind) - 1));
}

struct item_walk item_walk(struct table *table, enum item_kind kind, uint32_t hash)
{
	return (struct item_walk){ .table = table,
				   .kind = kind,
				   .hash = hash,
				   .at = *item_bucket(table, kind, hash),
				   .left = table->geometry[kind].capacity };
}

struct item *item_step(struct item_walk *walk, uint32_t *ret_index)
{
	while (walk->at != TABLE_NONE) {
		struct item *item = item_at(walk->table, walk->kind, walk->at);

		if (!item || !item->valid || walk->left-- == 0) {
			table_damaged(walk->table);
			break;
		}
		*ret_index = walk->at;
		walk->at = item->next;
		if (item->hash == walk->hash)
			return item;
	}
	return NULL;
}

static void item_link(struct table *table, enum item_kind kind, uint32_t index)
{
	struct item *item = item_at(table, kind, index);
	uint32_t *bucket = item_bucket(table, kind, item->hash);

	item->next = *bucket;
	*bucket = index;
}

static void item_unlink(struct table *table, enum item_kind kind, uint32_t index)
{
	const struct item *item = item_at(table, kind, index);
	uint32_t *at = item_bucket(table, kind, item->hash), left = table->geometry[kind].capacity;

	while (*at != index) {
		struct item *other = item_at(table, kind, *at);

		if (!other || left-- == 0) {
			table_damaged(table);
			return;
		}
		at = &other->next;
	}
	*at = item->next;
}

void item_rebuild(struct table *table, enum item_kind kind)
{
	struct item_pool *pool = item_pool(table, kind);
	uint32_t high = item_high(table, kind);

	pool->n_buckets = item_n_buckets(table, kind);
	memset(item_buckets(table, kind), 0xff, pool->n_buckets * sizeof(uint32_t));
	pool->free = TABLE_NONE;
	pool->used = 0;
	for (uint32_t i = high; i-- > 0;) {
		struct item *item = item_at(table, kind, i);

		if (item->valid) {
			item_link(table, kind, i);
			pool->used++;
		} else {
			item->next = pool->free;
			pool->free = i;
		}
	}
	pool->high = high;
	if (pool->backed > table->geometry[kind].capacity)
		pool->backed = high;
}

/* If there is no memory for more buckets, the chains become longer. */
static void item_grow_hash(struct table *table, enum item_kind kind)
{
	const struct item_geometry *geometry = &table->geometry[kind];
	struct item_pool *pool = item_pool(table, kind);
	uint32_t n = item_n_buckets(table, kind);

	if (pool->used <= n || n >= geometry->max_buckets ||
	    table_back(table, geometry->buckets_at, 2 * (size_t)n * sizeof(uint32_t)) < 0)
		return;
	pool->n_buckets = 2 * n;
	item_rebuild(table, kind);
}

/* Allocates memory for items that were never used. */
static int item_back(struct table *table, enum item_kind kind)
{
	const struct item_geometry *geometry = &table->geometry[kind];
	struct item_pool *pool = item_pool(table, kind);
	uint32_t first = pool->high, n = ITEM_BACK;
	size_t column_bytes = table->n_columns * sizeof(struct table_column);
	int r;

	if (n > geometry->capacity - first)
		n = geometry->capacity - first;
	r = table_back(table, geometry->items_at + (size_t)first * geometry->item_size,
		       (size_t)n * geometry->item_size);
	if (r == 0 && kind == ITEM_ENTRY)
		r = table_back(table, table->columns_at + first * column_bytes, n * column_bytes);
	if (r == 0)
		pool->backed = first + n;
	return r;
}

int item_take(struct table *table, enum item_kind kind, uint32_t *ret)
{
	struct item_pool *pool = item_pool(table, kind);
	const struct item *item;

	if (pool->free == TABLE_NONE) {
		if (pool->high >= table->geometry[kind].capacity)
			return -ENOSPC;
		if (pool->high >= pool->backed && item_back(table, kind) < 0)
			return -ENOSPC;
		*ret = pool->high;
		item_at(table, kind, *ret)->valid = 0;
		pool->high++;
	} else {
		item = item_at(table, kind, pool->free);
		if (!item || item->valid)
			return table_damaged(table);
		*ret = pool->free;
		pool->free = item->next;
	}
	return 0;
}

void item_validate(struct table *table, enum item_kind kind, uint32_t index, uint32_t hash,
		   uint32_t valid)
{
	struct item *item = item_at(table, kind, index);

	item->hash = hash;
	__atomic_store_n(&item->valid, valid, __ATOMIC_RELEASE);
	item_link(table, kind, index);
	item_pool(table, kind)->used++;
	item_grow_hash(table, kind);
}

void item_put(struct table *table, enum item_kind kind, uint32_t index)
{
	struct item_pool *pool = item_pool(table, kind);
	struct item *item = item_at(table, kind, index);

	__atomic_store_n(&item->valid, 0, __ATOMIC_SEQ_CST);
	item_unlink(table, kind, index);
	item->next = pool->free;
	pool->free = index;
	pool->used--;
}

void item_rehash(struct table *table, enum item_kind kind, uint32_t index, uint32_t hash)
{
	item_unlink(table, kind, index);
	item_at(table, kind, index)->hash = hash;
	item_link(table, kind, index);
}

static struct item_link *item_list_link(struct table *table, enum item_kind kind, size_t where,
					uint32_t index)
{
	struct item *item = item_at(table, kind, index);

	return item ? (struct item_link *)((char *)item + where) : NULL;
}

void item_list_push(struct table *table, uint32_t *head, enum item_kind kind, size_t where,
		    uint32_t index)
{
	struct item_link *link = item_list_link(table, kind, where, index);
	struct item_link *first = item_list_link(table, kind, where, *head);

	if (!first && *head != TABLE_NONE) {
		table_damaged(table);
		*head = TABLE_NONE;
	}
	link->prev = TABLE_NONE;
	link->next = *head;
	if (first)
		first->prev = index;
	*head = index;
}

void item_list_remove(struct table *table, uint32_t *head, enum item_kind kind, size_t where,
		      uint32_t index)
{
	const struct item_link *link = item_list_link(table, kind, where, index);
	struct item_link *next = item_list_link(table, kind, where, link->next);
	struct item_link *prev = item_list_link(table, kind, where, link->prev);

	if ((!next && link->next != TABLE_NONE) || (!prev && link->prev != TABLE_NONE) ||
	    (!prev && *head != index)) {
		table_damaged(table);
		return;
	}
	if (prev)
		prev->next = link->next;
	else
		*head = link->next;
	if (next)
		next->prev = link->prev;
}
