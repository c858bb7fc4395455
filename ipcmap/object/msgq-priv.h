/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * msgq-priv.h - what the files of the message queue share
 */
#ifndef VC_IPCMAP_MSGQ_PRIV_H
#define VC_IPCMAP_MSGQ_PRIV_H

#include "ipcmap/object/msgq.h"

static inline uint32_t msgq_load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* Blocks that a message of that many bytes takes. */
static inline uint64_t msgq_blocks_of(uint64_t size)
{
	return size <= MSGQ_FIRST_BYTES
		       ? 1
		       : 1 + (size - MSGQ_FIRST_BYTES + MSGQ_MORE_BYTES - 1) / MSGQ_MORE_BYTES;
}

/* The block of an index as the memory has it; NULL: there is none of that number. */
static inline struct msgq_block *msgq_block_at(const struct msgq *q, uint32_t link)
{
	return link > 0 && link <= q->n_blocks ? &q->blocks[link - 1] : NULL;
}

/* Takes the guard, repaired where need be. 0, or -EIDRM: removed, or beyond help. */
int msgq_enter(struct msgq *q);
void msgq_exit(struct msgq *q);

/* Under the guard: works out everything from the list of messages, which ends before the first
 * that cannot be one, and wakes everybody. */
void msgq_repair(struct msgq *q);

/* Under the guard: wakes who waits for a message, or for room. */
void msgq_wake_readers(struct msgq *q);
void msgq_wake_writers(struct msgq *q);

/*
 * Under the guard: blocks filled with a message, in a chain, not in the list yet. Returns its
 * link; 0: the blocks there should be are not there.
 */
uint32_t msgq_store(struct msgq *q, const struct msgq_message *message);

/* Copies at most room bytes of a message out. -EBADMSG: its chain is broken. */
int msgq_fetch(const struct msgq *q, uint32_t link, void *data, size_t room);

/* Gives the blocks of a message back. */
void msgq_free(struct msgq *q, uint32_t link);

/* Under the guard: a message has come to an empty queue. */
void msgq_notify_fire(struct msgq *q, uint32_t sender);

/* Under the guard: the process is not registered any more. */
void msgq_notify_forget(struct msgq *q, uint32_t pid);

#endif
