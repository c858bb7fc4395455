// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mq.c - message queues: senders and receivers each have a lock, and share two counters
 *
 * layout.h describes the memory. A message is copied under the lock of one side only, so a sender
 * and a receiver never wait for each other's lock. Between the sides it is Lamport's ring
 * ("Specifying concurrent program modules", TOPLAS 1983), twice: full slots in one direction and
 * free slots in the other. One store completes each operation; a process that is killed has made
 * that store or not.
 *
 * Waiting: a thread sets a flag beside the counter and looks again before it sleeps. A thread that
 * changes the counter looks at the flag afterwards, clears it and wakes one sleeper. A thread that
 * has slept sets the flag again at its end, because there may be more sleepers, and wakes the next
 * one if there is work for it.
 */
#include "ipcmap/library/mq.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/cleanup.h"
#include "ipcmap/futex.h"

#define MQ_CONTROLS 2
#define MQ_TRY_USEC 100000

static const struct vcipc_mq_attr mq_default = { .maxmsg = 64, .msgsize = 1024 };

static bool mq_attr_is_sound(uint32_t maxmsg, uint32_t msgsize)
{
	return maxmsg >= 1 && maxmsg <= VCIPC_MAXMSG_MAX && msgsize >= 1 &&
	       msgsize <= VCIPC_MSGSIZE_MAX;
}

static struct layout_mq_send *mq_send_side(const struct handle *handle)
{
	return (void *)(handle->pages[0] + handle_page_size() - sizeof(struct layout_mq_send));
}

static struct layout_mq_receive *mq_receive_side(const struct handle *handle)
{
	return (void *)(handle->pages[1] + handle_page_size() - sizeof(struct layout_mq_receive));
}

/* All counters are 0, and all slots are free. This does not use the locks of the two sides. */
static int mq_init_object(struct handle *handle, const struct handle_request *request)
{
	const struct vcipc_mq_attr *attr = request->arg;
	struct layout_mq_places at = layout_mq_place(attr->maxmsg, attr->msgsize);
	struct layout_mq *own = handle_own(handle);
	off_t begin = (off_t)(MQ_CONTROLS * handle_page_size() + at.free);
	size_t bytes = (size_t)at.ring * sizeof(uint32_t);
	_cleanup_free_ uint32_t *free_slots = malloc(bytes);

	if (!free_slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < at.ring; i++)
		free_slots[i] = i;
	if (pwrite(handle->fd, free_slots, bytes, begin) != (ssize_t)bytes)
		return -ENOSPC;
	own->maxmsg = attr->maxmsg;
	own->msgsize = attr->msgsize;
	return 0;
}

/* Maps the rest of the file after a check of the object's numbers. */
static int mq_map(struct vcipc_mq *mq)
{
	const struct layout_mq *own = handle_own(&mq->handle);
	size_t page = handle_page_size();
	struct layout_mq_places at;
	int r;

	mq->maxmsg = __atomic_load_n(&own->maxmsg, __ATOMIC_RELAXED);
	mq->msgsize = __atomic_load_n(&own->msgsize, __ATOMIC_RELAXED);
	if (!mq_attr_is_sound(mq->maxmsg, mq->msgsize))
		return -EUCLEAN;
	at = layout_mq_place(mq->maxmsg, mq->msgsize);
	if (mq->handle.size < MQ_CONTROLS * page + at.end)
		return -EUCLEAN;
	mq->body = mmap(NULL, at.end, PROT_READ | PROT_WRITE, MAP_SHARED, mq->handle.fd,
			(off_t)(MQ_CONTROLS * page));
	if (mq->body == MAP_FAILED) {
		mq->body = NULL;
		return -ENOMEM;
	}
	mq->body_bytes = at.end;
	mq->mask = at.ring - 1;
	mq->slot_bytes = at.slot_bytes;
	mq->inbox = (void *)(mq->body + at.inbox);
	mq->free = (void *)(mq->body + at.free);
	mq->run = (void *)(mq->body + at.run);
	mq->heap = (void *)(mq->body + at.heap);
	mq->messages = (void *)(mq->body + at.messages);
	mq->slots = mq->body + at.slots;
	mq->send = mq_send_side(&mq->handle);
	mq->receive = mq_receive_side(&mq->handle);
	r = lock_init(&mq->send_lock, mq->handle.pages[0], page);
	return r < 0 ? r : lock_init(&mq->receive_lock, mq->handle.pages[1], page);
}

static int mq_close(struct vcipc_mq *mq)
{
	int r;

	mq_bell_stop(mq);
	if (mq->body)
		munmap(mq->body, mq->body_bytes);
	r = handle_close(&mq->handle);
	free(mq);
	return r;
}

static int mq_open(struct vcipc_mq **ret, const char *name, int flags, mode_t mode,
		   const struct vcipc_mq_attr *attr)
{
	struct handle_request request = { .kind = VCIPC_MQ,
					  .name = name,
					  .flags = flags,
					  .mode = mode,
					  .controls = MQ_CONTROLS,
					  .init = mq_init_object,
					  .arg = attr };
	_cleanup_free_ struct vcipc_mq *mq = NULL;
	int r;

	if ((flags & VCIPC_RDONLY) || !mq_attr_is_sound(attr->maxmsg, attr->msgsize))
		return -EINVAL;
	request.size = layout_mq_place(attr->maxmsg, attr->msgsize).end;
	mq = calloc(1, sizeof(*mq));
	if (!mq)
		return -ENOMEM;
	r = handle_open(&mq->handle, &request);
	if (r < 0)
		return r;
	r = mq_map(mq);
	handle_forget_fd(&mq->handle);
	if (r < 0)
		mq_close(steal_ptr(mq));
	else
		*ret = steal_ptr(mq);
	return r;
}

vcipc_mq *vcipc_mq_open(const char *name, int flags, mode_t mode, const struct vcipc_mq_attr *attr)
{
	struct vcipc_mq *mq = NULL;

	handle_result(mq_open(&mq, name, flags, mode, attr ? attr : &mq_default));
	return mq;
}

int vcipc_mq_close(vcipc_mq *mq)
{
	return handle_result(mq_close(mq));
}

/* Returns the number of messages; more than maxmsg if the object is damaged. */
static uint64_t mq_used(const struct vcipc_mq *mq)
{
	/* received is read first, so that the difference is never negative. */
	uint64_t received = __atomic_load_n(&mq->receive->received, __ATOMIC_ACQUIRE);

	return __atomic_load_n(&mq->send->sent, __ATOMIC_ACQUIRE) - received;
}

int vcipc_mq_getattr(vcipc_mq *mq, struct vcipc_mq_attr *attr)
{
	uint64_t used = mq_used(mq);

	attr->maxmsg = mq->maxmsg;
	attr->msgsize = mq->msgsize;
	attr->curmsgs = used < mq->maxmsg ? (uint32_t)used : mq->maxmsg;
	return 0;
}

/* --- waiting ------------------------------------------------------------------------------- */

int mq_wait(struct mq_wait *wait, uint64_t seen)
{
	struct spin spin = spin_begin(wait->hint);

	do {
		if (__atomic_load_n(wait->counter, __ATOMIC_RELAXED) != seen) {
			spin_paid(&spin);
			return 0;
		}
	} while (spin_again(&spin));
	__atomic_store_n(wait->flag, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(wait->counter, __ATOMIC_SEQ_CST) != seen)
		return 0;
	wait->slept = true;
	return futex_sleep((uint32_t *)(void *)wait->counter, (uint32_t)seen, wait->deadline);
}

/* Wakes one sleeper, if there is one, after the counter has changed. */
static void mq_wake(const uint64_t *counter, uint32_t *flag)
{
	if (!__atomic_load_n(flag, __ATOMIC_SEQ_CST))
		return;
	__atomic_store_n(flag, 0, __ATOMIC_SEQ_CST);
	futex_wake((const uint32_t *)(const void *)counter, 1);
}

void mq_pass_on(const uint64_t *counter, uint32_t *flag, bool more)
{
	__atomic_store_n(flag, 1, __ATOMIC_SEQ_CST);
	if (more)
		mq_wake(counter, flag);
}

/* --- sending ------------------------------------------------------------------------------- */

/* Under the send lock. -EAGAIN: full; *ret_received is the value of received. */
static int mq_put(struct vcipc_mq *mq, const void *msg, size_t size, unsigned int prio,
		  uint64_t *ret_received)
{
	struct layout_mq_send *side = mq->send;
	uint64_t sent = __atomic_load_n(&side->sent, __ATOMIC_RELAXED);
	struct layout_mq_message *message;
	uint32_t slot;

	if (sent - side->received_seen >= mq->maxmsg) {
		*ret_received = __atomic_load_n(&mq->receive->received, __ATOMIC_ACQUIRE);
		side->received_seen = *ret_received;
		if (sent - *ret_received == mq->maxmsg)
			return -EAGAIN;
		if (sent - *ret_received > mq->maxmsg)
			return -EUCLEAN;
	}
	slot = __atomic_load_n(&mq->free[sent & mq->mask], __ATOMIC_RELAXED);
	if (slot >= mq->maxmsg)
		return -EUCLEAN;
	memcpy(mq->slots + slot * mq->slot_bytes, msg, size);
	message = &mq->messages[slot];
	message->key = (uint64_t)(VCIPC_PRIO_MAX - prio) << 48 | (sent & ((UINT64_C(1) << 48) - 1));
	message->size = (uint32_t)size;
	mq->inbox[sent & mq->mask] = slot;
	/* This sends it. */
	__atomic_store_n(&side->sent, sent + 1, __ATOMIC_SEQ_CST);
	return 0;
}

/* A side's lock is held for the time of a copy, unless its holder is stopped or moved, or the
 * memory is damaged. Therefore a try waits for a short time. */
static int mq_lock(struct lock *lock, bool try, const struct timespec *deadline)
{
	struct timespec soon;
	int r = lock_try(lock);

	if (r == -EBUSY)
		r = lock_take(lock, try ? vcipc_deadline(&soon, MQ_TRY_USEC) : deadline);
	if (try && r == -ETIMEDOUT)
		return -EAGAIN;
	return r == -EDEADLK ? -EUCLEAN : r;
}

/* deadline NULL and try false: waits forever. */
static int mq_send(struct vcipc_mq *mq, const void *msg, size_t size, unsigned int prio, bool try,
		   const struct timespec *deadline)
{
	struct mq_wait wait = { .counter = &mq->receive->received,
				.flag = &mq->receive->senders_wait,
				.hint = &mq->send_hint,
				.deadline = deadline };
	uint64_t received = 0;
	int r;

	if (prio > VCIPC_PRIO_MAX)
		return -EINVAL;
	if (size > mq->msgsize)
		return -EMSGSIZE;
	for (;;) {
		r = mq_lock(&mq->send_lock, try, deadline);
		if (r < 0 && r != -EOWNERDEAD)
			break;
		r = mq_put(mq, msg, size, prio, &received);
		lock_drop(&mq->send_lock);
		if (r != -EAGAIN || try)
			break;
		r = mq_wait(&wait, received);
		if (r < 0)
			break;
	}
	if (r == 0)
		mq_wake(&mq->send->sent, &mq->send->receivers_wait);
	if (wait.slept)
		mq_pass_on(wait.counter, wait.flag, mq_used(mq) < mq->maxmsg);
	return r;
}

int vcipc_mq_send(vcipc_mq *mq, const void *msg, size_t size, unsigned int prio)
{
	return handle_result(mq_send(mq, msg, size, prio, false, NULL));
}

int vcipc_mq_trysend(vcipc_mq *mq, const void *msg, size_t size, unsigned int prio)
{
	return handle_result(mq_send(mq, msg, size, prio, true, NULL));
}

int vcipc_mq_timedsend(vcipc_mq *mq, const void *msg, size_t size, unsigned int prio,
		       const struct timespec *deadline)
{
	return handle_result(mq_send(mq, msg, size, prio, false, deadline));
}

/* --- receiving ----------------------------------------------------------------------------- */

/* Under the receive lock. Returns the message's size. -EAGAIN: empty. */
static ssize_t mq_take(struct vcipc_mq *mq, void *msg, unsigned int *prio)
{
	struct layout_mq_receive *side = mq->receive;
	struct layout_mq_entry first;
	uint64_t received = side->received;
	uint32_t size;
	int r = mq_order_first(mq, &first);

	if (r < 0)
		return r;
	size = __atomic_load_n(&mq->messages[first.slot].size, __ATOMIC_RELAXED);
	if (size > mq->msgsize || first.key >> 48 > VCIPC_PRIO_MAX)
		return -EUCLEAN;
	memcpy(msg, mq->slots + first.slot * mq->slot_bytes, size);
	if (prio)
		*prio = VCIPC_PRIO_MAX - (unsigned int)(first.key >> 48);
	__atomic_store_n(&mq->free[(received + mq->maxmsg) & mq->mask], first.slot,
			 __ATOMIC_RELAXED);
	/* This receives it and frees the slot. */
	__atomic_store_n(&side->received, received + 1, __ATOMIC_SEQ_CST);
	mq_order_drop(mq, &first);
	return (ssize_t)size;
}

static ssize_t mq_take_locked(struct vcipc_mq *mq, void *msg, unsigned int *prio, bool try,
			      const struct timespec *deadline)
{
	int r = mq_lock(&mq->receive_lock, try, deadline);
	ssize_t size;

	if (r < 0 && r != -EOWNERDEAD)
		return r;
	size = r == -EOWNERDEAD ? mq_order_rebuild(mq) : 0;
	if (size == 0)
		size = mq_take(mq, msg, prio);
	lock_drop(&mq->receive_lock);
	return size;
}

static ssize_t mq_receive(struct vcipc_mq *mq, void *msg, size_t size, unsigned int *prio, bool try,
			  const struct timespec *deadline)
{
	struct mq_wait wait = { .counter = &mq->send->sent,
				.flag = &mq->send->receivers_wait,
				.hint = &mq->receive_hint,
				.deadline = deadline };
	ssize_t got;

	if (size < mq->msgsize)
		return -EMSGSIZE;
	for (;;) {
		uint64_t sent = __atomic_load_n(&mq->send->sent, __ATOMIC_ACQUIRE);

		got = -EAGAIN;
		if (sent != __atomic_load_n(&mq->receive->received, __ATOMIC_RELAXED))
			got = mq_take_locked(mq, msg, prio, try, deadline);
		if (got != -EAGAIN || try)
			break;
		got = mq_wait(&wait, sent);
		if (got < 0)
			break;
	}
	if (got >= 0)
		mq_wake(&mq->receive->received, &mq->receive->senders_wait);
	if (wait.slept)
		mq_pass_on(wait.counter, wait.flag, mq_used(mq) > 0);
	if (try && got == -EAGAIN)
		mq_bell_rearm(mq);
	return got;
}

/* handle_result() for a size. */
static ssize_t mq_result(ssize_t got)
{
	return got >= 0 ? got : handle_result((int)got);
}

ssize_t vcipc_mq_receive(vcipc_mq *mq, void *msg, size_t size, unsigned int *prio)
{
	return mq_result(mq_receive(mq, msg, size, prio, false, NULL));
}

ssize_t vcipc_mq_tryreceive(vcipc_mq *mq, void *msg, size_t size, unsigned int *prio)
{
	return mq_result(mq_receive(mq, msg, size, prio, true, NULL));
}

ssize_t vcipc_mq_timedreceive(vcipc_mq *mq, void *msg, size_t size, unsigned int *prio,
			      const struct timespec *deadline)
{
	return mq_result(mq_receive(mq, msg, size, prio, false, deadline));
}
