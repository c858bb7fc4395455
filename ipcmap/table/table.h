/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * table.h - the shared table of IPC objects and the processes that have them open
 *
 * The table is a file on a tmpfs. Only root may open it, and every daemon of the instance maps it.
 * An entry is an object: kind, name, owner, and for each partition a column with a handle, the
 * handle's valid flag and the number of openers there (JP11085547). An opener is a process that has
 * an object open. Openers are in the table, so that a restarted daemon watches the same processes.
 *
 *	open     If there is an entry of that name and the handle in this partition's column is
 *	         valid, the handle is used; otherwise a new handle becomes valid. If there is no
 *	         entry, a free one is taken.
 *	close    The opener is counted out. A partition's last opener makes its handle invalid. An
 *	         entry that has no valid handle and is not persistent is idle. It is removed
 *	         when no process has its memory mapped.
 *	move     The openers of a job change columns, and the handles with them.
 *
 * The table knows nothing of the objects' files (daemon/ipc/ipc.c does). All functions that take a
 * table, except those of the first group, are called between table_lock() and table_unlock(). If a
 * process is killed in between, the next table_lock() repairs the table.
 *
 * To find an object and to count an opener in or out takes constant time. -EUCLEAN from any
 * function: the table is damaged; the next table_lock() repairs what it can. Each function's file
 * is its prefix: entry.c, opener.c, user.c, check.c.
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

/* Creates the file and replaces an old one. The file is sparse. -EINVAL: columns or entries out of
 * range. */
int table_create(int dirfd, const char *path, uint32_t n_columns, uint32_t n_entries,
		 struct vc_err *err);
/* Maps the file. -EPROTO: it is not a table, damaged, or of another version. */
int table_open(int dirfd, const char *path, struct table **ret, struct vc_err *err);
void table_close(struct table *table);
/* Locks the table and repairs it if necessary. -ETIMEDOUT: another daemon has held the lock for
 * seconds. */
int table_lock(struct table *table, struct vc_err *err);
void table_unlock(struct table *table);
/* Notes a contradiction: the next table_lock() repairs the table. Returns -EUCLEAN. */
int table_damaged(struct table *table);

/* The number of repairs by all daemons. */
uint64_t table_repairs(const struct table *table);
uint32_t table_columns(const struct table *table);
void table_usage(const struct table *table, uint32_t *ret_used, uint32_t *ret_capacity);
/* Changes when an opener joins or leaves the column. Any daemon may cause that. */
uint64_t table_changes(const struct table *table, uint32_t column);

/* An object, copied out of the table. */
struct table_object {
	uint64_t id; /* never reused; the lower 31 bits are unique among existing objects */
	uint32_t kind;
	uint32_t uid, gid, cuid, cgid, mode;
	uint32_t n_open; /* counts of all openers */
	uint64_t created_usec;
	uint64_t units; /* its size in its creator's share */
	uint64_t token; /* of the request that created it */
	bool persistent;
	bool unlinked;        /* its name was removed */
	bool made;            /* false: its creation was interrupted */
	uint64_t looked_usec; /* idle: when entry_next_idle() returned it last */
	size_t name_len;      /* 0: nameless */
	char name[TABLE_NAME_MAX + 1];
};

/* Finds a name in the kind's set of names (ipc_kind_names()). -ENOENT; -EPROTOTYPE: the object
 * *ret_id is of another kind. */
int entry_find(struct table *table, uint32_t kind, const void *name, size_t len, uint64_t *ret_id);
/* Finds an id or its short form (1 to INT32_MAX). -ENOENT. */
int entry_find_id(struct table *table, uint64_t id, uint64_t *ret_id);
int entry_get(struct table *table, uint64_t id, struct table_object *ret);
/* The next object in the table's order. Begin with *cursor = 0. -ENOENT: there are no more. */
int entry_next(struct table *table, uint64_t *cursor, uint64_t *ret_id);

/* One partition's column of an entry. */
struct table_column {
	uint32_t valid;
	uint32_t handle;
	uint32_t openers; /* the sum of their counts */
};
int entry_get_column(struct table *table, uint64_t id, uint32_t column, struct table_column *ret);
/* The object of a partition's handle. -ENOENT: the handle is not valid. */
int entry_find_handle(struct table *table, uint32_t column, uint32_t handle, uint64_t *ret_id);

/*
 * Takes a free entry and fills it (id, n_open, unlinked and made are ignored). It cannot be found
 * until entry_made(); the caller creates its file in between. per_user: the limit of objects that
 * cuid has created. -EEXIST; -EPROTOTYPE; -ENOSPC: the table is full; -EDQUOT.
 */
int entry_make(struct table *table, const struct table_object *wanted, uint32_t per_user,
	       uint64_t *ret_id, struct vc_err *err);
int entry_made(struct table *table, uint64_t id);
/* Frees the entry and counts out its openers. */
int entry_remove(struct table *table, uint64_t id);
/* Removes the name; the entry becomes idle with its last opener. */
int entry_unlink(struct table *table, uint64_t id);
int entry_set_owner(struct table *table, uint64_t id, uint32_t uid, uint32_t gid, uint32_t mode);

/*
 * Remembers a request that leaves no trace in the table, and its object, before it is carried out.
 * If the daemon dies before the client has the answer, the client repeats the request with the same
 * token (not 0). The next daemon then carries it out on the same object, as far as that is left to
 * do. The table remembers the last 1024.
 */
void table_note_done(struct table *table, uint64_t token, uint64_t id);
bool table_was_done(const struct table *table, uint64_t token, uint64_t *ret_id);

/* The number of existing objects of a kind that a user has created, and the sum of their units.
 * Zero for kinds that the kernel does not limit. */
struct table_share {
	uint64_t objects, units;
};
struct table_share user_share(struct table *table, uint32_t uid, uint32_t kind);

/* The next idle object that was not returned since before_usec; notes now_usec as the time. Objects
 * whose creation was interrupted are idle too. Begin with *cursor = 0. Between the calls, only the
 * returned object may change. -ENOENT: there are no more. */
int entry_next_idle(struct table *table, uint64_t *cursor, uint64_t before_usec, uint64_t now_usec,
		    uint64_t *ret_id);

/* A process that has objects open, identified by its pid. start distinguishes it from another
 * process with the same pid; it changes with each move of the job. */
struct table_opener {
	pid_t pid;
	uint64_t start; /* proc_identity() */
	uint32_t column;
	uint32_t job;  /* 0: in none */
	uint32_t uid;  /* the user whose limits apply */
	uint32_t slot; /* its place in the table; an index for arrays of the caller */
	uint32_t n_objects;
};

int opener_find(struct table *table, pid_t pid, struct table_opener *ret);
/* Begin with *cursor = 0. -ENOENT: there are no more. */
int opener_next(struct table *table, uint32_t *cursor, struct table_opener *ret);
/* The next object that a process has open. Begin with *cursor = 0; change nothing in between. */
int opener_next_object(struct table *table, pid_t pid, uint64_t *cursor, uint64_t *ret_id,
		       uint32_t *ret_count);

/*
 * Counts a process in, count times. who: slot and n_objects are ignored; a process that has
 * something open must have the same column, job and start (opener_move()). token: a repetition of
 * the last token (not 0) changes nothing. per_user: the limit of objects that the processes of its
 * user have open. -ENOENT; -ENOSPC; -EDQUOT.
 */
int opener_count_in(struct table *table, uint64_t id, const struct table_opener *who,
		    uint32_t count, uint64_t token, uint32_t per_user, struct vc_err *err);
/* Counts a process out once. -EBADF: it does not have the object open. */
int opener_count_out(struct table *table, uint64_t id, pid_t pid, uint64_t token);
/* Counts a process out of one object completely. */
int opener_leave(struct table *table, uint64_t id, pid_t pid);
/* Counts a process out of all objects. An unknown process is no error. */
int opener_drop(struct table *table, pid_t pid);
/* Called after a move: the process is in another partition, or restored. */
int opener_move(struct table *table, pid_t pid, uint32_t column, uint32_t job, uint64_t start);

/* Looks for contradictions in the whole table. 0, or -EUCLEAN and the first one. Slow: for tests
 * and after repairs. */
int check_table(struct table *table, struct vc_err *err);

#endif
