// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * msgq.c - the list of messages: linking, taking, waiting
 *
 * Receivers sleep on one futex and senders on another. A change wakes all of them, because they may
 * want different types, and because a killed sleeper must not take another's wake with it. Wakes
 * happen under the guard, as in semset.c.
 */
#include "ipcmap/object/msgq-priv.h"

#include <errno.h>
#include <limits.h>
#include <sys/msg.h>
#include <time.h>

#include "ipcmap/futex.h"
#include "ipcmap/object/guard.h"

#define MSGQ_SYSV_HEADROOM 4 /* the factor by which msg_qbytes can be raised */

uint64_t msgq_size_sysv(uint32_t qbytes)
{
	uint64_t most = (uint64_t)qbytes * MSGQ_SYSV_HEADROOM;

	/* A block for each byte, for messages of at most one byte, and those of larger messages. */
	return sizeof(struct msgq_head) +
	       (most + most / MSGQ_FIRST_BYTES + 1) * sizeof(struct msgq_block);
}

uint64_t msgq_size_posix(uint32_t max_messages, uint32_t message_bytes)
{
	return sizeof(struct msgq_head) +
	       max_messages * msgq_blocks_of(message_bytes) * sizeof(struct msgq_block);
}

/* The largest msg_qbytes for a file of that size. */
static uint32_t msgq_qbytes_max(uint64_t size)
{
	uint64_t n = size < sizeof(struct msgq_head)
			     ? 0
			     : (size - sizeof(struct msgq_head)) / sizeof(struct msgq_block);

	return (uint32_t)(n * MSGQ_FIRST_BYTES / (MSGQ_FIRST_BYTES + 1));
}

int msgq_view(void *base, uint64_t size, struct msgq *ret)
{
	uint64_t n;

	if (size < sizeof(struct msgq_head) + sizeof(struct msgq_block))
		return -EINVAL;
	n = (size - sizeof(struct msgq_head)) / sizeof(struct msgq_block);
	if (n > INT32_MAX)
		return -EINVAL;
	ret->head = base;
	ret->blocks = (struct msgq_block *)(ret->head + 1);
	ret->n_blocks = (uint32_t)n;
	ret->qbytes_max = msgq_qbytes_max(size);
	return 0;
}

static uint32_t msgq_qbytes_within(uint32_t qbytes, uint32_t most)
{
	if (qbytes == MSGQ_QBYTES_NONE)
		return 0;
	return qbytes && qbytes <= most ? qbytes : most;
}

/* Returns the present msg_qbytes of a System V queue. */
static uint32_t msgq_qbytes(const struct msgq *q)
{
	return msgq_qbytes_within(msgq_load(&q->head->qbytes), q->qbytes_max);
}

uint32_t msgq_qbytes_of(uint32_t qbytes, uint64_t size)
{
	return msgq_qbytes_within(qbytes, msgq_qbytes_max(size));
}

void msgq_wake_readers(struct msgq *q)
{
	if (!msgq_load(&q->head->readers_waiting))
		return;
	q->head->readers_waiting = 0;
	__atomic_add_fetch(&q->head->readers_seq, 1, __ATOMIC_RELEASE);
	futex_wake(&q->head->readers_seq, INT_MAX);
}

void msgq_wake_writers(struct msgq *q)
{
	if (!msgq_load(&q->head->writers_waiting))
		return;
	q->head->writers_waiting = 0;
	__atomic_add_fetch(&q->head->writers_seq, 1, __ATOMIC_RELEASE);
	futex_wake(&q->head->writers_seq, INT_MAX);
}

int msgq_enter(struct msgq *q)
{
	int r = guard_lock(&q->head->guard);

	if (r == -EOWNERDEAD) {
		msgq_repair(q);
		r = 0;
	}
	if (r < 0)
		return -EIDRM;
	if (!msgq_load(&q->head->removed))
		return 0;
	guard_unlock(&q->head->guard);
	return -EIDRM;
}

void msgq_exit(struct msgq *q)
{
	guard_unlock(&q->head->guard);
}

/* --- send -------------------------------------------------------------------------------- */

static bool msgq_has_room(const struct msgq *q, size_t size, bool posix)
{
	uint32_t n = msgq_load(&q->head->n);
	uint64_t qbytes = msgq_qbytes(q);

	if (posix)
		return n < msgq_load(&q->head->max_messages);
	return q->head->bytes + size <= qbytes && n + UINT64_C(1) <= qbytes;
}

/* The link for a new message of that priority: behind all with at least this priority. NULL: the
 * list is broken. */
static uint32_t *msgq_place(struct msgq *q, int64_t priority)
{
	uint32_t *link = &q->head->first;

	for (uint32_t n = 0; n <= q->n_blocks; n++) {
		struct msgq_block *block = msgq_block_at(q, msgq_load(link));

		if (!block || block->first.type < priority)
			return link;
		link = &block->first.next;
	}
	return NULL;
}

static int msgq_link(struct msgq *q, const struct msgq_message *message, bool posix)
{
	struct msgq_block *last = msgq_block_at(q, msgq_load(&q->head->last)), *block;
	uint32_t link = msgq_store(q, message), *before;

	if (!link)
		return -EBADMSG;
	if (posix && last && last->first.type < message->type)
		before = msgq_place(q, message->type);
	else
		before = last ? &last->first.next : &q->head->first;
	if (!before)
		return -EBADMSG;
	block = msgq_block_at(q, link);
	block->first.next = msgq_load(before);
	__atomic_store_n(before, link, __ATOMIC_RELEASE);
	if (!block->first.next)
		q->head->last = link;
	q->head->n++;
	q->head->bytes += message->size;
	return 0;
}

static void msgq_add_receiver(struct msgq *q, struct msgq_block_on *ret)
{
	for (int i = 0; i < MSGQ_RECEIVERS; i++)
		if (!msgq_load(&q->head->receivers[i])) {
			q->head->receivers[i] = (uint32_t)getpid();
			ret->slot = i;
			return;
		}
}

static void msgq_block_readers(struct msgq *q, bool posix, struct msgq_block_on *ret)
{
	q->head->readers_waiting = 1;
	*ret = (struct msgq_block_on){ .word = &q->head->readers_seq,
				       .value = msgq_load(&q->head->readers_seq),
				       .slot = -1 };
	if (posix)
		msgq_add_receiver(q, ret);
}

static void msgq_block_writers(struct msgq *q, struct msgq_block_on *ret)
{
	q->head->writers_waiting = 1;
	*ret = (struct msgq_block_on){ .word = &q->head->writers_seq,
				       .value = msgq_load(&q->head->writers_seq),
				       .slot = -1 };
}

void msgq_unblock(struct msgq *q, struct msgq_block_on *block)
{
	if (block->slot >= 0)
		__atomic_store_n(&q->head->receivers[block->slot], 0, __ATOMIC_RELEASE);
	block->slot = -1;
}

static int msgq_send_locked(struct msgq *q, const struct msgq_message *message, bool posix,
			    uint32_t pid, struct msgq_block_on *ret)
{
	if (!msgq_has_room(q, message->size, posix)) {
		msgq_block_writers(q, ret);
		return -EINPROGRESS;
	}
	if (msgq_link(q, message, posix) < 0) {
		msgq_repair(q);
		if (!msgq_has_room(q, message->size, posix) || msgq_link(q, message, posix) < 0)
			return -EIDRM;
	}
	q->head->last_sender = pid;
	q->head->stime = time(NULL);
	if (posix && msgq_load(&q->head->n) == 1)
		msgq_notify_fire(q, pid);
	msgq_wake_readers(q);
	return 0;
}

int msgq_send(struct msgq *q, const struct msgq_message *message, bool posix, uint32_t pid,
	      struct msgq_block_on *ret)
{
	int r = msgq_enter(q);

	if (r < 0)
		return r;
	r = msgq_send_locked(q, message, posix, pid, ret);
	msgq_exit(q);
	return r;
}

/* --- receive ----------------------------------------------------------------------------- */

static bool msgq_wanted(const struct msgq_block *block, int64_t type, int flags, int64_t best)
{
	int64_t has = block->first.type;

	if (type == 0)
		return true;
	if (type > 0)
		return flags & MSG_EXCEPT ? has != type : has == type;
	/* The lowest type, and the first message of it. */
	return has <= (type == INT64_MIN ? INT64_MAX : -type) && has < best;
}

/* The link to the wanted message; *ret_link NULL: there is none. -EBADMSG. */
static int msgq_find(struct msgq *q, int64_t type, int flags, uint32_t **ret_link)
{
	uint32_t *link = &q->head->first, *found = NULL;
	int64_t best = INT64_MAX;

	for (uint32_t n = 0; n <= q->n_blocks; n++) {
		struct msgq_block *block = msgq_block_at(q, msgq_load(link));

		if (!block) {
			*ret_link = found;
			return msgq_load(link) ? -EBADMSG : 0;
		}
		if (flags & MSG_COPY ? n == type : msgq_wanted(block, type, flags, best)) {
			found = link;
			best = block->first.type;
			if (type >= 0 || best == 1) {
				*ret_link = found;
				return 0;
			}
		}
		link = &block->first.next;
	}
	return -EBADMSG;
}

/* The index of the block that contains the link. */
static uint32_t msgq_link_owner(const struct msgq *q, const uint32_t *link)
{
	return (uint32_t)(((const char *)link - (const char *)q->blocks) / sizeof(*q->blocks)) + 1;
}

static void msgq_unlink(struct msgq *q, uint32_t *link, const struct msgq_block *block,
			uint32_t size)
{
	uint32_t gone = msgq_load(link), next = msgq_load(&block->first.next);

	__atomic_store_n(link, next, __ATOMIC_RELEASE);
	if (!next)
		q->head->last = link == &q->head->first ? 0 : msgq_link_owner(q, link);
	q->head->n--;
	q->head->bytes -= size;
	msgq_free(q, gone);
}

/* Copies the message, and removes it unless MSG_COPY is set. */
static int msgq_take(struct msgq *q, uint32_t *link, struct msgq_message *message, int flags)
{
	const struct msgq_block *block = msgq_block_at(q, msgq_load(link));
	uint32_t size = block ? msgq_load(&block->first.size) : 0;
	size_t n = size < message->size ? size : message->size;
	int r;

	if (!block)
		return -EBADMSG;
	if (size > message->size && !(flags & MSG_NOERROR))
		return -E2BIG;
	r = message->check ? message->check(message->data, n) : 0;
	if (r == 0)
		r = msgq_fetch(q, msgq_load(link), message->data, n);
	if (r < 0 && r != -EFAULT)
		return r;
	message->type = block->first.type;
	message->size = n;
	if (!(flags & MSG_COPY))
		msgq_unlink(q, link, block, size);
	return r;
}

static int msgq_receive_locked(struct msgq *q, struct msgq_message *message, int64_t type,
			       int flags)
{
	uint32_t *link = NULL;
	int r = msgq_find(q, type, flags, &link);

	if (r == 0 && !link)
		return flags & MSG_COPY ? -ENOMSG : -EINPROGRESS;
	return r < 0 ? r : msgq_take(q, link, message, flags);
}

int msgq_receive(struct msgq *q, struct msgq_message *message, int64_t type, int flags,
		 uint32_t pid, bool posix, struct msgq_block_on *ret)
{
	int r = msgq_enter(q);

	if (r < 0)
		return r;
	r = msgq_receive_locked(q, message, type, flags);
	if (r == -EBADMSG) {
		msgq_repair(q);
		r = msgq_receive_locked(q, message, type, flags);
	}
	if (r == -EINPROGRESS && ret)
		msgq_block_readers(q, posix, ret);
	if ((r == 0 || r == -EFAULT) && !(flags & MSG_COPY)) {
		q->head->last_receiver = pid;
		q->head->rtime = time(NULL);
		msgq_wake_writers(q);
	}
	msgq_exit(q);
	return r == -EBADMSG ? -EIDRM : r;
}

int msgq_watch(struct msgq *q, void (*f)(void *arg, const struct msgq_watch *watch), void *arg)
{
	struct msgq_head *head = q->head;
	struct msgq_watch watch;
	int r = msgq_enter(q);

	if (r < 0)
		return r;
	head->readers_waiting = head->writers_waiting = 1;
	watch = (struct msgq_watch){
		.readable = msgq_load(&head->n) > 0,
		.writable = msgq_load(&head->n) < msgq_load(&head->max_messages),
		.seqs = { msgq_load(&head->readers_seq), msgq_load(&head->writers_seq) },
	};
	f(arg, &watch);
	msgq_exit(q);
	return 0;
}

/* --- the rest ---------------------------------------------------------------------------- */

void msgq_remove(struct msgq *q)
{
	__atomic_store_n(&q->head->removed, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&q->head->readers_seq, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&q->head->writers_seq, 1, __ATOMIC_SEQ_CST);
	futex_wake(&q->head->readers_seq, INT_MAX);
	futex_wake(&q->head->writers_seq, INT_MAX);
}

int msgq_set_qbytes(struct msgq *q, uint64_t qbytes)
{
	int r;

	if (qbytes > q->qbytes_max)
		return -EINVAL;
	r = msgq_enter(q);
	if (r < 0)
		return r;
	q->head->qbytes = qbytes ? (uint32_t)qbytes : MSGQ_QBYTES_NONE;
	q->head->ctime = time(NULL);
	msgq_wake_writers(q);
	msgq_exit(q);
	return 0;
}

int msgq_leave(struct msgq *q, uint32_t pid, bool may_wait)
{
	int r = may_wait ? guard_lock(&q->head->guard) : guard_trylock(&q->head->guard);
	bool dead = r == -EOWNERDEAD;

	if (r < 0 && !dead)
		return r == -EBUSY ? r : 0;
	msgq_notify_forget(q, pid);
	for (int i = 0; i < MSGQ_RECEIVERS; i++)
		if (msgq_load(&q->head->receivers[i]) == pid)
			q->head->receivers[i] = 0;
	if (!dead) {
		msgq_exit(q);
		return 0;
	}
	/* A repair writes to all blocks of the file, whose size only the queue's users limit.
	 * Therefore it takes their time, not the daemon's. Wake the sleepers to do it. */
	msgq_wake_readers(q);
	msgq_wake_writers(q);
	guard_unlock_unrepaired(&q->head->guard);
	return 0;
}
