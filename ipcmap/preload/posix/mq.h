/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mq.h - the message queues that this process has open
 */
#ifndef VC_IPCMAP_PRELOAD_POSIX_MQ_H
#define VC_IPCMAP_PRELOAD_POSIX_MQ_H

#include <mqueue.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipcmap/door/door.h"
#include "ipcmap/object/msgq.h"

struct mq_waiter; /* mq-notify.c */
struct mq_bell;   /* mq-poll.c */

#define MQ_FDS 65536 /* descriptors from there on are known to mq_*() alone */

/* One open queue; the descriptor is a real one, of the object's file. */
struct mq_opened {
	struct mq_opened *next;
	mqd_t fd;
	dev_t dev; /* of that file */
	ino_t ino;
	int access; /* O_RDONLY, O_WRONLY, O_RDWR, as asked for */
	struct msgq q;
	uint64_t size, id, handle;
	pid_t pid;                /* whose handle that is */
	unsigned int uses;        /* calls under way, and the open itself */
	struct mq_bell *bell;     /* of poll() and epoll */
	struct mq_waiter *waiter; /* the last mq_notify()'s through this descriptor */
};

/* The open queue of a descriptor, for one call; inside a section. -EBADF. */
int mq_get(mqd_t fd, struct mq_opened **ret);
void mq_put(struct mq_opened *opened);

/* Whether this process has any queue open, and whether the descriptor is one's: a look at memory,
 * for any call, anywhere. */
bool mq_any(void);
bool mq_is_queue(int fd);

/* Calls f for each open queue. Under the lock. */
void mq_each(void (*f)(struct mq_opened *opened));

/* Notes in the open file how it was opened, for whoever else gets it. */
void mq_note_access(mqd_t fd, int access);

/* The queue of a descriptor that somebody else has opened; it is not in the list yet. NULL: it is
 * none. Under the lock. */
struct mq_opened *mq_adopt(mqd_t fd);

/* Adds an opened queue to the list. Takes the lock. */
void mq_insert(struct mq_opened *opened);

/* Maps what door has opened. 0 or -errno. */
int mq_map(struct mq_opened *opened, const struct door_object *door);

/* The descriptor has been closed, or has become a copy of a queue's. */
void mq_closed(mqd_t fd);
void mq_copied(mqd_t fd, mqd_t copy);

/* F_GETFL's answer, of what it is for the descriptor's file. */
int mq_flags(mqd_t fd, int flags);

/* Whether the descriptor is a bell's, which the program knows nothing of; and that it has lost its
 * number, or is about to. */
bool mq_is_bell(int fd);
void mq_bell_lost(int fd);

/* The bell ends with its queue, or has a thread in the parent. Under the lock. */
void mq_bell_end(struct mq_opened *opened);
void mq_bell_forked(struct mq_opened *opened);

/* A message was sent through this queue, perhaps to a registration of this very process. */
void mq_notify_sent(struct mq_opened *opened);

/* Ends this process' registration at the queue, if it has one. */
void mq_notify_close(struct mq_opened *opened);

/* In a fork's child: the registration was its parent's. */
void mq_notify_forked(struct mq_opened *opened);

#endif
