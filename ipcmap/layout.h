/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * layout.h - the layout of an object's file: the contract between the programs that share it
 *
 * A file begins with one control page (a queue has two). A control page ends with the word of a
 * lock (lock.h explains why) and the data that the lock guards:
 *
 * 	page 0    head | the kind's part, at 64 | ... | queue: layout_mq_send | lock word
 * 	page 1    (queue)                       | ... |     layout_mq_receive | lock word
 * 	then      (queue) inbox, free, run, heap, message heads, messages
 * 	          (shm) the memory, from page 1 on
 *
 * Pages have the system's size. Numbers are little-endian. The data may be hostile: read each
 * number once, check it, then use it.
 */
#ifndef VC_IPCMAP_LAYOUT_H
#define VC_IPCMAP_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "ipcmap/count.h"
#include "ipcmap/kind.h"

#define LAYOUT_MAGIC 0x50494356u /* "VCIP" */
#define LAYOUT_VERSION 1
#define LAYOUT_OWN 64 /* the offset of the kind's part in page 0 */

enum layout_init {
	LAYOUT_NEW = 0,   /* as the daemon has created it: all zero */
	LAYOUT_READY = 2, /* initialised; written last */
};

/* The first bytes of each file. */
struct layout_head {
	uint32_t magic;
	uint16_t version;
	uint16_t kind;
	uint32_t init; /* enum layout_init; a futex */
	uint32_t reserved[13];
};
_Static_assert(sizeof(struct layout_head) == LAYOUT_OWN, "the head is 64 bytes");

/* EVENT and SEM, at LAYOUT_OWN. */
struct layout_count {
	struct count count;
};
_Static_assert(sizeof(struct layout_count) == 8, "the count is one word");

/* MUTEX, at LAYOUT_OWN; its lock is page 0's. */
struct layout_mutex {
	uint32_t broken; /* not 0: ENOTRECOVERABLE */
};

/* MQ, at LAYOUT_OWN: constant after LAYOUT_READY. */
struct layout_mq {
	uint32_t maxmsg;
	uint32_t msgsize;
};

/*
 * MQ: the senders' data. Message number N (from 0) is in the slot inbox[N], which was taken from
 * free[N]. To add 1 to sent sends it. These arrays are rings: an index is taken modulo their
 * length, which is maxmsg rounded up to a power of two.
 */
struct layout_mq_send {
	/* Receivers read these and wait for them. */
	uint64_t sent;           /* messages so far; receivers sleep on the lower half */
	uint32_t receivers_wait; /* not 0: some may */
	uint32_t reserved[13];
	/* A cache line of the senders, with their lock. */
	uint64_t received_seen; /* the last known value of received */
	uint64_t reserved2[6];
	uint32_t lock;
	uint32_t reserved3;
};
_Static_assert(sizeof(struct layout_mq_send) == 128, "two cache lines, the last of its page");
_Static_assert(offsetof(struct layout_mq_send, received_seen) == 64, "a line of their own");
_Static_assert(offsetof(struct layout_mq_send, lock) == 120, "the lock is where lock.h has it");

/*
 * MQ: the receivers' data. They take messages from the inbox and keep them in order: a message that
 * comes after the last one of run, a ring in order, is appended to it; other messages go to heap.
 * To add 1 to received takes a message from the queue and returns its slot to the senders, in
 * free[received + maxmsg].
 *
 * If a sender dies, nothing needs a repair: its slot is still free. If a receiver dies, run and
 * heap are built again from the slots that are not free.
 */
struct layout_mq_receive {
	/* Senders read these and wait for them. */
	uint64_t received;     /* messages so far; senders sleep on the lower half */
	uint32_t senders_wait; /* not 0: some may */
	uint32_t reserved[13];
	/* A cache line of the receivers. */
	uint32_t run_first, run_n;
	uint32_t heap_n;
	uint32_t reserved2;
	uint64_t drained; /* messages taken from the inbox */
	uint64_t reserved3[4];
	uint32_t lock;
	uint32_t reserved4;
};
_Static_assert(sizeof(struct layout_mq_receive) == 128, "two cache lines, the last of its page");
_Static_assert(offsetof(struct layout_mq_receive, run_first) == 64, "a line of their own");
_Static_assert(offsetof(struct layout_mq_receive, lock) == 120, "the lock is where lock.h has it");

/* MQ: a message in the order; the lowest key is first. */
struct layout_mq_entry {
	uint64_t key; /* (the highest priority - its priority) << 48 | its number */
	uint32_t slot;
	uint32_t reserved;
};
_Static_assert(sizeof(struct layout_mq_entry) == 16, "four a cache line");

/* MQ: the head of a slot. */
struct layout_mq_message {
	uint64_t key;
	uint32_t size;
	uint32_t free; /* used by the repair */
};
_Static_assert(sizeof(struct layout_mq_message) == 16, "four a cache line");

/* MQ: the offsets of the arrays behind the two control pages. */
struct layout_mq_places {
	uint32_t ring; /* length of inbox, free and run */
	uint64_t inbox, free, run, heap, messages, slots;
	uint64_t slot_bytes; /* msgsize rounded up to whole cache lines */
	uint64_t end;
};

static inline uint64_t layout_line(uint64_t bytes)
{
	return (bytes + 63) & ~(uint64_t)63;
}

static inline struct layout_mq_places layout_mq_place(uint32_t maxmsg, uint32_t msgsize)
{
	struct layout_mq_places at = { .ring = 1, .slot_bytes = layout_line(msgsize) };

	while (at.ring < maxmsg)
		at.ring *= 2;
	at.free = at.inbox + layout_line((uint64_t)at.ring * sizeof(uint32_t));
	at.run = at.free + layout_line((uint64_t)at.ring * sizeof(uint32_t));
	at.heap = at.run + layout_line((uint64_t)at.ring * sizeof(struct layout_mq_entry));
	at.messages = at.heap + layout_line((uint64_t)maxmsg * sizeof(struct layout_mq_entry));
	at.slots = at.messages + layout_line((uint64_t)maxmsg * sizeof(struct layout_mq_message));
	at.end = at.slots + (uint64_t)maxmsg * at.slot_bytes;
	return at;
}

#endif
