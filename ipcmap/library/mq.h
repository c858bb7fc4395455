/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mq.h - a message queue's handle, for the files of the queue
 *
 * 	mq.c        opening, sending, receiving, waiting
 * 	mq-order.c  the order of the messages, on the receivers' side
 * 	mq-bell.c   the descriptor that becomes readable when a message comes
 */
#ifndef VC_IPCMAP_MQ_H
#define VC_IPCMAP_MQ_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "ipcmap/handle.h"
#include "ipcmap/spin.h"
#include "ipcmap/vcipc.h"

struct mq_bell;

struct vcipc_mq {
	uint32_t maxmsg, msgsize; /* checked copies; shared memory may change */
	uint32_t mask;            /* of the rings' indices */
	size_t slot_bytes;
	/* In the object's memory: */
	struct layout_mq_send *send;
	struct layout_mq_receive *receive;
	uint32_t *inbox, *free;
	struct layout_mq_entry *run, *heap;
	struct layout_mq_message *messages;
	unsigned char *slots;

	struct lock send_lock, receive_lock;
	struct spin_hint send_hint, receive_hint;
	struct mq_bell *bell; /* NULL: vcipc_mq_fd() was not called */
	unsigned char *body;  /* the mapping behind the control pages */
	size_t body_bytes;
	struct handle handle;
};

/* Waits until a counter differs from the value seen. 0: look again; -ETIMEDOUT, -EINVAL. Sets slept
 * if polling was not enough. */
struct mq_wait {
	uint64_t *counter;
	uint32_t *flag; /* of the same side: threads may sleep */
	struct spin_hint *hint;
	const struct timespec *deadline;
	bool slept;
};
int mq_wait(struct mq_wait *wait, uint64_t seen);
/* Called by a thread that has slept, at its end: others may still sleep. more: one of them can go
 * on. */
void mq_pass_on(const uint64_t *counter, uint32_t *flag, bool more);

/*
 * mq-order.c; all under the receive lock. -EUCLEAN: the object is damaged.
 * mq_order_first() finds the next message; -EAGAIN: there is none. mq_order_drop() removes it from
 * the order. mq_order_rebuild() builds the order again from the slots.
 */
int mq_order_first(struct vcipc_mq *mq, struct layout_mq_entry *ret);
void mq_order_drop(struct vcipc_mq *mq, const struct layout_mq_entry *first);
int mq_order_rebuild(struct vcipc_mq *mq);

/* mq-bell.c; both do nothing without a bell. mq_bell_rearm() is called when a try has found the
 * queue empty: the descriptor stops being readable. */
void mq_bell_rearm(struct vcipc_mq *mq);
void mq_bell_stop(struct vcipc_mq *mq);

#endif
