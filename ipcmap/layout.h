/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * layout.h - an object's file, byte by byte: the contract between programs that share it
 *
 * A file begins with one control page (a queue has two). A page of control ends
 * with the word of a lock, for the reason in lock.h, and with what that lock guards:
 *
 *	page 0    head | the kind's own, at 64 | ... | queue: struct mq_send | lock word
 *	page 1    (queue)                      | ... |        struct mq_receive | lock word
 *	then      (queue) inbox, free, run, heap, message heads, messages
 *	          (shm) the memory itself, from page 1
 *
 * Pages are the system's. Numbers are the machine's, little-endian. What is read from
 * here was written by somebody who may not be trusted: read once, checked, then used.
 */
#ifndef VC_IPCMAP_LAYOUT_H
#define VC_IPCMAP_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "ipcmap/count.h"
#include "ipcmap/kind.h"

#define LAYOUT_MAGIC 0x50494356u /* "VCIP" */
#define LAYOUT_VERSION 1
#define LAYOUT_OWN 64 /* where the kind's own begins in page 0 */

enum layout_init {
	LAYOUT_NEW = 0,   /* as the daemon made it: all zero */
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

/* MQ, at LAYOUT_OWN: never changed once it is ready. */
struct layout_mq {
	uint32_t maxmsg;
	uint32_t msgsize;
};

/*
 * MQ: what senders write. Message number N (from 0) is in the slot that inbox[N] says, which
 * was taken from free[N]; adding 1 to sent is what sends it. These arrays are rings: an
 * index is taken modulo their length, which is maxmsg rounded up to a power of two.
 */
struct layout_mq_send {
	uint64_t sent;           /* messages so far; its lower half is what receivers sleep on */
	uint32_t receivers_wait; /* not 0: some may */
	uint32_t reserved;
	uint64_t received_seen; /* received, as last looked at */
	uint64_t reserved2[4];
	uint32_t lock;
	uint32_t reserved3;
};
_Static_assert(sizeof(struct layout_mq_send) == 64, "one cache line, the last of its page");
_Static_assert(offsetof(struct layout_mq_send, lock) == 56, "the lock is where lock.h has it");

/*
 * MQ: what receivers write. They take messages out of the inbox and keep them in order:
 * in run, a ring in which each comes after the one before, when a message fits behind its
 * last; else in heap. Adding 1 to received is what takes a message out of the queue, and
 * gives its slot, in free[received + maxmsg], back to the senders.
 *
 * A sender that dies leaves nothing to repair: its slot is still free. After a
 * receiver that died, run and heap are built anew from the slots that are not free.
 */
struct layout_mq_receive {
	uint64_t received;     /* messages so far; its lower half is what senders sleep on */
	uint32_t senders_wait; /* not 0: some may */
	uint32_t run_first, run_n;
	uint32_t heap_n;
	uint64_t drained; /* messages taken out of the inbox */
	uint64_t reserved[3];
	uint32_t lock;
	uint32_t reserved2;
};
_Static_assert(sizeof(struct layout_mq_receive) == 64, "one cache line, the last of its page");
_Static_assert(offsetof(struct layout_mq_receive, lock) == 56, "the lock is where lock.h has it");

/* MQ: a message in order; the lower key comes first. */
struct layout_mq_entry {
	uint64_t key; /* the highest priority less its own, << 48, | its number */
	uint32_t slot;
	uint32_t reserved;
};
_Static_assert(sizeof(struct layout_mq_entry) == 16, "four a cache line");

/* MQ: what belongs to a slot's bytes. */
struct layout_mq_message {
	uint64_t key;
	uint32_t size;
	uint32_t free; /* a note of the repair's */
};
_Static_assert(sizeof(struct layout_mq_message) == 16, "four a cache line");

/* Where MQ's arrays begin, in bytes behind the two control pages. */
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
