// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * opener.c - processes in the shared table, and the objects that each has open
 */
#include <errno.h>

#include "ipcmap/table/hash.h"
#include "ipcmap/table/layout.h"

struct table_proc *opener_proc(struct table *table, uint32_t index)
{
	return (struct table_proc *)item_at(table, ITEM_PROC, index);
}

struct table_open *opener_open(struct table *table, uint32_t index)
{
	return (struct table_open *)item_at(table, ITEM_OPEN, index);
}

uint32_t opener_proc_hash(const struct table *table, uint32_t pid)
{
	return hash_bytes(table->map->key, &pid, sizeof(pid));
}

uint32_t opener_open_hash(const struct table *table, uint32_t entry, uint32_t proc)
{
	uint32_t both[2] = { entry, proc };

	return hash_bytes(table->map->key, both, sizeof(both));
}

/* Called when an opener joins or leaves the column. */
static void opener_changed(struct table *table, uint32_t column)
{
	if (column < table->n_columns)
		__atomic_add_fetch(&table->map->changes[column], 1, __ATOMIC_RELAXED);
}

static struct table_proc *opener_proc_of(struct table *table, pid_t pid, uint32_t *ret_index)
{
	struct item_walk walk = item_walk(table, ITEM_PROC, opener_proc_hash(table, (uint32_t)pid));
	struct item *item;

	while ((item = item_step(&walk, ret_index))) {
		struct table_proc *proc = (struct table_proc *)item;

		if (proc->pid != (uint32_t)pid)
			continue;
		if (proc->column < table->n_columns)
			return proc;
		table_damaged(table);
	}
	return NULL;
}

/* A damaged open may have a larger count than an int holds. */
static int32_t opener_open_count(struct table *table, const struct table_open *open)
{
	if (open->count <= INT32_MAX)
		return (int32_t)open->count;
	table_damaged(table);
	return 0;
}

static struct table_open *opener_open_of(struct table *table, uint32_t entry, uint32_t proc,
					 uint32_t *ret_index)
{
	struct item_walk walk = item_walk(table, ITEM_OPEN, opener_open_hash(table, entry, proc));
	struct item *item;

	while ((item = item_step(&walk, ret_index))) {
		struct table_open *open = (struct table_open *)item;

		if (open->entry == entry && open->proc == proc)
			return open;
	}
	return NULL;
}

static void opener_copy(const struct table_proc *proc, uint32_t index, struct table_opener *ret)
{
	*ret = (struct table_opener){
		.pid = (pid_t)proc->pid,
		.start = proc->start,
		.column = proc->column,
		.job = proc->job,
		.uid = proc->uid,
		.slot = index,
		.n_objects = proc->n_objects,
	};
}

int opener_find(struct table *table, pid_t pid, struct table_opener *ret)
{
	uint32_t index;
	const struct table_proc *proc = opener_proc_of(table, pid, &index);

	if (!proc)
		return -ENOENT;
	opener_copy(proc, index, ret);
	return 0;
}

int opener_next(struct table *table, uint32_t *cursor, struct table_opener *ret)
{
	uint32_t high = item_high(table, ITEM_PROC);

	while (*cursor < high) {
		uint32_t index = (*cursor)++;
		const struct table_proc *proc = opener_proc(table, index);

		if (!proc->item.valid)
			continue;
		opener_copy(proc, index, ret);
		return 0;
	}
	return -ENOENT;
}

int opener_next_object(struct table *table, pid_t pid, uint64_t *cursor, uint64_t *ret_id,
		       uint32_t *ret_count)
{
	uint32_t index, at;
	const struct table_proc *proc = opener_proc_of(table, pid, &index);
	const struct table_open *open;

	/* The cursor is an open's number + 1. 0: the first one; UINT64_MAX: the end. */
	if (!proc || *cursor == UINT64_MAX)
		return -ENOENT;
	at = *cursor ? (uint32_t)(*cursor - 1) : proc->first_open;
	open = opener_open(table, at);
	if (!open || !open->item.valid || open->proc != index ||
	    open->entry >= item_high(table, ITEM_ENTRY))
		return at == TABLE_NONE ? -ENOENT : table_damaged(table);
	*cursor = open->proc_link.next == TABLE_NONE ? UINT64_MAX
						     : (uint64_t)open->proc_link.next + 1;
	*ret_id = entry_id(table, open->entry);
	*ret_count = open->count;
	return 0;
}

/* The process's item; creates it if necessary. */
static int opener_proc_make(struct table *table, const struct table_opener *who, uint32_t *ret)
{
	struct table_proc *proc = opener_proc_of(table, who->pid, ret);
	int r;

	if (proc)
		return 0;
	r = item_take(table, ITEM_PROC, ret);
	if (r < 0)
		return r;
	proc = opener_proc(table, *ret);
	proc->pid = (uint32_t)who->pid;
	proc->start = who->start;
	proc->column = who->column;
	proc->job = who->job;
	proc->uid = who->uid;
	proc->first_open = TABLE_NONE;
	proc->n_objects = 0;
	item_validate(table, ITEM_PROC, *ret, opener_proc_hash(table, proc->pid), 1);
	opener_changed(table, proc->column);
	return 0;
}

void opener_proc_settle(struct table *table, uint32_t index)
{
	const struct table_proc *proc = opener_proc(table, index);

	if (!proc || !proc->item.valid || proc->n_objects > 0)
		return;
	opener_changed(table, proc->column);
	item_put(table, ITEM_PROC, index);
}

/* Adds n to all sums that the open counts in. */
static void opener_open_add(struct table *table, const struct table_open *open, int32_t n)
{
	struct table_entry *entry = entry_at(table, open->entry);
	const struct table_proc *proc = opener_proc(table, open->proc);

	entry->n_open += (uint32_t)n;
	entry_column_add(table, open->entry, proc->column, n);
	entry_settle(table, open->entry);
}

void opener_open_end(struct table *table, uint32_t index)
{
	struct table_open *open = opener_open(table, index);
	struct table_entry *entry = open ? entry_at(table, open->entry) : NULL;
	struct table_proc *proc = open ? opener_proc(table, open->proc) : NULL;
	struct table_user *user;
	uint32_t uid;

	if (!entry || !proc || proc->column >= table->n_columns) {
		table_damaged(table);
		return;
	}
	__atomic_store_n(&open->item.valid, 0, __ATOMIC_SEQ_CST);
	uid = proc->uid;
	item_list_remove(table, &entry->first_open, ITEM_OPEN,
			 offsetof(struct table_open, entry_link), index);
	item_list_remove(table, &proc->first_open, ITEM_OPEN,
			 offsetof(struct table_open, proc_link), index);
	proc->n_objects--;
	opener_open_add(table, open, -opener_open_count(table, open));
	item_put(table, ITEM_OPEN, index);
	user = user_get(table, uid);
	if (user && user->n_opens > 0)
		user->n_opens--;
	user_settle(table, uid);
}

static void opener_open_fill(struct table *table, uint32_t index, uint32_t entry, uint32_t proc,
			     uint32_t count, uint64_t token)
{
	struct table_open *open = opener_open(table, index);

	open->entry = entry;
	open->proc = proc;
	open->count = count;
	open->token = token;
	item_validate(table, ITEM_OPEN, index, opener_open_hash(table, entry, proc), 1);
	item_list_push(table, &entry_at(table, entry)->first_open, ITEM_OPEN,
		       offsetof(struct table_open, entry_link), index);
	item_list_push(table, &opener_proc(table, proc)->first_open, ITEM_OPEN,
		       offsetof(struct table_open, proc_link), index);
	opener_proc(table, proc)->n_objects++;
	opener_open_add(table, open, (int32_t)count);
}

static int opener_open_make(struct table *table, uint32_t entry, uint32_t proc, uint32_t count,
			    uint64_t token, uint32_t per_user, struct vc_err *err)
{
	uint32_t index, uid = opener_proc(table, proc)->uid;
	struct table_user *user = user_get(table, uid);
	int r = user ? 0 : -ENOSPC;

	if (user && user->n_opens >= per_user)
		r = -EDQUOT;
	if (r == 0)
		r = item_take(table, ITEM_OPEN, &index);
	if (r == 0) {
		opener_open_fill(table, index, entry, proc, count, token);
		user->n_opens++;
	}
	user_settle(table, uid);
	if (r == -EDQUOT)
		return err_set(err, EDQUOT,
			       "the processes of user %u have %u objects open, as many as allowed; "
			       "close some, or have ipc-objects-per-user raised",
			       uid, per_user);
	return r < 0 ? err_set(err, -r,
			       "the table of IPC objects is full: too many have them open; have "
			       "ipc-entries raised")
		     : 0;
}

int opener_count_in(struct table *table, uint64_t id, const struct table_opener *who,
		    uint32_t count, uint64_t token, uint32_t per_user, struct vc_err *err)
{
	uint32_t entry, proc, index;
	struct table_open *open;
	int r;

	if (!entry_of(table, id, &entry))
		return err_set(err, ENOENT, "that object is gone");
	if (who->column >= table->n_columns)
		return err_set(err, EINVAL, "the table has no column %u", who->column);
	r = opener_proc_make(table, who, &proc);
	if (r < 0)
		return err_set(err, -r,
			       "the table of IPC objects is full: too many processes have "
			       "objects open; have ipc-entries raised");
	open = opener_open_of(table, entry, proc, &index);
	if (!open) {
		r = opener_open_make(table, entry, proc, count, token, per_user, err);
		opener_proc_settle(table, proc);
		return r;
	}
	if (token && open->token == token)
		return 0;
	if (open->count > INT32_MAX - count || count > INT32_MAX)
		return err_set(err, EDQUOT, "the process has opened that object too often");
	open->count += count;
	open->token = token;
	opener_open_add(table, open, (int32_t)count);
	return 0;
}

int opener_count_out(struct table *table, uint64_t id, pid_t pid, uint64_t token)
{
	uint32_t entry, proc, index;
	struct table_open *open;

	if (!entry_of(table, id, &entry) || !opener_proc_of(table, pid, &proc))
		return -EBADF;
	open = opener_open_of(table, entry, proc, &index);
	if (!open)
		return -EBADF;
	if (token && open->token == token)
		return 0;
	if (open->count > 1) {
		open->count--;
		open->token = token;
		opener_open_add(table, open, -1);
		return 0;
	}
	opener_open_end(table, index);
	opener_proc_settle(table, proc);
	return 0;
}

int opener_leave(struct table *table, uint64_t id, pid_t pid)
{
	uint32_t entry, proc, index;

	if (!entry_of(table, id, &entry) || !opener_proc_of(table, pid, &proc) ||
	    !opener_open_of(table, entry, proc, &index))
		return -EBADF;
	opener_open_end(table, index);
	opener_proc_settle(table, proc);
	return 0;
}

int opener_drop(struct table *table, pid_t pid)
{
	uint32_t index, left = table->geometry[ITEM_OPEN].capacity;
	struct table_proc *proc = opener_proc_of(table, pid, &index);

	while (proc && proc->first_open != TABLE_NONE) {
		const struct table_open *open = opener_open(table, proc->first_open);

		if (!open || open->proc != index || left-- == 0)
			return table_damaged(table);
		opener_open_end(table, proc->first_open);
	}
	if (proc)
		opener_proc_settle(table, index);
	return 0;
}

static void opener_move_opens(struct table *table, const struct table_proc *proc, uint32_t from,
			      uint32_t to)
{
	uint32_t at = proc->first_open, left = table->geometry[ITEM_OPEN].capacity;

	while (at != TABLE_NONE) {
		const struct table_open *open = opener_open(table, at);

		if (!open || open->entry >= item_high(table, ITEM_ENTRY) || left-- == 0) {
			table_damaged(table);
			return;
		}
		entry_column_move(table, open->entry, from, to,
				  (uint32_t)opener_open_count(table, open));
		at = open->proc_link.next;
	}
}

int opener_move(struct table *table, pid_t pid, uint32_t column, uint32_t job, uint64_t start)
{
	uint32_t index, from;
	struct table_proc *proc = opener_proc_of(table, pid, &index);

	if (!proc)
		return -ENOENT;
	if (column >= table->n_columns || proc->column >= table->n_columns)
		return -EINVAL;
	from = proc->column;
	proc->start = start;
	proc->job = job;
	proc->column = column;
	if (from != column)
		opener_move_opens(table, proc, from, column);
	opener_changed(table, from);
	opener_changed(table, column);
	return 0;
}
