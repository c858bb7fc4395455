// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * request.c - the requests to open, close and unlink an object, and similar ones
 *
 * ipcmap/door/door.h describes them. This file checks permissions as the kernel does for files: by
 * owner, group (with the supplementary ones) and others of the object's file. A caller without
 * permission learns only that, and nothing about the object.
 */
#include "daemon/ipc/request.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "daemon/conn/conn.h"
#include "daemon/ipc/ipc.h"
#include "daemon/request/request.h"
#include "ipcmap/door/door.h"
#include "ipcmap/kind.h"
#include "partition/region.h"

#define IPC_FORK_TOKEN 1 /* a repeated request of a child changes nothing */
#define IPC_OPENS_PER_OBJECT 4

/* The groups of the time when the connection was made; see kept.c. */
static bool ipc_in_group(const struct conn *conn, gid_t gid)
{
	_cleanup_free_ gid_t *groups = NULL;
	size_t n = 0;

	if (conn->gid == gid)
		return true;
	if (conn->used || conn_groups(conn, &groups, &n) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

/* For System V's objects, the creator counts as an owner too, and its group as a group. */
bool ipc_may(const struct conn *conn, const struct table_object *object, const struct stat *st,
	     unsigned int bits)
{
	bool sysv = ipc_kind_is_sysv(object->kind);
	unsigned int mode = st->st_mode;

	if (conn->uid == 0)
		return true;
	if (conn->uid == st->st_uid || (sysv && conn->uid == object->cuid))
		return (mode >> 6 & bits) == bits;
	/* Asks for the groups only if they matter. */
	if ((mode >> 3 & bits) == (mode & bits))
		return (mode & bits) == bits;
	if (ipc_in_group(conn, st->st_gid) || (sysv && ipc_in_group(conn, object->cgid)))
		mode >>= 3;
	return (mode & bits) == bits;
}

/* Owner, creator, root. */
static bool ipc_owns(const struct conn *conn, const struct table_object *object,
		     const struct stat *st)
{
	return conn->uid == 0 || conn->uid == st->st_uid || conn->uid == object->cuid;
}

int ipc_refused(struct vc_err *err)
{
	return err_set(err, EACCES, "that IPC object is not yours to use");
}

int ipc_check_key(const struct ipc_key *key, struct vc_err *err)
{
	if (key->kind ? !ipc_kind_name(key->kind) : key->has_name)
		return err_set(err, EINVAL, "there is no kind %u of IPC objects", key->kind);
	if (key->has_name && key->name.len == 0)
		return err_set(err, EINVAL, "an IPC object's name cannot be empty");
	if (key->has_name && key->name.len > DOOR_NAME_MAX)
		return err_set(err, ENAMETOOLONG, "the name has %zu bytes; at most %d are possible",
			       key->name.len, DOOR_NAME_MAX);
	if (key->has_name && memchr(key->name.data, '\0', key->name.len))
		return err_set(err, EINVAL, "the name has a NUL byte");
	return 0;
}

/* By name. Shared memory may be a region. */
static int find_named(struct ipc *ipc, const struct ipc_key *key, uint64_t *ret_id)
{
	bool memory = key->kind == IPC_KIND_SHM || key->kind == IPC_KIND_POSIX_SHM;
	const struct region_spec *region =
		memory ? ipc_region_named(ipc, key->kind, key->name.data, key->name.len) : NULL;

	if (region)
		return entry_find(ipc->table, IPC_KIND_REGION, region->name, strlen(region->name),
				  ret_id);
	return entry_find(ipc->table, key->kind, key->name.data, key->name.len, ret_id);
}

int ipc_find(struct ipc *ipc, const struct ipc_key *key, uint64_t *ret_id, struct vc_err *err)
{
	struct table_object object;
	int r = key->has_name ? find_named(ipc, key, ret_id)
			      : entry_find_id(ipc->table, key->id, ret_id);

	if (r == 0 && !key->has_name && key->kind && entry_get(ipc->table, *ret_id, &object) == 0 &&
	    object.kind != key->kind)
		r = -EPROTOTYPE;
	if (r == -ENOENT)
		return err_set(err, ENOENT,
			       "there is no such IPC object; 'vcctl ipc list' shows "
			       "those that are yours to see");
	if (r == -EUCLEAN)
		return err_set(err, EUCLEAN, "the table of IPC objects is damaged; try again");
	return r;
}

int ipc_wrong_kind(const struct table_object *object, struct vc_err *err)
{
	return err_set(err, EPROTOTYPE, "that IPC object is of another kind: %s",
		       ipc_kind_name(object->kind));
}

/* --- open ----------------------------------------------------------------------------------- */

struct ipc_opening {
	struct conn *conn;
	const Vc__IpcOpen *req;
	struct ipc_key key;
	struct table_opener who;
	struct table_object object;
	struct stat st;
	int fd;
	bool created;
};

static int open_check(const struct ipc_opening *o, struct vc_err *err)
{
	uint32_t flags = o->req->flags;

	if (flags & ~(uint32_t)(DOOR_CREATE | DOOR_EXCL | DOOR_RDONLY | DOOR_PERSISTENT |
				DOOR_NOCOUNT | DOOR_WRONLY | DOOR_OWNER) ||
	    (flags & DOOR_RDONLY && flags & DOOR_WRONLY))
		return err_set(err, EINVAL, "flags %x: not known; is vcd older than libvcipc?",
			       flags);
	if (flags & DOOR_CREATE && ((flags & DOOR_NOCOUNT && !(flags & DOOR_PERSISTENT)) ||
				    o->req->has_id || !o->key.kind))
		return err_set(err, EINVAL,
			       "a new IPC object has a kind, no id, and is counted or persistent");
	if (flags & DOOR_CREATE && o->key.kind == IPC_KIND_REGION)
		return err_set(err, EPERM, "regions are made by the configuration");
	if (!(flags & DOOR_CREATE) && !o->req->has_id && !o->req->has_name)
		return err_set(err, EINVAL, "neither name nor id");
	if (o->req->has_init &&
	    (o->req->init.len > DOOR_INIT_MAX || o->req->init.len > o->req->size))
		return err_set(err, EINVAL,
			       "%zu first bytes for an object of %" PRIu64
			       "; at most %d are possible",
			       o->req->init.len, o->req->size, DOOR_INIT_MAX);
	if (o->req->size > INT64_MAX)
		return err_set(err, EINVAL, "an object of %" PRIu64 " bytes", o->req->size);
	return ipc_check_key(&o->key, err);
}

/* The owner's daemon is starting and makes it first. */
static int ipc_region_unready(struct vc_err *err)
{
	return err_set(err, EBUSY, "that region is being made; try again");
}

/* Limits that the caller reports itself. They do not restrict a user; ipc-objects-per-user does. */
static int open_check_limit(struct ipc *ipc, const struct ipc_opening *o, struct vc_err *err)
{
	const Vc__IpcOpen *req = o->req;
	struct table_share share = user_share(ipc->table, o->conn->uid, o->key.kind);
	uint64_t most = req->has_limit_units ? req->limit_units : UINT64_MAX;

	if (req->has_limit_objects && share.objects >= req->limit_objects)
		return err_set(err, ENOSPC,
			       "user %u has %" PRIu64 " IPC objects of kind %s, as many as allowed",
			       (unsigned)o->conn->uid, share.objects, ipc_kind_name(o->key.kind));
	if (req->units > most || share.units > most - req->units)
		return err_set(err, EOVERFLOW,
			       "user %u has IPC objects of kind %s that count %" PRIu64
			       ", this one would count %" PRIu64 ", and %" PRIu64 " are allowed",
			       (unsigned)o->conn->uid, ipc_kind_name(o->key.kind), share.units,
			       req->units, most);
	return 0;
}

static int open_create(struct ipc *ipc, struct ipc_opening *o, struct vc_err *err)
{
	struct table_object wanted = {
		.kind = o->key.kind,
		.uid = o->conn->uid,
		.gid = o->conn->gid,
		.cuid = o->conn->uid,
		.cgid = o->conn->gid,
		.mode = o->req->mode & 0777,
		.created_usec = clock_real_usec(),
		.units = o->req->units,
		.token = o->req->token,
		.persistent = o->req->flags & DOOR_PERSISTENT,
		.name_len = o->key.has_name ? o->key.name.len : 0,
	};
	int r;

	if (ipc_region_named(ipc, wanted.kind, o->key.name.data, wanted.name_len))
		return ipc_region_unready(err);
	if (wanted.name_len)
		memcpy(wanted.name, o->key.name.data, wanted.name_len);
	r = open_check_limit(ipc, o, err);
	if (r < 0)
		return r;
	r = entry_make(ipc->table, &wanted, ipc_per_user(ipc, o->conn->uid), &wanted.id, err);
	if (r < 0)
		return r;
	r = ipc_file_make(ipc, &wanted, o->req->size, &o->req->init, &o->fd, &o->st, err);
	if (r < 0) {
		entry_remove(ipc->table, wanted.id);
		return r;
	}
	entry_made(ipc->table, wanted.id);
	o->object = wanted;
	o->created = true;
	return 0;
}

/* The access that the caller needs: the mode of open(2), and permission bits. */
static int open_flags(const struct ipc_opening *o, unsigned int *ret_bits)
{
	if (o->req->flags & DOOR_RDONLY) {
		*ret_bits = 4;
		return O_RDONLY;
	}
	*ret_bits = o->req->flags & DOOR_WRONLY ? 2 : 6;
	return o->req->flags & DOOR_WRONLY ? O_WRONLY : O_RDWR;
}

static bool open_may(const struct ipc_opening *o)
{
	unsigned int bits;

	open_flags(o, &bits);
	return o->created ||
	       (o->req->flags & DOOR_OWNER && ipc_owns(o->conn, &o->object, &o->st)) ||
	       ipc_may(o->conn, &o->object, &o->st, bits);
}

/* Checks whether the caller may have an existing object. */
static int open_found(struct ipc *ipc, struct ipc_opening *o, bool right_kind, struct vc_err *err)
{
	const struct region_spec *region = ipc_region_of(ipc, &o->object);

	if (region) {
		int r;

		/* A job that is moved live keeps its connections. */
		o->conn->known_usec = 0;
		r = ipc_who(ipc, o->conn, &o->who, err);
		if (r < 0)
			return r;
	}
	if (region && !ipc_region_admits(ipc, region, &o->who))
		return err_set(err, EACCES, "the region %s is not given to your partition",
			       region->name);
	if (region && o->st.st_size == 0)
		return ipc_region_unready(err);
	/* This request made it, and is repeated because its answer was lost. */
	if (o->req->token && o->object.token == o->req->token && o->object.cuid == o->conn->uid)
		o->created = true;
	else if (o->req->flags & DOOR_CREATE && o->req->flags & DOOR_EXCL)
		return err_set(err, EEXIST, "there is an IPC object of that name already");
	if (!open_may(o))
		return ipc_refused(err);
	return right_kind ? 0 : ipc_wrong_kind(&o->object, err);
}

static int open_file(struct ipc *ipc, struct ipc_opening *o, struct vc_err *err)
{
	unsigned int bits;
	int flags = open_flags(o, &bits), r;

	/* A new file is open already, for reading and writing. */
	if (o->fd >= 0 && flags == O_RDWR)
		return 0;
	closep(&o->fd);
	o->fd = -1;
	r = ipc_file_open(ipc, o->object.id, flags, &o->fd, &o->st);
	if (r == -EAGAIN)
		return err_set(err, EAGAIN, "the object's owner has a lease on its file");
	if (r < 0)
		return err_sys(err, -r, "open the object's file");
	ipc_region_stat(&o->object, &o->st);
	return 0;
}

static int open_object(struct ipc *ipc, struct ipc_opening *o, struct vc_err *err)
{
	uint64_t id;
	int found = o->req->has_name || o->req->has_id ? ipc_find(ipc, &o->key, &id, err) : -ENOENT;
	int r;

	if (found == -ENOENT && o->req->flags & DOOR_CREATE)
		r = open_create(ipc, o, err);
	else if (found == 0 || found == -EPROTOTYPE)
		r = entry_get(ipc->table, id, &o->object);
	else
		return found;
	if (r == 0)
		r = open_file(ipc, o, err);
	if (r == 0 && found != -ENOENT)
		r = open_found(ipc, o, found == 0, err);
	if (r == 0 && !(o->req->flags & DOOR_NOCOUNT))
		r = opener_count_in(ipc->table, o->object.id, &o->who, 1, o->req->token,
				    o->who.uid
					    ? IPC_OPENS_PER_OBJECT * ipc_per_user(ipc, o->who.uid)
					    : TABLE_UNLIMITED,
				    err);
	if (r == 0)
		ipc_watch(ipc, o->who.pid);
	if (r < 0) {
		closep(&o->fd);
		o->fd = -1;
		if (o->created) /* it was made but not opened: it is idle */
			ipc_sweep(ipc, o->object.id);
	}
	return r;
}

static void open_answer(struct ipc *ipc, const struct ipc_opening *o)
{
	Vc__IpcObject body = VC__IPC_OBJECT__INIT;
	Vc__Msg msg = VC__MSG__INIT;

	body.id = o->object.id;
	body.handle = o->req->flags & DOOR_NOCOUNT ? 0 : o->object.id;
	body.size = (uint64_t)o->st.st_size;
	body.kind = o->object.kind;
	body.uid = o->st.st_uid;
	body.gid = o->st.st_gid;
	body.mode = o->st.st_mode & 07777;
	body.has_cuid = body.has_cgid = true;
	body.cuid = o->object.cuid;
	body.cgid = o->object.cgid;
	body.has_created_usec = true;
	body.created_usec = o->object.created_usec;
	body.has_name = o->object.name_len > 0;
	body.name.len = o->object.name_len;
	body.name.data = (uint8_t *)o->object.name;
	body.has_created = body.has_unlinked = true;
	body.created = o->created;
	body.unlinked = o->object.unlinked;
	body.partition = ipc->daemon->instance->config->parts[o->who.column].name;
	msg.body_case = VC__MSG__BODY_IPC_OBJECT;
	msg.ipc_object = &body;
	conn_send(o->conn, &msg, &o->fd, 1);
}

int req_ipc_open(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	const Vc__IpcOpen *req = msg->msg->ipc_open;
	struct ipc *ipc = conn->daemon->ipc;
	struct ipc_opening o = { .conn = conn, .req = req, .fd = -1 };
	int r;

	o.key = (struct ipc_key){
		.kind = req->kind, .has_name = req->has_name, .name = req->name, .id = req->id
	};
	r = open_check(&o, err);
	if (r == 0)
		r = table_lock(ipc->table, err);
	if (r < 0)
		return r;
	r = ipc_who(ipc, conn, &o.who, err);
	if (r == 0)
		r = open_object(ipc, &o, err);
	table_unlock(ipc->table);
	if (r == 0)
		open_answer(ipc, &o);
	closep(&o.fd);
	return r;
}

/* --- close, leave, fork --------------------------------------------------------------------- */

int req_ipc_close(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	const Vc__IpcClose *req = msg->msg->ipc_close;
	struct ipc *ipc = conn->daemon->ipc;
	uint64_t id;
	bool again;
	int r = table_lock(ipc->table, err);

	if (r < 0)
		return r;
	again = table_was_done(ipc->table, req->token, &id);
	if (!again)
		table_note_done(ipc->table, req->token, req->handle);
	r = opener_count_out(ipc->table, req->handle, conn->pid, req->token);
	if (r == 0)
		ipc_sweep(ipc, req->handle);
	else if (again)
		r = 0;
	table_unlock(ipc->table);
	if (r < 0)
		return err_set(err, -r, "you have not opened that IPC object");
	conn_ok(conn);
	return 0;
}

int req_ipc_leave(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	struct ipc *ipc = conn->daemon->ipc;
	int r = table_lock(ipc->table, err);

	if (r < 0)
		return r;
	ipc_drop(ipc, conn->pid);
	table_unlock(ipc->table);
	conn_ok(conn);
	return 0;
}

/* All or nothing. */
static int fork_copy(struct ipc *ipc, const struct table_opener *child, pid_t parent,
		     struct vc_err *err)
{
	uint32_t most =
		child->uid ? IPC_OPENS_PER_OBJECT * ipc_per_user(ipc, child->uid) : TABLE_UNLIMITED;
	uint64_t cursor = 0, id;
	uint32_t count;

	while (opener_next_object(ipc->table, parent, &cursor, &id, &count) == 0) {
		int r = opener_count_in(ipc->table, id, child, count, IPC_FORK_TOKEN, most, err);

		if (r < 0) {
			ipc_drop(ipc, child->pid);
			return r;
		}
	}
	ipc_watch(ipc, child->pid);
	return 0;
}

int req_ipc_fork(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	struct ipc *ipc = conn->daemon->ipc;
	struct table_opener who;
	int r = table_lock(ipc->table, err);

	if (r < 0)
		return r;
	r = ipc_who(ipc, conn, &who, err);
	if (r == 0)
		r = fork_copy(ipc, &who, ipc_parent(conn->pid), err);
	table_unlock(ipc->table);
	if (r == 0)
		conn_ok(conn);
	return r;
}

/* --- unlink, chown -------------------------------------------------------------------------- */

/* The object of a key, if the caller owns it. */
static int ipc_find_own(struct ipc *ipc, const struct conn *conn, const struct ipc_key *key,
			struct table_object *ret, struct vc_err *err)
{
	struct stat st;
	uint64_t id;
	int found = ipc_find(ipc, key, &id, err), r = found;

	if (found < 0 && found != -EPROTOTYPE)
		return found;
	r = entry_get(ipc->table, id, ret);
	if (r == 0)
		r = ipc_file_stat(ipc, id, &st);
	if (r < 0)
		return err_sys(err, -r, "look at the IPC object");
	if (!ipc_owns(conn, ret, &st))
		return ipc_refused(err);
	if (ret->kind == IPC_KIND_REGION)
		return err_set(err, EPERM,
			       "a region is the configuration's: it stays as it is until 'vcctl "
			       "down'");
	return found < 0 ? ipc_wrong_kind(ret, err) : 0;
}

int req_ipc_unlink(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	const Vc__IpcUnlink *req = msg->msg->ipc_unlink;
	struct ipc_key key = {
		.kind = req->kind, .has_name = req->has_name, .name = req->name, .id = req->id
	};
	struct ipc *ipc = conn->daemon->ipc;
	struct table_object object;
	bool again;
	int r = ipc_check_key(&key, err);

	if (r == 0)
		r = table_lock(ipc->table, err);
	if (r < 0)
		return r;
	/* Another object may have the name now. */
	again = table_was_done(ipc->table, req->token, &key.id);
	key.has_name = key.has_name && !again;
	r = ipc_find_own(ipc, conn, &key, &object, err);
	if (r == 0 && object.unlinked && !again)
		r = err_set(err, ENOENT, "that IPC object is unlinked already");
	if (r == 0) {
		bool left;

		if (!again)
			table_note_done(ipc->table, req->token, object.id);
		entry_unlink(ipc->table, object.id);
		left = req->leave && opener_leave(ipc->table, object.id, conn->pid) == 0;
		ipc_undo_unlinked(ipc, object.id);
		/* A set or a queue is still mapped then, and the next tick removes it. */
		if (!left || object.kind == IPC_KIND_SYSV_SHM)
			ipc_sweep(ipc, object.id);
	}
	table_unlock(ipc->table);
	if (again)
		r = 0; /* the object is gone */
	if (r == 0)
		conn_ok(conn);
	return r;
}

int req_ipc_chown(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	const Vc__IpcChown *req = msg->msg->ipc_chown;
	struct ipc_key key = { .id = req->id };
	struct ipc *ipc = conn->daemon->ipc;
	struct table_object object;
	int r;

	if (req->uid == (uint32_t)-1 || req->gid == (uint32_t)-1)
		return err_set(err, EINVAL, "%u is no user's or group's number", (uint32_t)-1);
	r = table_lock(ipc->table, err);
	if (r < 0)
		return r;
	r = ipc_find_own(ipc, conn, &key, &object, err);
	if (r == 0) {
		r = ipc_file_own(ipc, object.id, req->uid, req->gid, req->mode);
		if (r < 0)
			err_sys(err, -r, "give the object's file away");
	}
	if (r == 0) {
		entry_set_owner(ipc->table, object.id, req->uid, req->gid, req->mode & 0777);
		ipc_owner_changed(ipc, object.id);
	}
	table_unlock(ipc->table);
	if (r == 0)
		conn_ok(conn);
	return r;
}
