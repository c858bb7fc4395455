/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lock.h - a robust lock between processes that do not trust each other's bytes
 *
 * When a thread ends, for whatever reason, the kernel walks a list of the locks that it holds
 * and marks each as orphaned; the C library's robust mutexes are built on that, and so is
 * this. But a pthread_mutex_t keeps that list's links in itself, in the shared memory,
 * where another process can make the library follow them anywhere. Here the links
 * are the process's own:
 *
 *	    shared: a page of the object's file      private: a page of this mapping
 *	+-----------------------------------+------++-----------+------+----------------
 *	| ...                               | word ||           | link |
 *	+-----------------------------------+------++-----------+------+----------------
 *	                                    ^                   ^
 *	                                    +--- futex_offset --+
 *
 * The kernel finds a lock's word at a fixed distance from its link. The C library sets that
 * distance for each thread and is the owner of the list; we put our links into it by
 * its own convention. So the word is the last thing of a page, and behind that page lies,
 * at each mapping, a private one for the link. A list has at most 2048 locks that the
 * kernel will walk.
 *
 * The lock's state is in no process that might have died, and no PID is ever looked for: the owner
 * of a lock may be in the middle of a move, where it does not exist for a moment. CRIU
 * carries mappings and list; libmig/robust.c sees to it that the original's death marks nothing.
 */
#ifndef VC_IPCMAP_LOCK_H
#define VC_IPCMAP_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define LOCK_OFFSET_FROM_END 8 /* of the word, before the end of its page */

/* One process's way to a lock. */
struct lock {
	uint32_t *word; /* 0, or the owner's TID with the kernel's FUTEX_WAITERS, _OWNER_DIED */
	void **link;    /* link[0]: the next on the list, link[-1]: the one before */
};

/* page: where a page of the object is mapped, with a private page behind it. page_size: the
 * system's. -ENOTSUP: this C library keeps its list in another way. */
int lock_init(struct lock *lock, unsigned char *page, size_t page_size);

/*
 * 0: the caller's thread has it. -EOWNERDEAD: it has, and the one before died with it.
 * -EDEADLK: it had it already. -EBUSY (try), -ETIMEDOUT (take; deadline NULL: none), -EINVAL.
 */
int lock_try(struct lock *lock);
int lock_take(struct lock *lock, const struct timespec *deadline);
/* Only by the owner. */
void lock_drop(struct lock *lock);
bool lock_is_mine(const struct lock *lock);

/* In a fork's child: its thread has another number. */
void lock_after_fork(void);

#endif
