/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * layout.h - how the shared table lies in its file; for the table*.c files
 *
 *	table.c         the file: made, mapped, locked
 *	pool.c          pools of items: free list, hash, lists; knows nothing of their meaning
 *	entry.c         objects
 *	opener.c        processes, and what each has open
 *	share.c         how much of each kind a user has
 *	repair.c        what a holder of the lock left that died
 *	check.c         whether everything agrees
 *
 *	header | entries | opens | procs | users | a hash for each | columns
 *
 * Four pools of items of fixed size, addressed by number. The truth is small: which items are
 * valid, and their own fields. Everything else follows from it, and is made anew by a repair:
 * hash chains, free lists, lists, sums, the columns' counts. An item becomes valid last, when
 * all that is true of it stands there, and invalid first. So it does not matter where in an
 * update a process is killed.
 *
 *	entry   an object
 *	proc    a process that has objects open
 *	open    one proc has one entry open, count times
 *	user    how many objects and opens belong to a uid; follows from the others
 *
 * Geometry is computed anew by whoever maps the table, from two numbers that are
 * checked; numbers of items are checked at each use, and the length of each walk, so that
 * a damaged table costs a request and not the daemon.
 */
#ifndef VC_IPCMAP_TABLE_LAYOUT_H
#define VC_IPCMAP_TABLE_LAYOUT_H

#include <pthread.h>
#include <stddef.h>

#include "ipcmap/table/table.h"

#define TABLE_MAGIC 0x656c6261742d6376u /* "vc-table" */
#define TABLE_VERSION 2
#define TABLE_NONE UINT32_MAX
#define TABLE_DONE 1024 /* requests that are remembered */
#define TABLE_SHARES 4  /* kinds of which the number is limited */

enum table_pool_id { POOL_ENTRY, POOL_OPEN, POOL_PROC, POOL_USER, POOL_N };

/* How every item begins. */
struct table_item {
	uint32_t valid; /* 0: free */
	uint32_t hash;
	uint32_t next; /* in the hash chain; of a free one in the free list */
};

/* In a list whose head is in another item. */
struct table_link {
	uint32_t next, prev;
};

enum entry_valid { ENTRY_FREE, ENTRY_MAKING, ENTRY_VALID };

struct table_entry {
	struct table_item item; /* valid: enum entry_valid; hash: of kind_names and name, or
				 * when there is none, of the id */
	uint32_t kind;
	uint64_t generation; /* stays when the entry is free */
	uint64_t created_usec;
	uint64_t units; /* see table_share() */
	uint64_t token;
	uint64_t looked_usec;
	uint32_t uid, gid, cuid, cgid, mode;
	uint32_t first_open; /* head of its opens */
	uint32_t n_open;
	uint32_t idle; /* it is in the idle list */
	struct table_link idle_link;
	uint8_t persistent, unlinked;
	uint8_t name_len;
	char name[TABLE_NAME_MAX + 1];
};

struct table_proc {
	struct table_item item; /* hash: of pid */
	uint32_t pid;
	uint64_t start;
	uint32_t column, job, uid;
	uint32_t first_open;
	uint32_t n_objects;
};

struct table_open {
	struct table_item item; /* hash: of entry and proc */
	uint32_t entry, proc;
	uint32_t count;
	uint64_t token;
	struct table_link entry_link, proc_link;
};

struct table_user {
	struct table_item item; /* hash: of uid */
	uint32_t uid;
	uint32_t n_objects, n_opens;
	struct table_share shares[TABLE_SHARES];
};

/* A pool as it is now. */
struct table_pool {
	uint32_t n_buckets; /* in use: a power of two, doubled as the pool fills */
	uint32_t high;      /* items below have been used */
	uint32_t backed;    /* items below have memory */
	uint32_t free;      /* head of the free list */
	uint32_t used;
};

struct table_header {
	uint64_t magic;
	uint32_t version;
	uint32_t n_columns, n_entries;
	uint32_t damaged; /* somebody met a contradiction; repaired with the next lock */
	uint64_t size;
	uint64_t key[2];
	uint64_t repairs;
	uint32_t last_handle;
	uint32_t holder;     /* pid of who has the lock, for messages */
	uint32_t first_idle; /* head of the idle list */
	uint32_t n_done;
	uint64_t done[TABLE_DONE]; /* see table_note_done() */
	struct table_pool pools[POOL_N];
	uint64_t changes[TABLE_COLUMNS_MAX];
	pthread_mutex_t lock;
};

/* Where a pool lies, and its limits. */
struct pool_geometry {
	size_t items_at, buckets_at;
	uint32_t item_size;
	uint32_t capacity;
	uint32_t max_buckets;
};

struct table {
	struct table_header *map;
	size_t size;
	int fd;
	uint32_t n_columns, n_entries;
	uint32_t index_bits; /* of an id are the entry's number */
	struct pool_geometry geometry[POOL_N];
	size_t columns_at;
};

/* table.c */
/* Where everything lies, for n columns and entries; sets all of table but map and fd. */
void table_lay_out(struct table *table, uint32_t n_columns, uint32_t n_entries);
/* Gives a piece of the file memory, so that writing there cannot fail. 0 or -errno. */
int table_back(struct table *table, size_t at, size_t size);

/* pool.c */
/* The item of that number, valid or not; NULL: there is no such number. */
struct table_item *table_item(struct table *table, enum table_pool_id id, uint32_t index);
/* Within the capacity, whatever stands in the table. */
uint32_t table_high(const struct table *table, enum table_pool_id id);
/* A free item, not valid yet. 0, -ENOSPC or -EUCLEAN. */
int table_take(struct table *table, enum table_pool_id id, uint32_t *ret);
/* The item is filled: makes it valid, and to be found by its hash. */
void table_validate(struct table *table, enum table_pool_id id, uint32_t index, uint32_t hash,
		    uint32_t valid);
/* Makes it invalid and free. It must be in no list. */
void table_put(struct table *table, enum table_pool_id id, uint32_t index);
/* Its hash has changed. */
void table_rehash(struct table *table, enum table_pool_id id, uint32_t index, uint32_t hash);
/* Makes free list, hash chains and count anew, from which items are valid. */
void table_rebuild(struct table *table, enum table_pool_id id);
uint32_t *table_bucket(struct table *table, enum table_pool_id id, uint32_t hash);

/* Goes through the items that have a hash. */
struct table_walk {
	struct table *table;
	enum table_pool_id id;
	uint32_t hash, at, left;
};
struct table_walk table_walk(struct table *table, enum table_pool_id id, uint32_t hash);
struct table_item *table_step(struct table_walk *walk, uint32_t *ret_index);

/* A list through the items of one pool; where: the offset of its struct table_link. */
void table_list_push(struct table *table, uint32_t *head, enum table_pool_id id, size_t where,
		     uint32_t index);
void table_list_remove(struct table *table, uint32_t *head, enum table_pool_id id, size_t where,
		       uint32_t index);

/* entry.c */
struct table_entry *table_entry(struct table *table, uint32_t index);
uint64_t table_entry_id(const struct table *table, uint32_t index);
/* The entry of a full id; NULL: it is no object's now. */
struct table_entry *table_entry_of(struct table *table, uint64_t id, uint32_t *ret_index);
uint32_t table_entry_hash(struct table *table, uint32_t index);
struct table_column *table_column_at(struct table *table, uint32_t index, uint32_t column);
/* Whether nothing holds it any more. */
bool table_entry_is_idle(const struct table_entry *entry);
/* Puts it into the idle list, or takes it out, as it should be. */
void table_entry_settle(struct table *table, uint32_t index);
/* Adds to a column's count; its handle becomes valid, or invalid, with that. */
void table_column_add(struct table *table, uint32_t index, uint32_t column, int32_t n);
/* n of the counts go to another column. */
void table_column_move(struct table *table, uint32_t index, uint32_t from, uint32_t to, uint32_t n);

/* opener.c */
struct table_proc *table_proc(struct table *table, uint32_t index);
struct table_open *table_open_at(struct table *table, uint32_t index);
uint32_t table_proc_hash(const struct table *table, uint32_t pid);
uint32_t table_open_hash(const struct table *table, uint32_t entry, uint32_t proc);
uint32_t table_user_hash(const struct table *table, uint32_t uid);
/* The user's item, made if there is none; NULL: the pool is full. */
struct table_user *table_user(struct table *table, uint32_t uid);
/* The same, if there is one already. */
struct table_user *table_user_find(struct table *table, uint32_t uid);
/* Its counts have changed: forgets who has nothing. */
void table_user_settle(struct table *table, uint32_t uid);
/* Ends one open, with all that counts it. The proc stays. */
void table_open_end(struct table *table, uint32_t index);
/* Forgets a proc that has nothing open. */
void table_proc_settle(struct table *table, uint32_t index);

/* share.c */
/* Where an entry counts among what its user has; NULL: nowhere. */
struct table_share *table_entry_share(struct table_user *user, const struct table_entry *entry);
void table_share_add(struct table_user *user, const struct table_entry *entry);
void table_share_take(struct table *table, struct table_user *user,
		      const struct table_entry *entry);

/* repair.c */
void table_repair(struct table *table);

#endif
