/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * object.h - the System V semaphore sets and queues that this process has mapped
 *
 * A process may use an identifier without a call to semget() or msgget(). So an object is mapped
 * and counted as opened when it is first used. The daemon then watches the process, and repairs the
 * object if the process is killed.
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

/* The first words of every head. */
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
	pid_t pid; /* the process that the daemon has counted */
	bool undo; /* it may have adjustments in a set */
};

struct object {
	struct object *next; /* next in its bucket */
	uint32_t kind;
	int id;
	uint64_t full_id, created_usec;
	uint64_t handle; /* of the owner; 0: none. A guest is counted out together with it */
	void *base;
	uint64_t size;
	bool readonly;               /* the caller may only read it */
	bool mapped_readonly;        /* it is mapped for reading only */
	uid_t euid;                  /* the user that was allowed to open it */
	uint32_t owner_seq;          /* its value at that time */
	struct ipc_perm perm;        /* of the same time */
	unsigned int uses;           /* calls that use it now */
	struct object_user users[2]; /* the owner of this memory, and its last guest */
	union {
		struct semset set;
		struct msgq q;
	};
};

/*
 * Returns the object of an identifier for one call, mapped for writing if write is set. flags: the
 * permissions that the call needs, as in sysv_may(). Inside a section. object_put() releases it.
 * -EINVAL: it does not exist. -EACCES, and the errors of door_open().
 */
int object_get(uint32_t kind, int id, int flags, bool write, struct object **ret);
void object_put(struct object *object);

/* As sysv_stat() for IPC_STAT, from mapped memory. Sets only id, size, created_usec, unlinked and
 * head of *ret_stat. -ENOENT: the caller asks the daemon. */
int object_stat(uint32_t kind, uint64_t id, struct ipc_perm *ret, struct door_stat *ret_stat);

/* Maps an object that was opened by key. Always closes opened->fd. 0 or -errno. */
int object_add(const struct door_object *opened);

/* This process's entry in the object's users. */
struct object_user *object_user(struct object *object);

/* Removes a set of semaphores or a message queue of System V. Inside a section. 0 or -errno. */
int object_remove(uint32_t kind, int id);

/* Calls f for each object of the kind, when the process ends. Inside a section. */
void object_each(uint32_t kind, void (*f)(struct object *object));

#endif
