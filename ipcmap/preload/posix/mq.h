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

#define MQ_FDS 65536 /* only mq_*() know descriptors from this number on */

/* One open queue. The descriptor is that of the object's file. */
struct mq_opened {
	struct mq_opened *next;
	mqd_t fd;
	dev_t dev; /* of that file */
	ino_t ino;
	int access; /* O_RDONLY, O_WRONLY, O_RDWR, as asked for */
	struct msgq q;
	uint64_t size, id, handle;
	pid_t pid;                /* the process that has the handle */
	unsigned int uses;        /* calls that use it now, and the open itself */
	struct mq_bell *bell;     /* of poll() and epoll */
	struct mq_waiter *waiter; /* of the last mq_notify() through this descriptor */
};

/* Returns the open queue of a descriptor for one call. Inside a section. -EBADF. */
int mq_get(mqd_t fd, struct mq_opened **ret);
void mq_put(struct mq_opened *opened);

/* Whether this process has any queue open, and whether the descriptor is that of a queue. Both only
 * read memory and may be called anywhere. */
bool mq_any(void);
bool mq_is_queue(int fd);

/* Calls f for each open queue. With the lock held. */
void mq_each(void (*f)(struct mq_opened *opened));

/* Notes in the open file how it was opened, for other processes that get the descriptor. */
void mq_note_access(mqd_t fd, int access);

/* The queue of a descriptor that another process opened. It is not in the list yet. NULL: it is no
 * queue. With the lock held. */
struct mq_opened *mq_adopt(mqd_t fd);

/* Adds an opened queue to the list. Takes the lock. */
void mq_insert(struct mq_opened *opened);

/* Maps the opened object. 0 or -errno. */
int mq_map(struct mq_opened *opened, const struct door_object *door);

/* The descriptor has been closed, or has become a copy of a queue's. */
void mq_closed(mqd_t fd);
void mq_copied(mqd_t fd, mqd_t copy);

/* Converts the result of F_GETFL for the file to that for the queue. */
int mq_flags(mqd_t fd, int flags);

/* Whether the descriptor is that of a bell, which the program does not know. mq_bell_lost(): the
 * bell has lost its number, or is about to. */
bool mq_is_bell(int fd);
void mq_bell_lost(int fd);

/* The queue ends, or the process is a fork's child, which has no thread. With the lock held. */
void mq_bell_end(struct mq_opened *opened);
void mq_bell_forked(struct mq_opened *opened);

/* A message was sent through this queue. This process may be registered for it. */
void mq_notify_sent(struct mq_opened *opened);

/* Ends this process's registration at the queue, if there is one. */
void mq_notify_close(struct mq_opened *opened);

/* In a fork's child: forgets the registration, which is the parent's. */
void mq_notify_forked(struct mq_opened *opened);

#endif
