// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * opener.c - processes in the shared table, and what each has open
 */
#include <errno.h>
#include <string.h>

#include "ipcmap/table/hash.h"
#include "ipcmap/table/layout.h"

struct table_proc *table_proc(struct table *table, uint32_t index)
{
	return (struct table_proc *)table_item(table, POOL_PROC, index);
}

struct table_open *table_open_at(struct table *table, uint32_t index)
{
	return (struct table_open *)table_item(table, POOL_OPEN, index);
}

uint32_t table_proc_hash(const struct table *table, uint32_t pid)
{
	return table_hash(table->map->key, &pid, sizeof(pid));
}

uint32_t table_open_hash(const struct table *table, uint32_t entry, uint32_t proc)
{
	uint32_t both[2] = { entry, proc };

	return table_hash(table->map->key, both, sizeof(both));
}

uint32_t table_user_hash(const struct table *table, uint32_t uid)
{
	return table_hash(table->map->key, &uid, sizeof(uid));
}

/* An opener came to the column, or went. */
static void table_changed(struct table *table, uint32_t column)
{
	if (column < table->n_columns)
		__atomic_add_fetch(&table->map->changes[column], 1, __ATOMIC_RELAXED);
}

static struct table_proc *table_proc_of(struct table *table, pid_t pid, uint32_t *ret_index)
{
	struct table_walk walk =
		table_walk(table, POOL_PROC, table_proc_hash(table, (uint32_t)pid));
	struct table_item *item;

	while ((item = table_step(&walk, ret_index))) {
		struct table_proc *proc = (struct table_proc *)item;

		if (proc->pid != (uint32_t)pid)
			continue;
		if (proc->column < table->n_columns)
			return proc;
		table_damaged(table);
	}
	return NULL;
}

/* Of an open that may be damaged; a count is an int's at most. */
static int32_t table_open_count(struct table *table, const struct table_open *open)
{
	if (open->count <= INT32_MAX)
		return (int32_t)open->count;
	table_damaged(table);
	return 0;
}

static struct table_open *table_open_of(struct table *table, uint32_t entry, uint32_t proc,
					uint32_t *ret_index)
{
	struct table_walk walk = table_walk(table, POOL_OPEN, table_open_hash(table, entry, proc));
	struct table_item *item;

	while ((item = table_step(&walk, ret_index))) {
		struct table_open *open = (struct table_open *)item;

		if (open->entry == entry && open->proc == proc)
			return open;
	}
	return NULL;
}

static struct table_user *table_user_of(struct table *table, uint32_t uid, uint32_t *ret_index)
{
	struct table_walk walk = table_walk(table, POOL_USER, table_user_hash(table, uid));
	struct table_item *item;

	while ((item = table_step(&walk, ret_index)))
		if (((struct table_user *)item)->uid == uid)
			return (struct table_user *)item;
	return NULL;
}

struct table_user *table_user_find(struct table *table, uint32_t uid)
{
	uint32_t index;

	return table_user_of(table, uid, &index);
}

struct table_user *table_user(struct table *table, uint32_t uid)
{
	uint32_t index;
	struct table_user *user = table_user_of(table, uid, &index);

	if (user || table_take(table, POOL_USER, &index) < 0)
		return user;
	user = (struct table_user *)table_item(table, POOL_USER, index);
	user->uid = uid;
	user->n_objects = user->n_opens = 0;
	memset(user->shares, 0, sizeof(user->shares));
	table_validate(table, POOL_USER, index, table_user_hash(table, uid), 1);
	return user;
}

void table_user_settle(struct table *table, uint32_t uid)
{
	uint32_t index;
	const struct table_user *user = table_user_of(table, uid, &index);

	if (user && user->n_objects == 0 && user->n_opens == 0)
		table_put(table, POOL_USER, index);
}

static void table_copy_opener(const struct table_proc *proc, uint32_t index,
			      struct table_opener *ret)
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

int table_find_opener(struct table *table, pid_t pid, struct table_opener *ret)
{
	uint32_t index;
	const struct table_proc *proc = table_proc_of(table, pid, &index);

	if (!proc)
		return -ENOENT;
	table_copy_opener(proc, index, ret);
	return 0;
}

int table_next_opener(struct table *table, uint32_t *cursor, struct table_opener *ret)
{
	uint32_t high = table_high(table, POOL_PROC);

	while (*cursor < high) {
		uint32_t index = (*cursor)++;
		const struct table_proc *proc = table_proc(table, index);

		if (!proc->item.valid)
			continue;
		table_copy_opener(proc, index, ret);
		return 0;
	}
	return -ENOENT;
}

int table_next_opened(struct table *table, pid_t pid, uint64_t *cursor, uint64_t *ret_id,
		      uint32_t *ret_count)
{
	uint32_t index, at;
	const struct table_proc *proc = table_proc_of(table, pid, &index);
	const struct table_open *open;

	/* The cursor is one more than an open's number; 0: the first one. All ones: the end. */
	if (!proc || *cursor == UINT64_MAX)
		return -ENOENT;
	at = *cursor ? (uint32_t)(*cursor - 1) : proc->first_open;
	open = table_open_at(table, at);
	if (!open || !open->item.valid || open->proc != index ||
	    open->entry >= table_high(table, POOL_ENTRY))
		return at == TABLE_NONE ? -ENOENT : table_damaged(table);
	*cursor = open->proc_link.next == TABLE_NONE ? UINT64_MAX
						     : (uint64_t)open->proc_link.next + 1;
	*ret_id = table_entry_id(table, open->entry);
	*ret_count = open->count;
	return 0;
}

/* The process's item, made if there is none. */
static int table_proc_make(struct table *table, const struct table_opener *who, uint32_t *ret)
{
	struct table_proc *proc = table_proc_of(table, who->pid, ret);
	int r;

	if (proc)
		return 0;
	r = table_take(table, POOL_PROC, ret);
	if (r < 0)
		return r;
	proc = table_proc(table, *ret);
	proc->pid = (uint32_t)who->pid;
	proc->start = who->start;
	proc->column = who->column;
	proc->job = who->job;
	proc->uid = who->uid;
	proc->first_open = TABLE_NONE;
	proc->n_objects = 0;
	table_validate(table, POOL_PROC, *ret, table_proc_hash(table, proc->pid), 1);
	table_changed(table, proc->column);
	return 0;
}

void table_proc_settle(struct table *table, uint32_t index)
{
	const struct table_proc *proc = table_proc(table, index);

	if (!proc || !proc->item.valid || proc->n_objects > 0)
		return;
	table_changed(table, proc->column);
	table_put(table, POOL_PROC, index);
}

/* The sums that an open's count is part of. */
static void table_open_add(struct table *table, const struct table_open *open, int32_t n)
{
	struct table_entry *entry = table_entry(table, open->entry);
	const struct table_proc *proc = table_proc(table, open->proc);

	entry->n_open += (uint32_t)n;
	table_column_add(table, open->entry, proc->column, n);
	table_entry_settle(table, open->entry);
}

void table_open_end(struct table *table, uint32_t index)
{
	struct table_open *open = table_open_at(table, index);
	struct table_entry *entry = open ? table_entry(table, open->entry) : NULL;
	struct table_proc *proc = open ? table_proc(table, open->proc) : NULL;
	struct table_user *user;
	uint32_t uid;

	if (!entry || !proc || proc->column >= table->n_columns) {
		table_damaged(table);
		return;
	}
	__atomic_store_n(&open->item.valid, 0, __ATOMIC_SEQ_CST);
	uid = proc->uid;
	table_list_remove(table, &entry->first_open, POOL_OPEN,
			  offsetof(struct table_open, entry_link), index);
	table_list_remove(table, &proc->first_open, POOL_OPEN,
			  offsetof(struct table_open, proc_link), index);
	proc->n_objects--;
	table_open_add(table, open, -table_open_count(table, open));
	table_put(table, POOL_OPEN, index);
	user = table_user(table, uid);
	if (user && user->n_opens > 0)
		user->n_opens--;
	table_user_settle(table, uid);
}

static void table_open_fill(struct table *table, uint32_t index, uint32_t entry, uint32_t proc,
			    uint32_t count, uint64_t token)
{
	struct table_open *open = table_open_at(table, index);

	open->entry = entry;
	open->proc = proc;
	open->count = count;
	open->token = token;
	table_validate(table, POOL_OPEN, index, table_open_hash(table, entry, proc), 1);
	table_list_push(table, &table_entry(table, entry)->first_open, POOL_OPEN,
			offsetof(struct table_open, entry_link), index);
	table_list_push(table, &table_proc(table, proc)->first_open, POOL_OPEN,
			offsetof(struct table_open, proc_link), index);
	table_proc(table, proc)->n_objects++;
	table_open_add(table, open, (int32_t)count);
}

static int table_open_make(struct table *table, uint32_t entry, uint32_t proc, uint32_t count,
			   uint64_t token, uint32_t per_user, struct vc_err *err)
{
	uint32_t index, uid = table_proc(table, proc)->uid;
	struct table_user *user = table_user(table, uid);
	int r = user ? 0 : -ENOSPC;

	if (user && user->n_opens >= per_user)
		r = -EDQUOT;
	if (r == 0)
		r = table_take(table, POOL_OPEN, &index);
	if (r == 0) {
		table_open_fill(table, index, entry, proc, count, token);
		user->n_opens++;
	}
	table_user_settle(table, uid);
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

int table_count_in(struct table *table, uint64_t id, const struct table_opener *who, uint32_t count,
		   uint64_t token, uint32_t per_user, struct vc_err *err)
{
	uint32_t entry, proc, index;
	struct table_open *open;
	int r;

	if (!table_entry_of(table, id, &entry))
		return err_set(err, ENOENT, "that object is gone");
	if (who->column >= table->n_columns)
		return err_set(err, EINVAL, "the table has no column %u", who->column);
	r = table_proc_make(table, who, &proc);
	if (r < 0)
		return err_set(err, -r,
			       "the table of IPC objects is full: too many processes have "
			       "objects open; have ipc-entries raised");
	open = table_open_of(table, entry, proc, &index);
	if (!open) {
		r = table_open_make(table, entry, proc, count, token, per_user, err);
		table_proc_settle(table, proc);
		return r;
	}
	if (token && open->token == token)
		return 0;
	if (open->count > INT32_MAX - count || count > INT32_MAX)
		return err_set(err, EDQUOT, "the process has opened that object too often");
	open->count += count;
	open->token = token;
	table_open_add(table, open, (int32_t)count);
	return 0;
}

int table_count_out(struct table *table, uint64_t id, pid_t pid, uint64_t token)
{
	uint32_t entry, proc, index;
	struct table_open *open;

	if (!table_entry_of(table, id, &entry) || !table_proc_of(table, pid, &proc))
		return -EBADF;
	open = table_open_of(table, entry, proc, &index);
	if (!open)
		return -EBADF;
	if (token && open->token == token)
		return 0;
	if (open->count > 1) {
		open->count--;
		open->token = token;
		table_open_add(table, open, -1);
		return 0;
	}
	table_open_end(table, index);
	table_proc_settle(table, proc);
	return 0;
}

int table_leave(struct table *table, uint64_t id, pid_t pid)
{
	uint32_t entry, proc, index;

	if (!table_entry_of(table, id, &entry) || !table_proc_of(table, pid, &proc) ||
	    !table_open_of(table, entry, proc, &index))
		return -EBADF;
	table_open_end(table, index);
	table_proc_settle(table, proc);
	return 0;
}

int table_drop_opener(struct table *table, pid_t pid)
{
	uint32_t index, left = table->geometry[POOL_OPEN].capacity;
	struct table_proc *proc = table_proc_of(table, pid, &index);

	while (proc && proc->first_open != TABLE_NONE) {
		const struct table_open *open = table_open_at(table, proc->first_open);

		if (!open || open->proc != index || left-- == 0)
			return table_damaged(table);
		table_open_end(table, proc->first_open);
	}
	if (proc)
		table_proc_settle(table, index);
	return 0;
}

/* The counts go with it, and the handles. */
static void table_move_opens(struct table *table, const struct table_proc *proc, uint32_t from,
			     uint32_t to)
{
	uint32_t at = proc->first_open, left = table->geometry[POOL_OPEN].capacity;

	while (at != TABLE_NONE) {
		const struct table_open *open = table_open_at(table, at);

		if (!open || open->entry >= table_high(table, POOL_ENTRY) || left-- == 0) {
			table_damaged(table);
			return;
		}
		table_column_move(table, open->entry, from, to,
				  (uint32_t)table_open_count(table, open));
		at = open->proc_link.next;
	}
}

int table_move_opener(struct table *table, pid_t pid, uint32_t column, uint32_t job, uint64_t start)
{
	uint32_t index, from;
	struct table_proc *proc = table_proc_of(table, pid, &index);

	if (!proc)
		return -ENOENT;
	if (column >= table->n_columns || proc->column >= table->n_columns)
		return -EINVAL;
	from = proc->column;
	proc->start = start;
	proc->job = job;
	proc->column = column;
	if (from != column)
		table_move_opens(table, proc, from, column);
	table_changed(table, from);
	table_changed(table, column);
	return 0;
}
