/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mq.h - a message queue's handle, seen by its own files
 *
 *	mq.c        opening, sending, receiving, waiting
 *	mq-order.c  the messages in order, on the receivers' side
 *	mq-bell.c   the descriptor that says that a message has come
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
	uint32_t maxmsg, msgsize; /* checked, and from then on not looked at in shared memory */
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
	struct mq_bell *bell; /* NULL: nobody has asked for it */
	unsigned char *body;  /* the mapping behind the control pages */
	size_t body_bytes;
	struct handle handle;
};

/* Waits until a counter is no longer what it was seen to be. 0: look again; -ETIMEDOUT,
 * -EINVAL. Sets *slept when it was not had for looking alone. */
struct mq_wait {
	uint64_t *counter;
	uint32_t *flag; /* beside it: somebody may sleep */
	struct spin_hint *hint;
	const struct timespec *deadline;
	bool slept;
};
int mq_wait(struct mq_wait *wait, uint64_t seen);
/* After counter has changed: wakes one, if somebody may sleep. */
void mq_wake(const uint64_t *counter, uint32_t *flag);
/* Somebody who has slept goes: others may sleep yet, and more says if there is work for one. */
void mq_pass_on(const uint64_t *counter, uint32_t *flag, bool more);
/* Messages in it now; more than maxmsg: rubbish. */
uint64_t mq_used(const struct vcipc_mq *mq);

/*
 * mq-order.c; all under the receive lock. -EUCLEAN: rubbish.
 * mq_order_first: the message that is next, *ret; -EAGAIN: there is none. mq_order_drop()
 * takes it from the order. mq_order_rebuild: puts in order whatever is in the queue.
 */
int mq_order_first(struct vcipc_mq *mq, struct layout_mq_entry *ret);
void mq_order_drop(struct vcipc_mq *mq, const struct layout_mq_entry *first);
int mq_order_rebuild(struct vcipc_mq *mq);

/* mq-bell.c; both do nothing where there is no bell. mq_bell_rearm: a try has found the queue
 * empty, so the descriptor becomes quiet. */
void mq_bell_rearm(struct vcipc_mq *mq);
void mq_bell_stop(struct vcipc_mq *mq);

#endif
