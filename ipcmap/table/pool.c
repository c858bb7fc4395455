// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pool.c - pools of items in the shared table: free list, hash, lists
 *
 * The hash begins small and doubles when there are more items than buckets, so that a table
 * for a million names costs a small instance nothing, and stays in the cache. Items keep
 * their hash, so doubling needs no look at names. New memory is asked of the file system
 * ahead of its use: where that is full, a write to a mapped page would be a SIGBUS.
 */
#include "ipcmap/table/layout.h"

#include <errno.h>
#include <string.h>

#define POOL_BACK_ITEMS 256 /* that get memory at once */

static struct table_pool *pool_of(const struct table *table, enum table_pool_id id)
{
	return &table->map->pools[id];
}

struct table_item *table_item(struct table *table, enum table_pool_id id, uint32_t index)
{
	const struct pool_geometry *geometry = &table->geometry[id];

	if (index >= geometry->capacity)
		return NULL;
	return (struct table_item *)((char *)table->map + geometry->items_at +
				     (size_t)index * geometry->item_size);
}

uint32_t table_high(const struct table *table, enum table_pool_id id)
{
	uint32_t high = pool_of(table, id)->high, capacity = table->geometry[id].capacity;

	return high < capacity ? high : capacity;
}

static uint32_t *pool_buckets(struct table *table, enum table_pool_id id)
{
	return (uint32_t *)((char *)table->map + table->geometry[id].buckets_at);
}

static uint32_t pool_n_buckets(struct table *table, enum table_pool_id id)
{
	uint32_t n = pool_of(table, id)->n_buckets;

	if (n == 0 || n & (n - 1) || n > table->geometry[id].max_buckets) {
		table_damaged(table);
		return 1;
	}
	return n;
}

uint32_t *table_bucket(struct table *table, enum table_pool_id id, uint32_t hash)
{
	return pool_buckets(table, id) + (hash & (pool_n_buckets(table, id) - 1));
}

struct table_walk table_walk(struct table *table, enum table_pool_id id, uint32_t hash)
{
	return (struct table_walk){ .table = table,
				    .id = id,
				    .hash = hash,
				    .at = *table_bucket(table, id, hash),
				    .left = table->geometry[id].capacity };
}

struct table_item *table_step(struct table_walk *walk, uint32_t *ret_index)
{
	while (walk->at != TABLE_NONE) {
		struct table_item *item = table_item(walk->table, walk->id, walk->at);

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

static void pool_link(struct table *table, enum table_pool_id id, uint32_t index)
{
	struct table_item *item = table_item(table, id, index);
	uint32_t *bucket = table_bucket(table, id, item->hash);

	item->next = *bucket;
	*bucket = index;
}

static void pool_unlink(struct table *table, enum table_pool_id id, uint32_t index)
{
	const struct table_item *item = table_item(table, id, index);
	uint32_t *at = table_bucket(table, id, item->hash), left = table->geometry[id].capacity;

	while (*at != index) {
		struct table_item *other = table_item(table, id, *at);

		if (!other || left-- == 0) {
			table_damaged(table);
			return;
		}
		at = &other->next;
	}
	*at = item->next;
}

void table_rebuild(struct table *table, enum table_pool_id id)
{
	struct table_pool *pool = pool_of(table, id);
	uint32_t high = table_high(table, id);

	pool->n_buckets = pool_n_buckets(table, id);
	memset(pool_buckets(table, id), 0xff, pool->n_buckets * sizeof(uint32_t));
	pool->free = TABLE_NONE;
	pool->used = 0;
	for (uint32_t i = high; i-- > 0;) {
		struct table_item *item = table_item(table, id, i);

		if (item->valid) {
			pool_link(table, id, i);
			pool->used++;
		} else {
			item->next = pool->free;
			pool->free = i;
		}
	}
	pool->high = high;
	if (pool->backed > table->geometry[id].capacity)
		pool->backed = high;
}

/* Without memory for more buckets the chains get longer, and nothing else. */
static void pool_grow_hash(struct table *table, enum table_pool_id id)
{
	const struct pool_geometry *geometry = &table->geometry[id];
	struct table_pool *pool = pool_of(table, id);
	uint32_t n = pool_n_buckets(table, id);

	if (pool->used <= n || n >= geometry->max_buckets ||
	    table_back(table, geometry->buckets_at, 2 * (size_t)n * sizeof(uint32_t)) < 0)
		return;
	pool->n_buckets = 2 * n;
	table_rebuild(table, id);
}

/* Memory for items that were never used. */
static int pool_back(struct table *table, enum table_pool_id id)
{
	const struct pool_geometry *geometry = &table->geometry[id];
	struct table_pool *pool = pool_of(table, id);
	uint32_t first = pool->high, n = POOL_BACK_ITEMS;
	size_t column_bytes = table->n_columns * sizeof(struct table_column);
	int r;

	if (n > geometry->capacity - first)
		n = geometry->capacity - first;
	r = table_back(table, geometry->items_at + (size_t)first * geometry->item_size,
		       (size_t)n * geometry->item_size);
	if (r == 0 && id == POOL_ENTRY)
		r = table_back(table, table->columns_at + first * column_bytes, n * column_bytes);
	if (r == 0)
		pool->backed = first + n;
	return r;
}

int table_take(struct table *table, enum table_pool_id id, uint32_t *ret)
{
	struct table_pool *pool = pool_of(table, id);
	const struct table_item *item;

	if (pool->free == TABLE_NONE) {
		if (pool->high >= table->geometry[id].capacity)
			return -ENOSPC;
		if (pool->high >= pool->backed && pool_back(table, id) < 0)
			return -ENOSPC;
		*ret = pool->high;
		table_item(table, id, *ret)->valid = 0;
		pool->high++;
	} else {
		item = table_item(table, id, pool->free);
		if (!item || item->valid)
			return table_damaged(table);
		*ret = pool->free;
		pool->free = item->next;
	}
	return 0;
}

void table_validate(struct table *table, enum table_pool_id id, uint32_t index, uint32_t hash,
		    uint32_t valid)
{
	struct table_item *item = table_item(table, id, index);

	item->hash = hash;
	__atomic_store_n(&item->valid, valid, __ATOMIC_RELEASE);
	pool_link(table, id, index);
	pool_of(table, id)->used++;
	pool_grow_hash(table, id);
}

void table_put(struct table *table, enum table_pool_id id, uint32_t index)
{
	struct table_pool *pool = pool_of(table, id);
	struct table_item *item = table_item(table, id, index);

	__atomic_store_n(&item->valid, 0, __ATOMIC_SEQ_CST);
	pool_unlink(table, id, index);
	item->next = pool->free;
	pool->free = index;
	pool->used--;
}

void table_rehash(struct table *table, enum table_pool_id id, uint32_t index, uint32_t hash)
{
	pool_unlink(table, id, index);
	table_item(table, id, index)->hash = hash;
	pool_link(table, id, index);
}

static struct table_link *list_link(struct table *table, enum table_pool_id id, size_t where,
				    uint32_t index)
{
	struct table_item *item = table_item(table, id, index);

	return item ? (struct table_link *)((char *)item + where) : NULL;
}

void table_list_push(struct table *table, uint32_t *head, enum table_pool_id id, size_t where,
		     uint32_t index)
{
	struct table_link *link = list_link(table, id, where, index);
	struct table_link *first = list_link(table, id, where, *head);

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

void table_list_remove(struct table *table, uint32_t *head, enum table_pool_id id, size_t where,
		       uint32_t index)
{
	const struct table_link *link = list_link(table, id, where, index);
	struct table_link *next = list_link(table, id, where, link->next);
	struct table_link *prev = list_link(table, id, where, link->prev);

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
