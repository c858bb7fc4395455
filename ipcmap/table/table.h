/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * table.h - the shared table: which objects there are, and who has them open where
 *
 * A file on a tmpfs that every daemon of the instance maps, root's alone. An entry is an
 * object: kind, name, owner, and for each partition a column with a handle, its valid flag
 * and the number of openers there (JP11085547). An opener is a process that has an object
 * open; it stands in the table, so that a daemon that starts anew watches the same ones.
 *
 *	open     a valid entry of that name is found; if the handle in this partition's column
 *	         is valid it serves, else one is made and marked valid. No entry: a free one
 *	         is taken, or the table is full
 *	close    the opener is counted out; a partition's last one makes its handle invalid.
 *	         An entry without a valid handle, that is not persistent, is idle: it is
 *	         to be removed as soon as nobody has its memory mapped
 *	move     the openers of a job change columns, and the handles with them
 *
 * The table does not know the objects' files; daemon/ipc/ipc.c does. All calls that take a
 * table, but those of the first group, are made between table_lock() and table_unlock().
 * A process that is killed in between leaves a table that the next table_lock() repairs.
 *
 * Finding by name or id, counting in and out are O(1). -EUCLEAN from any call: the table is
 * damaged; the next table_lock() repairs what it can.
 */
#ifndef VC_IPCMAP_TABLE_H
#define VC_IPCMAP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

#define TABLE_COLUMNS_MAX 256
#define TABLE_ENTRIES_MIN 16
#define TABLE_ENTRIES_MAX (1u << 24)
#define TABLE_NAME_MAX 255
#define TABLE_UNLIMITED UINT32_MAX

struct table;

/* Makes the file, replacing what is there. It is sparse: what was never used takes no
 * memory. -EINVAL: columns or entries out of range. */
int table_create(int dirfd, const char *path, uint32_t n_columns, uint32_t n_entries,
		 struct vc_err *err);
/* Maps it. -EPROTO: it is no table, torn, or of another version; never a crash. */
int table_open(int dirfd, const char *path, struct table **ret, struct vc_err *err);
void table_close(struct table *table);
/* -ETIMEDOUT: held by another daemon for seconds. Repairs what a holder that died left. */
int table_lock(struct table *table, struct vc_err *err);
void table_unlock(struct table *table);
/* Notes that the table contradicts itself: the next table_lock() repairs it. -EUCLEAN. */
int table_damaged(struct table *table);

/* Repairs until now, over all daemons. */
uint64_t table_repairs(const struct table *table);
uint32_t table_columns(const struct table *table);
void table_usage(const struct table *table, uint32_t *ret_used, uint32_t *ret_capacity);
/* Changes whenever an opener comes to the column or goes; for its daemon, since others may have
 * done that. */
uint64_t table_changes(const struct table *table, uint32_t column);

/* An object, copied out of the table. */
struct table_object {
	uint64_t id; /* never reused; its lower 31 bits are unique among the present ones */
	uint32_t kind;
	uint32_t uid, gid, cuid, cgid, mode;
	uint32_t n_open; /* counts of all openers */
	uint64_t created_usec;
	uint64_t units; /* what it counts for in its maker's share */
	uint64_t token; /* of the request that made it */
	bool persistent;
	bool unlinked;        /* its name is gone */
	bool made;            /* false: whoever was making it died */
	uint64_t looked_usec; /* idle: when table_idle_next() gave it out last */
	size_t name_len;      /* 0: nameless */
	char name[TABLE_NAME_MAX + 1];
};

/* kind's names: see ipc_kind_names(). -ENOENT; -EPROTOTYPE: *ret_id is one of another kind. */
int table_find(struct table *table, uint32_t kind, const void *name, size_t len, uint64_t *ret_id);
/* By id, or by the short form of one (1 to INT32_MAX). -ENOENT. */
int table_find_id(struct table *table, uint64_t id, uint64_t *ret_id);
int table_get(struct table *table, uint64_t id, struct table_object *ret);
/* The next object in the table's order. Begin with *cursor = 0. -ENOENT: that was all. */
int table_next(struct table *table, uint64_t *cursor, uint64_t *ret_id);

/* One partition's column of an entry. */
struct table_column {
	uint32_t valid;
	uint32_t handle;
	uint32_t openers; /* their counts */
};
int table_get_column(struct table *table, uint64_t id, uint32_t column, struct table_column *ret);
/* The object that a partition has by a handle. -ENOENT: none by that, now. */
int table_find_handle(struct table *table, uint32_t column, uint32_t handle, uint64_t *ret_id);

/*
 * Takes a free entry and fills it from what is given (id, n_open, flags that say "gone" are
 * ignored). It cannot be found until table_made(): in between its file is made. per_user:
 * how many objects cuid may have made; whoever they are given to. -EEXIST; -EPROTOTYPE; -ENOSPC:
 * the table is full; -EDQUOT.
 */
int table_make(struct table *table, const struct table_object *wanted, uint32_t per_user,
	       uint64_t *ret_id, struct vc_err *err);
int table_made(struct table *table, uint64_t id);
/* The object is gone: frees the entry, with the openers that it may have. */
int table_remove(struct table *table, uint64_t id);
/* Its name is gone; the entry becomes idle with its last opener. */
int table_unlink(struct table *table, uint64_t id);
int table_set_owner(struct table *table, uint64_t id, uint32_t uid, uint32_t gid, uint32_t mode);

/*
 * A request has been carried out, which nothing in the table shows any more. If its answer is lost
 * because the daemon dies, it is put again with the same token (not 0); the last 1024 are
 * remembered.
 */
void table_note_done(struct table *table, uint64_t token);
bool table_was_done(const struct table *table, uint64_t token);

/* How many objects of a kind a user has made that are there still, and their units in sum. Nothing
 * of kinds that the kernel does not limit. */
struct table_share {
	uint64_t objects, units;
};
struct table_share table_share(struct table *table, uint32_t uid, uint32_t kind);

/* The next idle object (see above) that was not given out since before_usec; notes now_usec as
 * the time. Those whose maker died are idle too. Begin with *cursor = 0; of all objects only
 * the one given out may be changed in between. -ENOENT: that was all. */
int table_idle_next(struct table *table, uint64_t *cursor, uint64_t before_usec, uint64_t now_usec,
		    uint64_t *ret_id);

/* A process that has objects open. Identified by pid; start tells it from another with the
 * same pid, and is a new one after each move of its job. */
struct table_opener {
	pid_t pid;
	uint64_t start; /* proc_identity() */
	uint32_t column;
	uint32_t job;  /* 0: in none */
	uint32_t uid;  /* whose limits count */
	uint32_t slot; /* its place in the table, while it is there; for arrays of the caller */
	uint32_t n_objects;
};

int table_find_opener(struct table *table, pid_t pid, struct table_opener *ret);
/* Begin with *cursor = 0; -ENOENT: that was all. */
int table_next_opener(struct table *table, uint32_t *cursor, struct table_opener *ret);
/* The objects that a process has open. Begin with *cursor = 0, change nothing in between. */
int table_next_opened(struct table *table, pid_t pid, uint64_t *cursor, uint64_t *ret_id,
		      uint32_t *ret_count);

/*
 * Counts a process in, count times. who: slot and n_objects are ignored; a process that has
 * something open already must have the same column, job and start (table_move_opener()).
 * token: when the process was counted in or out last with the same one (and not 0), nothing
 * is done. per_user: how many objects its user's processes may have open in all.
 * -ENOENT; -ENOSPC; -EDQUOT.
 */
int table_count_in(struct table *table, uint64_t id, const struct table_opener *who, uint32_t count,
		   uint64_t token, uint32_t per_user, struct vc_err *err);
/* -EBADF: it has not opened that. */
int table_count_out(struct table *table, uint64_t id, pid_t pid, uint64_t token);
/* The same of all its counts at once. */
int table_leave(struct table *table, uint64_t id, pid_t pid);
/* Counts a process out of everything. Not there: 0. */
int table_drop_opener(struct table *table, pid_t pid);
/* The process is in another partition, or restored by a move. */
int table_move_opener(struct table *table, pid_t pid, uint32_t column, uint32_t job,
		      uint64_t start);

/*
 * Walks all of the table and compares each thing with each other that says the same. 0, or
 * -EUCLEAN and the first contradiction. Slow: for tests and after repairs.
 */
int table_check(struct table *table, struct vc_err *err);

#endif
