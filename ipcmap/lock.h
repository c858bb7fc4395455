/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lock.h - a robust lock between processes that do not trust each other
 *
 * When a thread ends, the kernel walks a list of the locks that it holds and marks each as
 * orphaned. The C library's robust mutexes use that list, and so does this lock. But a
 * pthread_mutex_t keeps the links of the list in the shared memory, where another process can
 * change them. Here the links are in private memory:
 *
 * 	    shared: a page of the object's file      private: a page of this mapping
 * 	+-----------------------------------+------++-----------+------+----------------
 * 	| ...                               | word ||           | link |
 * 	+-----------------------------------+------++-----------+------+----------------
 * 	                                    ^                   ^
 * 	                                    +--- futex_offset --+
 *
 * The kernel finds a lock's word at a fixed distance from its link. The C library sets that
 * distance for each thread and owns the list; our links follow its convention. Therefore the word
 * is at the end of a page, and each mapping has a private page behind that page. The kernel walks
 * at most 2048 locks.
 *
 * No process is asked about the lock's state, and no PID is looked up: during a move the owner does
 * not exist for a moment. CRIU carries mappings and list, and libmig/robust.c prevents that the
 * death of the original marks locks.
 *
 * A lock differs from a guard (object/guard.h): a thread may hold several locks, for any time and
 * with signals enabled, as a program's mutex needs it. A guard may be anywhere in an object.
 */
#ifndef VC_IPCMAP_LOCK_H
#define VC_IPCMAP_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define LOCK_OFFSET_FROM_END 8 /* of the word, before the end of its page */

/* A lock as one process has it mapped. */
struct lock {
	uint32_t *word; /* 0, or the owner's TID with the kernel's FUTEX_WAITERS, _OWNER_DIED */
	void **link;    /* link[0]: the next on the list, link[-1]: the one before */
};

/* page: a mapped page of the object with a private page behind it. page_size: the system's.
 * -ENOTSUP: the C library's list has another form. */
int lock_init(struct lock *lock, unsigned char *page, size_t page_size);

/* Take the lock. 0; -EOWNERDEAD: taken, and the last holder died with it; -EDEADLK: the thread has
 * it already; -EBUSY (try); -ETIMEDOUT (take; deadline NULL: none); -EINVAL. */
int lock_try(struct lock *lock);
int lock_take(struct lock *lock, const struct timespec *deadline);
/* Called by the owner only. */
void lock_drop(struct lock *lock);
bool lock_is_mine(const struct lock *lock);

/* Called in the child of a fork, whose thread has another number. */
void lock_after_fork(void);

#endif
