// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * msgq-blocks.c - the blocks of a queue: to take, fill, free and repair them
 *
 * Free blocks form a list through "more". Blocks beyond "fresh" were never used, so the pages of a
 * new queue are not touched.
 */
#include "ipcmap/object/msgq-priv.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static uint32_t block_take(struct msgq *q)
{
	uint32_t link = msgq_load(&q->head->free);
	struct msgq_block *block = msgq_block_at(q, link);

	if (block) {
		q->head->free = msgq_load(&block->more);
		return link;
	}
	link = msgq_load(&q->head->fresh);
	if (q->head->free || link >= q->n_blocks)
		return 0;
	q->head->fresh = link + 1;
	return link + 1;
}

static void block_give(struct msgq *q, uint32_t link)
{
	struct msgq_block *block = msgq_block_at(q, link);

	block->more = q->head->free;
	q->head->free = link;
}

uint32_t msgq_store(struct msgq *q, const struct msgq_message *message)
{
	size_t done = message->size < MSGQ_FIRST_BYTES ? message->size : MSGQ_FIRST_BYTES;
	uint32_t link = block_take(q), *more;
	struct msgq_block *block = msgq_block_at(q, link);

	if (!block)
		return 0;
	block->first.next = 0;
	block->first.type = message->type;
	block->first.size = (uint32_t)message->size;
	memcpy(block->first.data, message->data, done);
	more = &block->more;
	while (done < message->size) {
		size_t n = message->size - done < MSGQ_MORE_BYTES ? message->size - done
								  : MSGQ_MORE_BYTES;
		uint32_t next = block_take(q);

		block = msgq_block_at(q, next);
		if (!block)
			return 0;
		*more = next;
		more = &block->more;
		memcpy(block->rest.data, (const char *)message->data + done, n);
		done += n;
	}
	*more = 0;
	return link;
}

int msgq_fetch(const struct msgq *q, uint32_t link, void *data, size_t room)
{
	const struct msgq_block *block = msgq_block_at(q, link);
	size_t done = room < MSGQ_FIRST_BYTES ? room : MSGQ_FIRST_BYTES;

	if (!block)
		return -EBADMSG;
	memcpy(data, block->first.data, done);
	link = msgq_load(&block->more);
	while (done < room) {
		size_t n = room - done < MSGQ_MORE_BYTES ? room - done : MSGQ_MORE_BYTES;

		block = msgq_block_at(q, link);
		if (!block)
			return -EBADMSG;
		memcpy((char *)data + done, block->rest.data, n);
		link = msgq_load(&block->more);
		done += n;
	}
	return 0;
}

void msgq_free(struct msgq *q, uint32_t link)
{
	const struct msgq_block *block = msgq_block_at(q, link);
	uint64_t n = block ? msgq_blocks_of(msgq_load(&block->first.size)) : 0;

	for (n = n < q->n_blocks ? n : q->n_blocks; block && n > 0; n--) {
		uint32_t more = msgq_load(&block->more);

		block_give(q, link);
		link = more;
		block = msgq_block_at(q, link);
	}
}

/* --- repair ------------------------------------------------------------------------------ */

/* A bit for each block: it is part of a message. */
struct used {
	uint8_t *bits;
	size_t bytes;
};

static bool used_mark(struct used *used, uint32_t link)
{
	uint8_t bit = (uint8_t)(1u << (link & 7));

	if (used->bits[link >> 3] & bit)
		return false;
	used->bits[link >> 3] |= bit;
	return true;
}

/* Marks the blocks of a message. Returns false if it is not complete or shares a block. */
static bool repair_message(const struct msgq *q, struct used *used, uint32_t link)
{
	uint64_t n = msgq_blocks_of(msgq_load(&q->blocks[link - 1].first.size));

	for (; n > 0; n--) {
		const struct msgq_block *block = msgq_block_at(q, link);

		if (!block || link > msgq_load(&q->head->fresh) || !used_mark(used, link))
			return false;
		link = msgq_load(&block->more);
	}
	return true;
}

static void repair_free_list(struct msgq *q, struct used *used)
{
	uint32_t fresh = msgq_load(&q->head->fresh);

	if (fresh > q->n_blocks)
		q->head->fresh = fresh = q->n_blocks;
	q->head->free = 0;
	for (uint32_t link = fresh; link > 0; link--)
		if (used_mark(used, link))
			block_give(q, link);
}

void msgq_repair(struct msgq *q)
{
	struct used used = { .bytes = (size_t)q->n_blocks / 8 + 1 };
	uint32_t link = msgq_load(&q->head->first), n = 0, last = 0;
	uint64_t bytes = 0;

	/* Not malloc(): this may run in a signal handler that has interrupted malloc(). */
	used.bits =
		mmap(NULL, used.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (used.bits == MAP_FAILED)
		return;
	while (msgq_block_at(q, link) && repair_message(q, &used, link)) {
		bytes += msgq_load(&q->blocks[link - 1].first.size);
		n++;
		last = link;
		link = msgq_load(&q->blocks[link - 1].first.next);
	}
	if (last)
		q->blocks[last - 1].first.next = 0;
	else
		q->head->first = 0;
	q->head->last = last;
	q->head->n = n;
	q->head->bytes = bytes;
	repair_free_list(q, &used);
	munmap(used.bits, used.bytes);
	msgq_wake_readers(q);
	msgq_wake_writers(q);
}
