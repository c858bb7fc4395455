// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sysv-msg.c - msgget(), msgsnd(), msgrcv(), msgctl()
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ipcmap/preload/object.h"
#include "ipcmap/preload/preload.h"
#include "ipcmap/wait.h"

#define MSG_QBYTES_MOST (1u << 28) /* of what msgmnb may say */

struct msg_buffer {
	long type;
	char text[];
};

static uint32_t msg_qbytes_limit(const struct msginfo *info)
{
	uint32_t limit = info->msgmnb < 0 ? 0 : (uint32_t)info->msgmnb;

	return limit < MSG_QBYTES_MOST ? limit : MSG_QBYTES_MOST;
}

static int msg_get(key_t key, int flags)
{
	struct door_limit limit = { .units_in_all = UINT64_MAX };
	struct door_object opened;
	struct object *object;
	struct msginfo info;
	uint32_t qbytes;
	int r, id;

	limits_msg(&info);
	limit.objects = (uint64_t)info.msgmni;
	qbytes = msg_qbytes_limit(&info);
	r = sysv_open_key(IPC_KIND_SYSV_MSG, key, flags, msgq_size_sysv(qbytes), &limit, &opened);
	if (r < 0)
		return r;
	id = door_short_id(opened.id);
	r = object_add(&opened);
	if (r == 0 && opened.created && object_get(IPC_KIND_SYSV_MSG, id, true, &object) == 0) {
		object->q.head->qbytes = qbytes;
		object_put(object);
	}
	return r < 0 ? r : id;
}

INTERPOSE int msgget(key_t key, int flags)
{
	struct section section;
	int r;

	section_begin(&section);
	r = msg_get(key, flags);
	section_end(&section);
	return preload_result(r);
}

/* --- send and receive -------------------------------------------------------------------- */

/* Sleeps where a call had to stop. 0: try again; -EINTR; -EIDRM. */
static int msg_sleep(struct section *section, struct object *object, struct msgq_block_on *block)
{
	int r = section_sleep_cancel(section, block->word, block->value);

	msgq_unblock(&object->q, block);
	return object->q.head->removed ? -EIDRM : r;
}

static int msg_send(struct section *section, int id, const struct msg_buffer *buffer, size_t size,
		    int flags)
{
	struct msgq_message message = { .data = (void *)buffer->text, .size = size };
	struct msgq_block_on block;
	struct object *object;
	struct msginfo info;
	int r;

	limits_msg(&info);
	if (size > (size_t)info.msgmax || (ssize_t)size < 0 || id < 0 || buffer->type < 1)
		return -EINVAL;
	message.type = buffer->type;
	r = object_get(IPC_KIND_SYSV_MSG, id, true, &object);
	if (r < 0)
		return r;
	while ((r = msgq_send(&object->q, &message, false, (uint32_t)preload_pid(), &block)) ==
	       -EINPROGRESS) {
		if (flags & IPC_NOWAIT)
			r = -EAGAIN;
		else
			r = msg_sleep(section, object, &block);
		if (r < 0)
			break;
	}
	object_put(object);
	return r;
}

INTERPOSE int msgsnd(int id, const void *buffer, size_t size, int flags)
{
	struct section section;
	int r;

	section_begin(&section);
	r = msg_send(&section, id, buffer, size, flags);
	section_end(&section);
	return preload_result(r);
}

static ssize_t msg_receive(struct section *section, int id, struct msg_buffer *buffer, size_t size,
			   long type, int flags)
{
	struct msgq_message message = { .data = buffer->text, .size = size };
	struct msgq_block_on block;
	struct object *object;
	int r;

	if (id < 0 || (ssize_t)size < 0)
		return -EINVAL;
	if (flags & MSG_COPY && (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT)))
		return -EINVAL;
	r = object_get(IPC_KIND_SYSV_MSG, id, true, &object);
	if (r < 0)
		return r;
	while ((r = msgq_receive(&object->q, &message, type, flags, (uint32_t)preload_pid(), false,
				 &block)) == -EINPROGRESS) {
		if (flags & IPC_NOWAIT)
			r = -ENOMSG;
		else
			r = msg_sleep(section, object, &block);
		if (r < 0)
			break;
	}
	object_put(object);
	if (r < 0)
		return r;
	buffer->type = message.type;
	return (ssize_t)message.size;
}

INTERPOSE ssize_t msgrcv(int id, void *buffer, size_t size, long type, int flags)
{
	struct section section;
	ssize_t r;

	section_begin(&section);
	r = msg_receive(&section, id, buffer, size, type, flags);
	section_end(&section);
	return r < 0 ? preload_result((int)r) : r;
}

/* --- msgctl ------------------------------------------------------------------------------ */

static int msg_stat(uint64_t id, struct msqid_ds *ret)
{
	struct msqid_ds ds = { 0 };
	const struct msgq_head *head;
	struct object *object;
	struct door_stat stat;
	int r = sysv_stat(IPC_KIND_SYSV_MSG, id, &ds.msg_perm, &stat);

	if (r == 0)
		r = object_get(IPC_KIND_SYSV_MSG, door_short_id(stat.id), false, &object);
	if (r < 0)
		return r;
	head = object->q.head;
	ds.msg_stime = head->stime;
	ds.msg_rtime = head->rtime;
	ds.msg_ctime = sysv_changed(head->ctime, &stat);
	ds.__msg_cbytes = head->bytes;
	ds.msg_qnum = head->n;
	ds.msg_qbytes = msgq_qbytes(&object->q);
	ds.msg_lspid = (pid_t)head->last_sender;
	ds.msg_lrpid = (pid_t)head->last_receiver;
	object_put(object);
	*ret = ds;
	return door_short_id(stat.id);
}

static int msg_info(int command, struct msginfo *ret)
{
	int n = preload_count(IPC_KIND_SYSV_MSG);
	struct msginfo info;

	if (n < 0)
		return n;
	limits_msg(&info);
	if (command == MSG_INFO) {
		info.msgpool = n;
		info.msgmap = info.msgtql = 0;
		for (int i = 0; i < n; i++) {
			struct msqid_ds ds;
			uint64_t id;

			if (preload_nth(IPC_KIND_SYSV_MSG, i, &id) < 0 || msg_stat(id, &ds) < 0)
				continue;
			info.msgmap += (int)ds.msg_qnum;
			info.msgtql += (int)ds.__msg_cbytes;
		}
	}
	*ret = info;
	return n > 0 ? n - 1 : 0;
}

static int msg_stat_nth(int index, struct msqid_ds *ret)
{
	uint64_t id;
	int r = preload_nth(IPC_KIND_SYSV_MSG, index, &id);

	return r < 0 ? r : msg_stat(id, ret);
}

static int msg_set(int id, const struct msqid_ds *ds)
{
	uint32_t qbytes = ds->msg_qbytes < UINT_MAX ? (uint32_t)ds->msg_qbytes : UINT_MAX;
	struct object *object = NULL;
	struct msginfo info;
	int got = object_get(IPC_KIND_SYSV_MSG, id, true, &object), r;

	if (got < 0 && got != -EACCES)
		return got;
	limits_msg(&info);
	if (ds->msg_qbytes > msg_qbytes_limit(&info) && !preload_above_limits())
		r = -EPERM;
	else
		r = sysv_set((uint64_t)id, &ds->msg_perm);
	if (r == 0)
		r = object ? msgq_set_qbytes(&object->q, qbytes) : got;
	if (object) {
		if (r == 0)
			__atomic_add_fetch(&object->q.head->owner_seq, 1, __ATOMIC_RELEASE);
		object_put(object);
	}
	return r;
}

static int msg_remove(int id)
{
	struct object *object = NULL;
	int r = object_get(IPC_KIND_SYSV_MSG, id, false, &object);

	if (r < 0 && r != -EACCES)
		return r;
	r = sysv_remove(IPC_KIND_SYSV_MSG, (uint64_t)id);
	if (object) {
		if (r == 0)
			object_removed(object);
		object_put(object);
	}
	return r;
}

static bool msg_has_buffer(int command)
{
	return command == IPC_INFO || command == MSG_INFO || command == IPC_STAT ||
	       command == MSG_STAT || command == MSG_STAT_ANY || command == IPC_SET;
}

static int msg_control(int id, int command, struct msqid_ds *ds)
{
	int r;

	if (id < 0)
		return -EINVAL;
	if (!ds && msg_has_buffer(command))
		return -EFAULT;
	switch (command) {
	case IPC_INFO:
	case MSG_INFO:
		return msg_info(command, (struct msginfo *)ds);
	case IPC_STAT:
		r = msg_stat((uint64_t)id, ds);
		return r < 0 ? r : 0;
	case MSG_STAT:
	case MSG_STAT_ANY:
		return msg_stat_nth(id, ds);
	case IPC_SET:
		return msg_set(id, ds);
	case IPC_RMID:
		return msg_remove(id);
	default:
		return -EINVAL;
	}
}

INTERPOSE int msgctl(int id, int command, struct msqid_ds *ds)
{
	struct section section;
	int r;

	section_begin(&section);
	r = msg_control(id, command, ds);
	section_end(&section);
	return preload_result(r);
}
