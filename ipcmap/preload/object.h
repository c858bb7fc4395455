/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * object.h - the System V semaphore sets and queues that this process has mapped
 *
 * An identifier works without a call to semget() or msgget() first, in a child as in a
 * stranger. So an object is mapped when it is first used, and counted as opened by this
 * process, whom its daemon then watches: when it is killed, what it left is put in order.
 */
#ifndef VC_IPCMAP_PRELOAD_OBJECT_H
#define VC_IPCMAP_PRELOAD_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/types.h>

#include "ipcmap/door/door.h"
#include "ipcmap/object/msgq.h"
#include "ipcmap/object/semset.h"

/* What all heads begin with. */
struct object_words {
	uint32_t guard, removed, owner_seq;
};
_Static_assert(offsetof(struct semset_head, removed) == offsetof(struct object_words, removed) &&
		       offsetof(struct semset_head, owner_seq) ==
			       offsetof(struct object_words, owner_seq),
	       "semset_head begins with object_words");
_Static_assert(offsetof(struct msgq_head, removed) == offsetof(struct object_words, removed) &&
		       offsetof(struct msgq_head, owner_seq) ==
			       offsetof(struct object_words, owner_seq),
	       "msgq_head begins with object_words");

struct object_user {
	pid_t pid; /* whom the daemon has counted */
	bool undo; /* it may have adjustments in a set */
};

struct object {
	struct object *next; /* in its bucket */
	uint32_t kind;
	int id;
	uint64_t full_id, created_usec;
	uint64_t handle; /* the owner's; a guest's is counted out with it. 0: none */
	void *base;
	uint64_t size;
	bool readonly;               /* no more is permitted */
	bool mapped_readonly;        /* no more was, when it was mapped */
	uid_t euid;                  /* whom it let in */
	uint32_t owner_seq;          /* as it was then */
	struct ipc_perm perm;        /* the same */
	unsigned int uses;           /* calls under way */
	struct object_user users[2]; /* the process whose memory this is, and its last guest */
	union {
		struct semset set;
		struct msgq q;
	};
};

/*
 * The object of an identifier, for one call, mapped for writing if write is set. flags: the
 * permissions that are needed, as for sysv_may(). Inside a section; object_put() gives it back.
 * 0, -EINVAL: there is none; -EACCES, and what door_open() says.
 */
int object_get(uint32_t kind, int id, int flags, bool write, struct object **ret);
void object_put(struct object *object);

/* As sysv_stat(), of IPC_STAT; of *ret_stat only what is known: id, size, created_usec, unlinked,
 * head. -ENOENT: the daemon is to be asked. */
int object_stat(uint32_t kind, uint64_t id, struct ipc_perm *ret, struct door_stat *ret_stat);

/* Maps what was opened by key. Closes opened->fd, whatever happens. 0 or -errno. */
int object_add(const struct door_object *opened);

/* This process among the object's users. */
struct object_user *object_user(struct object *object);

/* The object was removed, by this process or, as it turned out, by another. */
void object_removed(struct object *object);

/* Calls f for each object of the kind. Inside a section, at the process' end. */
void object_each(uint32_t kind, void (*f)(struct object *object));

#endif
