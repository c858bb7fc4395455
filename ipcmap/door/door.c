// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * door.c - one request about IPC objects to a daemon of this instance
 *
 * A request is put until it is answered. One that was cut off in the middle may have been carried
 * out; its token lets the next daemon see that. Connections: conn.h.
 */
#include "ipcmap/door/door.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "ipcmap/door/conn.h"
#include "wire/patience.h"
#include "wire/wire.h"

#define DOOR_TRIES 5 /* requests cut off, until the daemons are taken for broken */
/* A user's programs may all ask at once, and a daemon serves so many connections of a user. */
#define DOOR_BUSY_TRIES 1000
#define DOOR_BUSY_USEC 5000

/* How a request is put. */
struct door_way {
	bool fresh; /* by a new connection */
	bool cut;   /* the connection ended before there was an answer */
	bool kept;  /* it was one that had been used before */
	bool wary;  /* a daemon has not answered already */
};

/* Of this thread, so that no lock is needed. */
static _Thread_local struct wire_spin door_spin;

static int door_exchange(struct wire *wire, const Vc__Msg *msg, struct wire_msg *ret,
			 struct door_way *way)
{
	int r = wire_send(wire, msg, NULL, 0, NULL);

	/* The daemon has ended it because it was idle, or a move has; nothing has been asked yet.
	 */
	if ((r == -EPIPE || r == -ENOTCONN || r == -ECONNRESET) && way->kept)
		return -ESTALE;
	if (r == 0 && !wire_spin(wire, &door_spin))
		r = patience_await(NULL, wire, PATIENCE_FOR_ANSWER, NULL);
	/* The daemon is stopped, and will find that we have hung up. */
	way->cut = r == -ETIMEDOUT;
	if (r == 0)
		r = wire_recv(wire, ret, NULL);
	way->cut |= r == -ECONNRESET || r == -EPIPE;
	return r;
}

/* One try. */
static int door_try(const Vc__Msg *msg, struct wire_msg *ret, struct door_way *way)
{
	struct door_conn conn;
	bool answered;
	int r = door_conn_get(&conn, way->fresh, way->wary);

	way->cut = way->kept = false;
	if (r < 0)
		return r;
	way->kept = conn.kept;
	r = door_exchange(conn.wire, msg, ret, way);
	answered = r == 0;
	if (r == 0 && ret->msg->body_case == VC__MSG__BODY_ERROR) {
		r = wire_take_error(ret->msg->error, NULL);
		wire_msg_done(ret);
	}
	door_conn_put(&conn, answered && r != -EAGAIN && r != -ESTALE);
	return r;
}

/*
 * Puts the request, and takes the answer that it has in good order. The caller frees ret. fresh: it
 * must not go by a connection that has been used.
 */
static int door_ask(const Vc__Msg *msg, Vc__Msg__BodyCase answer, bool fresh, struct wire_msg *ret)
{
	int r = -ENOTCONN, cuts = 0, stales = 0, waits = 0;
	struct door_way way = { .fresh = fresh };
	bool ask = true;

	while (ask && cuts < DOOR_TRIES) {
		r = door_try(msg, ret, &way);
		cuts += way.cut;
		ask = way.cut;
		way.wary |= way.cut;
		/* A used connection does not have the groups of its process, nor what else it has
		 * become since. */
		if (r == -ESTALE || (r == -EACCES && way.kept)) {
			ask = stales++ < DOOR_TRIES;
			way.fresh = true;
		}
		if (r == -EAGAIN && waits++ < DOOR_BUSY_TRIES) {
			clock_sleep_usec(DOOR_BUSY_USEC);
			ask = true;
		}
	}
	if (r == -EOPNOTSUPP)
		r = -EPROTO;
	if (r == 0 && ret->msg->body_case != answer) {
		wire_msg_done(ret);
		r = -EPROTO;
	}
	return way.cut || r == -ESTALE ? -ENOTCONN : r;
}

/* For requests that are answered with no more than Ok. */
static int door_order(const Vc__Msg *msg)
{
	struct wire_msg answer;
	int r = door_ask(msg, VC__MSG__BODY_OK, false, &answer);

	if (r == 0)
		wire_msg_done(&answer);
	return r;
}

static uint64_t door_token(void)
{
	uint64_t token = 0;

	if (getrandom(&token, sizeof(token), 0) < 0)
		return 0;
	return token;
}

/* Which object is meant: three messages say so by fields of the same names. */
#define DOOR_SET_KEY(body, of_kind, of_name, of_id)                                                \
	do {                                                                                       \
		(body).has_kind = true;                                                            \
		(body).kind = (of_kind);                                                           \
		(body).has_name = (of_name) != NULL;                                               \
		(body).name.len = (of_name) ? strlen(of_name) : 0;                                 \
		(body).name.data = (uint8_t *)(of_name);                                           \
		(body).has_id = !(of_name) && (of_id) != 0;                                        \
		(body).id = (of_id);                                                               \
	} while (0)

static void door_take_object(const Vc__IpcObject *object, int fd, struct door_object *ret)
{
	*ret = (struct door_object){
		.fd = fd,
		.handle = object->handle,
		.id = object->id,
		.size = object->size,
		.kind = object->kind,
		.uid = object->uid,
		.gid = object->gid,
		.mode = object->mode,
		.cuid = object->cuid,
		.cgid = object->cgid,
		.created_usec = object->created_usec,
		.created = object->created,
		.unlinked = object->unlinked,
	};
	if (object->has_name && object->name.len <= DOOR_NAME_MAX)
		memcpy(ret->name, object->name.data, object->name.len);
	door_conn_near(object->partition);
}

int door_open(const struct door_open *req, struct door_object *ret)
{
	Vc__IpcOpen body = VC__IPC_OPEN__INIT;
	Vc__Msg msg = WIRE_MSG(IPC_OPEN, ipc_open, &body);
	struct wire_msg answer;
	int r;

	DOOR_SET_KEY(body, req->kind, req->name, req->id);
	WIRE_SET(&body, flags, req->flags);
	WIRE_SET(&body, mode, req->mode);
	WIRE_SET(&body, size, req->size);
	WIRE_SET(&body, token, door_token());
	if (req->limit) {
		WIRE_SET(&body, limit_objects, req->limit->objects);
		WIRE_SET(&body, units, req->limit->units);
		WIRE_SET(&body, limit_units, req->limit->units_in_all);
	}
	body.has_init = req->n_init > 0;
	body.init.len = req->n_init;
	body.init.data = (uint8_t *)req->init;
	r = door_ask(&msg, VC__MSG__BODY_IPC_OBJECT, false, &answer);
	if (r < 0)
		return r;
	if (answer.n_fds == 1) {
		door_take_object(answer.msg->ipc_object, steal_fd(&answer.fds[0]), ret);
	} else {
		r = -EMFILE; /* the kernel leaves out a descriptor that we have no room for */
		if (answer.msg->ipc_object->handle)
			door_close(answer.msg->ipc_object->handle);
	}
	wire_msg_done(&answer);
	return r;
}

int door_close(uint64_t handle)
{
	Vc__IpcClose body = VC__IPC_CLOSE__INIT;
	Vc__Msg msg = WIRE_MSG(IPC_CLOSE, ipc_close, &body);

	body.handle = handle;
	WIRE_SET(&body, token, door_token());
	return door_order(&msg);
}

int door_leave(void)
{
	Vc__IpcLeave body = VC__IPC_LEAVE__INIT;
	Vc__Msg msg = WIRE_MSG(IPC_LEAVE, ipc_leave, &body);

	return door_order(&msg);
}

int door_fork(void)
{
	Vc__IpcFork body = VC__IPC_FORK__INIT;
	Vc__Msg msg = WIRE_MSG(IPC_FORK, ipc_fork, &body);

	return door_order(&msg);
}

static int door_ask_unlink(uint32_t kind, const char *name, uint64_t id, bool leave)
{
	Vc__IpcUnlink body = VC__IPC_UNLINK__INIT;
	Vc__Msg msg = WIRE_MSG(IPC_UNLINK, ipc_unlink, &body);

	DOOR_SET_KEY(body, kind, name, id);
	WIRE_SET(&body, token, door_token());
	body.has_leave = body.leave = leave;
	return door_order(&msg);
}

int door_unlink(uint32_t kind, const char *name, uint64_t id)
{
	return door_ask_unlink(kind, name, id, false);
}

int door_remove(uint32_t kind, uint64_t id)
{
	return door_ask_unlink(kind, NULL, id, true);
}

static void door_take_entry(const Vc__IpcEntry *entry, struct door_stat *ret)
{
	size_t len = entry->has_name ? entry->name.len : 0;

	*ret = (struct door_stat){
		.id = entry->id,
		.kind = entry->kind,
		.uid = entry->uid,
		.gid = entry->gid,
		.cuid = entry->cuid,
		.cgid = entry->cgid,
		.mode = entry->mode,
		.openers = entry->openers,
		.created_usec = entry->created_usec,
		.size = entry->size,
		.persistent = entry->persistent,
		.unlinked = entry->unlinked,
		.used_bytes = entry->used_bytes,
	};
	if (len > 0 && len <= DOOR_NAME_MAX)
		memcpy(ret->name, entry->name.data, len);
	if (entry->has_head && entry->head.len <= DOOR_HEAD_BYTES)
		memcpy(ret->head, entry->head.data, entry->head.len);
}

static int door_ask_stat(uint32_t kind, const char *name, uint64_t id, bool any,
			 struct door_stat *ret)
{
	Vc__IpcStat body = VC__IPC_STAT__INIT;
	Vc__Msg msg = WIRE_MSG(IPC_STAT, ipc_stat, &body);
	struct wire_msg answer;
	int r;

	DOOR_SET_KEY(body, kind, name, id);
	body.has_any = body.any = any;
	r = door_ask(&msg, VC__MSG__BODY_IPC_ENTRY, false, &answer);
	if (r < 0)
		return r;
	door_take_entry(answer.msg->ipc_entry, ret);
	wire_msg_done(&answer);
	return 0;
}

int door_stat(uint32_t kind, const char *name, uint64_t id, struct door_stat *ret)
{
	return door_ask_stat(kind, name, id, false, ret);
}

int door_stat_any(uint32_t kind, const char *name, uint64_t id, struct door_stat *ret)
{
	return door_ask_stat(kind, name, id, true, ret);
}

int door_chown(uint64_t id, uint32_t uid, uint32_t gid, uint32_t mode)
{
	Vc__IpcChown body = VC__IPC_CHOWN__INIT;
	Vc__Msg msg = WIRE_MSG(IPC_CHOWN, ipc_chown, &body);

	body.id = id;
	body.uid = uid;
	body.gid = gid;
	body.mode = mode;
	return door_order(&msg);
}

static int door_ask_list(uint32_t kind, bool any, uint64_t cursor, size_t max, struct wire_msg *ret)
{
	Vc__IpcList body = VC__IPC_LIST__INIT;
	Vc__Msg msg = WIRE_MSG(IPC_LIST, ipc_list, &body);

	body.has_any = body.any = any;
	WIRE_SET(&body, kind, kind);
	WIRE_SET(&body, cursor, cursor);
	WIRE_SET(&body, max, max > INT32_MAX ? INT32_MAX : (uint32_t)max);
	/* What may be seen goes by groups, too. */
	return door_ask(&msg, VC__MSG__BODY_IPC_ENTRIES, true, ret);
}

static int door_list_some(uint32_t kind, bool any, uint64_t *cursor, struct door_stat *ret,
			  size_t max)
{
	const Vc__IpcEntries *entries;
	struct wire_msg answer;
	size_t n = 0;

	/* A piece may have nothing in it that the caller may see, and not be the last. */
	while (n == 0 && max > 0 && *cursor != UINT64_MAX) {
		int r = door_ask_list(kind, any, *cursor, max, &answer);

		if (r < 0)
			return r;
		entries = answer.msg->ipc_entries;
		for (; n < entries->n_entries && n < max; n++)
			door_take_entry(entries->entries[n], &ret[n]);
		*cursor = entries->has_cursor ? entries->cursor : UINT64_MAX;
		wire_msg_done(&answer);
	}
	return (int)n;
}

int door_list(uint32_t kind, uint64_t *cursor, struct door_stat *ret, size_t max)
{
	return door_list_some(kind, false, cursor, ret, max);
}

int door_list_any(uint32_t kind, uint64_t *cursor, struct door_stat *ret, size_t max)
{
	return door_list_some(kind, true, cursor, ret, max);
}

int door_info(struct door_info *ret)
{
	struct wire_msg answer;
	int r = door_ask_list(0, false, 0, 0, &answer);

	if (r < 0)
		return r;
	ret->used = answer.msg->ipc_entries->used;
	ret->capacity = answer.msg->ipc_entries->capacity;
	ret->per_user = answer.msg->ipc_entries->per_user;
	wire_msg_done(&answer);
	return 0;
}
