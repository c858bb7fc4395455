// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * msg.c - msgget(), msgsnd(), msgrcv(), msgctl()
 */
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stddef.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ipcmap/futex.h"
#include "ipcmap/preload/object.h"
#include "ipcmap/preload/preload.h"

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
	struct sysv_get get = {
		.kind = IPC_KIND_SYSV_MSG, .key = key, .flags = flags, .limit = &limit
	};
	uint32_t qbytes;
	int r, id;

	limits_msg(&info);
	limit.objects = (uint64_t)info.msgmni;
	qbytes = msg_qbytes_limit(&info);
	get.size = msgq_size_sysv(qbytes);
	r = sysv_open_key(&get, &opened);
	if (r < 0)
		return r;
	id = door_short_id(opened.id);
	if (opened.fd >= 0)
		r = object_add(&opened);
	if (r == 0 && opened.created && object_get(IPC_KIND_SYSV_MSG, id, 0, true, &object) == 0) {
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
	int r = sleep_on_cancel(section, block->word, block->value);

	msgq_unblock(&object->q, block);
	return object->q.head->removed ? -EIDRM : r;
}

/* In the kernel's order: of several errors, the first is the answer. */
static int msg_check(int id, const struct msg_buffer *buffer, size_t size,
		     const struct msginfo *info, int64_t *ret_type)
{
	long type;
	int r = memory_take(&type, &buffer->type, sizeof(type));

	if (r < 0)
		return r;
	if (size > (size_t)info->msgmax || (ssize_t)size < 0 || id < 0 || type < 1)
		return -EINVAL;
	*ret_type = type;
	return memory_check_read(buffer->text, size);
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
	r = msg_check(id, buffer, size, &info, &message.type);
	if (r == 0)
		r = object_get(IPC_KIND_SYSV_MSG, id, 0222, true, &object);
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

/* The type is in front of the text. */
static int msg_check_room(void *text, size_t size)
{
	return memory_check_write((char *)text - sizeof(long), sizeof(long) + size);
}

static ssize_t msg_receive(struct section *section, int id, struct msg_buffer *buffer, size_t size,
			   long type, int flags)
{
	struct msgq_message message = { .data = buffer->text,
					.size = size,
					.check = msg_check_room };
	struct msgq_block_on block;
	struct object *object;
	int r;

	if (id < 0 || (ssize_t)size < 0)
		return -EINVAL;
	if (flags & MSG_COPY && (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT)))
		return -EINVAL;
	r = object_get(IPC_KIND_SYSV_MSG, id, 0444, true, &object);
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

static void msg_fill(const struct door_stat *stat, struct msqid_ds *ret)
{
	ret->msg_stime = SYSV_HEAD(stat, struct msgq_head, stime);
	ret->msg_rtime = SYSV_HEAD(stat, struct msgq_head, rtime);
	ret->msg_ctime = sysv_changed(SYSV_HEAD(stat, struct msgq_head, ctime), stat);
	ret->__msg_cbytes = SYSV_HEAD(stat, struct msgq_head, bytes);
	ret->msg_qnum = SYSV_HEAD(stat, struct msgq_head, n);
	ret->msg_qbytes = msgq_qbytes_of(SYSV_HEAD(stat, struct msgq_head, qbytes), stat->size);
	ret->msg_lspid = (pid_t)SYSV_HEAD(stat, struct msgq_head, last_sender);
	ret->msg_lrpid = (pid_t)SYSV_HEAD(stat, struct msgq_head, last_receiver);
}

static int msg_stat(int id, int command, struct msqid_ds *ret)
{
	struct msqid_ds ds = { 0 };
	struct door_stat stat;
	int r = command == IPC_STAT
			? sysv_stat(IPC_KIND_SYSV_MSG, (uint64_t)id, false, &ds.msg_perm, &stat)
			: sysv_stat_nth(IPC_KIND_SYSV_MSG, id, command == MSG_STAT_ANY,
					&ds.msg_perm, &stat);

	if (r < 0)
		return r;
	msg_fill(&stat, &ds);
	r = memory_give(ret, &ds, sizeof(ds));
	if (r < 0 || command == IPC_STAT)
		return r;
	return door_short_id(stat.id);
}

static int msg_info(int command, struct msginfo *ret)
{
	int n = list_count(IPC_KIND_SYSV_MSG);
	struct msginfo info;

	if (n < 0)
		return n;
	limits_msg(&info);
	if (command == MSG_INFO) {
		info.msgpool = n;
		info.msgmap = info.msgtql = 0;
		for (int i = 0; i < n; i++) {
			struct msqid_ds ds = { 0 };
			struct door_stat stat;

			if (sysv_stat_nth(IPC_KIND_SYSV_MSG, i, true, &ds.msg_perm, &stat) < 0)
				continue;
			msg_fill(&stat, &ds);
			info.msgmap += (int)ds.msg_qnum;
			info.msgtql += (int)ds.__msg_cbytes;
		}
	}
	*ret = info;
	return n > 0 ? n - 1 : 0;
}

static int msg_set(int id, const struct msqid_ds *argument)
{
	struct object *object = NULL;
	struct msginfo info;
	struct msqid_ds ds;
	int r = memory_take(&ds, argument, sizeof(ds));

	limits_msg(&info);
	if (r == 0)
		r = sysv_owns(IPC_KIND_SYSV_MSG, id);
	if (r == 0 && ds.msg_qbytes > msg_qbytes_limit(&info) &&
	    !preload_has_capability(CAP_SYS_RESOURCE))
		r = -EPERM;
	if (r == 0)
		r = object_get(IPC_KIND_SYSV_MSG, id, 0, true, &object);
	if (r < 0)
		return r;
	r = sysv_set((uint64_t)id, &ds.msg_perm);
	if (r == 0)
		r = msgq_set_qbytes(&object->q, ds.msg_qbytes);
	if (r == 0)
		__atomic_add_fetch(&object->q.head->owner_seq, 1, __ATOMIC_RELEASE);
	object_put(object);
	return r;
}

static int msg_control(int id, int command, struct msqid_ds *ds)
{
	struct msginfo info;
	int r, last;

	if (id < 0)
		return -EINVAL;
	switch (command) {
	case IPC_INFO:
	case MSG_INFO:
		last = msg_info(command, &info);
		r = last < 0 ? last : memory_give(ds, &info, sizeof(info));
		return r < 0 ? r : last;
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		return msg_stat(id, command, ds);
	case IPC_SET:
		return msg_set(id, ds);
	case IPC_RMID:
		return object_remove(IPC_KIND_SYSV_MSG, id);
	default:
		return -EINVAL;
	}
}

INTERPOSE int msgctl(int id, int command, struct msqid_ds *ds)
{
	struct section section;
	int r;

	sysv_begin(&section, command);
	r = msg_control(id, command, ds);
	section_end(&section);
	return preload_result(r);
}
