// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mq-order.c - the order of a queue's messages: by priority, then by number
 *
 * Messages mostly come in the order in which they leave, with one priority. Therefore a message
 * that comes after the last one of run, a ring in order, is appended to it, and other messages go
 * to a heap. The next message is the first of run or of the heap. Both belong to the receivers and
 * can be built again from the slots.
 *
 * All numbers here may be hostile. They are read once and checked against private values, which
 * also bound the loops.
 */
#include "ipcmap/library/mq.h"

#define KEY_NUMBER ((UINT64_C(1) << 48) - 1)

/* Numbers wrap around; priorities do not. */
static bool mq_comes_before(uint64_t a, uint64_t b)
{
	if (a >> 48 != b >> 48)
		return a >> 48 < b >> 48;
	return ((a - b) & KEY_NUMBER) > KEY_NUMBER / 2;
}

static void mq_heap_push(struct layout_mq_entry *heap, uint32_t n, struct layout_mq_entry entry)
{
	uint32_t i = n;

	while (i > 0 && mq_comes_before(entry.key, heap[(i - 1) / 2].key)) {
		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap[i] = entry;
}

/* Removes the first of n. */
static void mq_heap_pop(struct layout_mq_entry *heap, uint32_t n)
{
	struct layout_mq_entry last = heap[--n];
	uint32_t i = 0, child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n && mq_comes_before(heap[child + 1].key, heap[child].key))
			child++;
		if (!mq_comes_before(heap[child].key, last.key))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
}

static int mq_order_add(struct vcipc_mq *mq, struct layout_mq_entry entry)
{
	struct layout_mq_receive *r = mq->receive;
	uint32_t first = r->run_first, n = r->run_n, heap_n = r->heap_n;

	if (n >= mq->maxmsg || heap_n >= mq->maxmsg)
		return -EUCLEAN;
	if (n == 0 || mq_comes_before(mq->run[(first + n - 1) & mq->mask].key, entry.key)) {
		mq->run[(first + n) & mq->mask] = entry;
		r->run_n = n + 1;
	} else {
		mq_heap_push(mq->heap, heap_n, entry);
		r->heap_n = heap_n + 1;
	}
	return 0;
}

/* Takes new messages from the inbox. */
static int mq_order_drain(struct vcipc_mq *mq)
{
	uint64_t sent = __atomic_load_n(&mq->send->sent, __ATOMIC_ACQUIRE);
	uint64_t drained = mq->receive->drained;

	if (sent - drained > mq->maxmsg)
		return -EUCLEAN;
	for (; drained != sent; drained++) {
		struct layout_mq_entry entry = { .slot = mq->inbox[drained & mq->mask] };
		int r;

		if (entry.slot >= mq->maxmsg)
			return -EUCLEAN;
		entry.key = mq->messages[entry.slot].key;
		r = mq_order_add(mq, entry);
		if (r < 0)
			return r;
		mq->receive->drained = drained + 1;
	}
	return 0;
}

int mq_order_first(struct vcipc_mq *mq, struct layout_mq_entry *ret)
{
	const struct layout_mq_receive *receive = mq->receive;
	int r = mq_order_drain(mq);

	if (r < 0)
		return r;
	if (receive->run_n > mq->maxmsg || receive->heap_n > mq->maxmsg)
		return -EUCLEAN;
	if (receive->run_n == 0 && receive->heap_n == 0)
		return -EAGAIN;
	*ret = receive->run_n > 0 ? mq->run[receive->run_first & mq->mask] : mq->heap[0];
	if (receive->heap_n > 0 && mq_comes_before(mq->heap[0].key, ret->key))
		*ret = mq->heap[0];
	return ret->slot < mq->maxmsg ? 0 : -EUCLEAN;
}

void mq_order_drop(struct vcipc_mq *mq, const struct layout_mq_entry *first)
{
	struct layout_mq_receive *r = mq->receive;
	uint32_t heap_n = r->heap_n;

	if (r->run_n > 0 && mq->run[r->run_first & mq->mask].key == first->key) {
		r->run_first++;
		r->run_n--;
	} else if (heap_n > 0 && heap_n <= mq->maxmsg) {
		mq_heap_pop(mq->heap, heap_n);
		r->heap_n = heap_n - 1;
	}
}

/*
 * The list of free slots is always consistent: the ring's part from sent to received + maxmsg. A
 * sender may work at the same time; it writes to free slots only, and its message is not seen here.
 */
int mq_order_rebuild(struct vcipc_mq *mq)
{
	uint64_t sent = __atomic_load_n(&mq->send->sent, __ATOMIC_ACQUIRE);
	uint64_t received = mq->receive->received;
	uint32_t n = 0;

	if (sent - received > mq->maxmsg)
		return -EUCLEAN;
	mq->receive->run_n = 0;
	mq->receive->heap_n = UINT32_MAX; /* invalid until the end */
	for (uint32_t slot = 0; slot < mq->maxmsg; slot++)
		mq->messages[slot].free = 0;
	for (uint64_t i = sent; i != received + mq->maxmsg; i++) {
		uint32_t slot = mq->free[i & mq->mask];

		if (slot >= mq->maxmsg)
			return -EUCLEAN;
		mq->messages[slot].free = 1;
	}
	for (uint32_t slot = 0; slot < mq->maxmsg; slot++) {
		struct layout_mq_entry entry = { .slot = slot };

		if (mq->messages[slot].free)
			continue;
		entry.key = mq->messages[slot].key;
		mq_heap_push(mq->heap, n++, entry);
	}
	if (n != sent - received)
		return -EUCLEAN;
	mq->receive->drained = sent;
	mq->receive->heap_n = n;
	return 0;
}
