/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * layout.h - the layout of the shared table in its file; for the files of this folder only
 *
 *	table.c         creates, maps and locks the file
 *	item.c          items of fixed size: free list, hash, lists; independent of their contents
 *	entry.c         objects
 *	opener.c        processes, and the objects that each has open
 *	user.c          how much a user has
 *	repair.c        repairs the table after a holder of the lock has died
 *	check.c         looks for contradictions
 *
 *	header | entries | opens | procs | users | a hash for each | columns
 *
 * There are four kinds of items, addressed by number. Only the items' valid flags and their own
 * fields are the truth. Hash chains, free lists, lists, sums and the columns' counts follow from
 * them, and a repair computes them again. An item becomes valid after all its fields are set, and
 * invalid before anything else changes. Therefore a process may be killed at any point of an
 * update.
 *
 *	entry   an object
 *	proc    a process that has objects open
 *	open    one proc has one entry open, count times
 *	user    how many objects and opens belong to a uid; follows from the others
 *
 * Each process computes the geometry from two numbers of the header, which it checks. It checks
 * item numbers at each use and limits the length of each walk: a damaged table may fail a request,
 * but not the daemon.
 */
#ifndef VC_IPCMAP_TABLE_LAYOUT_H
#define VC_IPCMAP_TABLE_LAYOUT_H

#include <pthread.h>
#include <stddef.h>

#include "ipcmap/table/table.h"

#define TABLE_MAGIC 0x656c6261742d6376u /* "vc-table" */
#define TABLE_VERSION 3
#define TABLE_NONE UINT32_MAX
#define TABLE_DONE 1024 /* requests that the table remembers */
#define TABLE_SHARES 4  /* limited kinds of objects */

enum item_kind { ITEM_ENTRY, ITEM_OPEN, ITEM_PROC, ITEM_USER, ITEM_KINDS };

/* The first member of every item. */
struct item {
	uint32_t valid; /* 0: free */
	uint32_t hash;
	uint32_t next; /* in the hash chain, or in the free list */
};

/* The list's head is in another item. */
struct item_link {
	uint32_t next, prev;
};

enum entry_valid { ENTRY_FREE, ENTRY_MAKING, ENTRY_VALID };

struct table_entry {
	struct item item; /* valid: enum entry_valid; hash: of ipc_kind_names() and the name, or of
			   * the id if there is no name */
	uint32_t kind;
	uint64_t generation; /* kept when the entry is freed */
	uint64_t created_usec;
	uint64_t units; /* see user_share() */
	uint64_t token;
	uint64_t looked_usec;
	uint32_t uid, gid, cuid, cgid, mode;
	uint32_t first_open; /* head of its opens */
	uint32_t n_open;
	uint32_t idle; /* it is in the idle list */
	struct item_link idle_link;
	uint8_t persistent, unlinked;
	uint8_t name_len;
	char name[TABLE_NAME_MAX + 1];
};

struct table_proc {
	struct item item; /* hash: of pid */
	uint32_t pid;
	uint64_t start;
	uint32_t column, job, uid;
	uint32_t first_open;
	uint32_t n_objects;
};

struct table_open {
	struct item item; /* hash: of entry and proc */
	uint32_t entry, proc;
	uint32_t count;
	uint64_t token;
	struct item_link entry_link, proc_link;
};

/* A request that was begun; see table_note_done(). */
struct table_done {
	uint64_t token, id;
};

struct table_user {
	struct item item; /* hash: of uid */
	uint32_t uid;
	uint32_t n_objects, n_opens;
	struct table_share shares[TABLE_SHARES];
};

/* The present state of all items of a kind. */
struct item_pool {
	uint32_t n_buckets; /* in use: a power of two that grows with the number of items */
	uint32_t high;      /* items below have been used */
	uint32_t backed;    /* items below have memory */
	uint32_t free;      /* head of the free list */
	uint32_t used;
};

struct table_header {
	uint64_t magic;
	uint32_t version;
	uint32_t n_columns, n_entries;
	uint32_t damaged; /* a contradiction was found; the next table_lock() repairs */
	uint64_t size;
	uint64_t key[2];
	uint64_t repairs;
	uint32_t last_handle;
	uint32_t holder;     /* the pid of the lock's holder, for messages */
	uint32_t first_idle; /* head of the idle list */
	uint32_t n_done;
	struct table_done done[TABLE_DONE]; /* see table_note_done() */
	struct item_pool pools[ITEM_KINDS];
	uint64_t changes[TABLE_COLUMNS_MAX];
	pthread_mutex_t lock;
};

/* The place and the limits of all items of a kind. */
struct item_geometry {
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
	uint32_t index_bits; /* of an id: the entry's number */
	struct item_geometry geometry[ITEM_KINDS];
	size_t columns_at;
};

/* table.c */
/* Computes the geometry for these numbers; sets everything in table except map and fd. */
void table_lay_out(struct table *table, uint32_t n_columns, uint32_t n_entries);
/* Allocates a range of the file, so that writing there cannot fail. 0 or -errno. */
int table_back(struct table *table, size_t at, size_t size);

/* item.c */
/* The item, valid or not; NULL: the number is out of range. */
struct item *item_at(struct table *table, enum item_kind kind, uint32_t index);
/* Items below this number have been used. Never more than the capacity. */
uint32_t item_high(const struct table *table, enum item_kind kind);
/* Takes a free item, which is not valid yet. 0, -ENOSPC or -EUCLEAN. */
int item_take(struct table *table, enum item_kind kind, uint32_t *ret);
/* Makes an item valid and adds it to the hash. All its fields are set. */
void item_validate(struct table *table, enum item_kind kind, uint32_t index, uint32_t hash,
		   uint32_t valid);
/* Makes an item invalid and free. It must be in no list. */
void item_put(struct table *table, enum item_kind kind, uint32_t index);
/* Gives an item another hash. */
void item_rehash(struct table *table, enum item_kind kind, uint32_t index, uint32_t hash);
/* Builds free list, hash chains and count from the valid flags. */
void item_rebuild(struct table *table, enum item_kind kind);
uint32_t *item_bucket(struct table *table, enum item_kind kind, uint32_t hash);

/* Walks through the items with a hash. */
struct item_walk {
	struct table *table;
	enum item_kind kind;
	uint32_t hash, at, left;
};
struct item_walk item_walk(struct table *table, enum item_kind kind, uint32_t hash);
struct item *item_step(struct item_walk *walk, uint32_t *ret_index);

/* A list through items of one kind; where: the offset of its struct item_link. */
void item_list_push(struct table *table, uint32_t *head, enum item_kind kind, size_t where,
		    uint32_t index);
void item_list_remove(struct table *table, uint32_t *head, enum item_kind kind, size_t where,
		      uint32_t index);

/* entry.c */
struct table_entry *entry_at(struct table *table, uint32_t index);
uint64_t entry_id(const struct table *table, uint32_t index);
/* The entry of a full id; NULL: no object has it. */
struct table_entry *entry_of(struct table *table, uint64_t id, uint32_t *ret_index);
uint32_t entry_hash(struct table *table, uint32_t index);
struct table_column *entry_column(struct table *table, uint32_t index, uint32_t column);
bool entry_is_idle(const struct table_entry *entry);
/* Adds the entry to the idle list or removes it, according to its state. */
void entry_settle(struct table *table, uint32_t index);
/* Adds to a column's count and sets the valid flag of its handle accordingly. */
void entry_column_add(struct table *table, uint32_t index, uint32_t column, int32_t n);
/* Moves n of the counts to another column. */
void entry_column_move(struct table *table, uint32_t index, uint32_t from, uint32_t to, uint32_t n);

/* opener.c */
struct table_proc *opener_proc(struct table *table, uint32_t index);
struct table_open *opener_open(struct table *table, uint32_t index);
uint32_t opener_proc_hash(const struct table *table, uint32_t pid);
uint32_t opener_open_hash(const struct table *table, uint32_t entry, uint32_t proc);
/* Removes one open and all its counts. The proc remains. */
void opener_open_end(struct table *table, uint32_t index);
/* Removes a proc that has nothing open. */
void opener_proc_settle(struct table *table, uint32_t index);

/* user.c */
/* The user's item; creates it if necessary. NULL: there is no room. */
struct table_user *user_get(struct table *table, uint32_t uid);
/* The user's item; NULL: there is none. */
struct table_user *user_find(struct table *table, uint32_t uid);
/* Removes a user that has nothing. Called after its counts have changed. */
void user_settle(struct table *table, uint32_t uid);
/* The share of the user that an entry counts in; NULL: it counts in none. */
struct table_share *user_entry_share(struct table_user *user, const struct table_entry *entry);
void user_share_add(struct table_user *user, const struct table_entry *entry);
void user_share_take(struct table *table, struct table_user *user, const struct table_entry *entry);

/* repair.c */
void repair_table(struct table *table);

#endif
