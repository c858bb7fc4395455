/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * msgq-priv.h - shared by the files of the message queue
 */
#ifndef VC_IPCMAP_MSGQ_PRIV_H
#define VC_IPCMAP_MSGQ_PRIV_H

#include "ipcmap/object/msgq.h"

static inline uint32_t msgq_load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* The number of blocks of a message. */
static inline uint64_t msgq_blocks_of(uint64_t size)
{
	return size <= MSGQ_FIRST_BYTES
		       ? 1
		       : 1 + (size - MSGQ_FIRST_BYTES + MSGQ_MORE_BYTES - 1) / MSGQ_MORE_BYTES;
}

/* The block of an index in the memory; NULL: it is out of range. */
static inline struct msgq_block *msgq_block_at(const struct msgq *q, uint32_t link)
{
	return link > 0 && link <= q->n_blocks ? &q->blocks[link - 1] : NULL;
}

/* Takes the guard and repairs the queue if necessary. 0; -EIDRM: removed or broken. */
int msgq_enter(struct msgq *q);
void msgq_exit(struct msgq *q);

/* Under the guard: cuts the list of messages before the first invalid one, computes everything else
 * from it, and wakes all sleepers. */
void msgq_repair(struct msgq *q);

/* Under the guard: wakes those that wait for a message, or for room. */
void msgq_wake_readers(struct msgq *q);
void msgq_wake_writers(struct msgq *q);

/* Under the guard: fills a chain of blocks with a message and does not link it. Returns its index;
 * 0: there are not enough blocks. */
uint32_t msgq_store(struct msgq *q, const struct msgq_message *message);

/* Copies at most room bytes of a message. -EBADMSG: its chain is broken. */
int msgq_fetch(const struct msgq *q, uint32_t link, void *data, size_t room);

/* Frees the blocks of a message. */
void msgq_free(struct msgq *q, uint32_t link);

/* Under the guard: called when a message comes to an empty queue. */
void msgq_notify_fire(struct msgq *q, uint32_t sender);

/* Under the guard: ends the registration of the process. */
void msgq_notify_forget(struct msgq *q, uint32_t pid);

#endif
