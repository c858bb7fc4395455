// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lock.c - takes and drops a robust lock with the kernel's protocol
 *
 * The protocol (Documentation/locking/robust-futex-ABI.rst): list_op_pending names a lock from
 * before it is taken until it is in the list, and from before it is removed until a sleeper is
 * woken. If the thread dies in between, the kernel looks at the word: if it has the thread's TID,
 * the lock is orphaned; if it is 0, one more sleeper is woken. Only the thread and the kernel at
 * its death read the list. Therefore the compiler must keep the order of the stores, and the CPU
 * does anyway.
 */
#include "ipcmap/lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ipcmap/futex.h"
#include "ipcmap/spin.h"

#define LOCK_SPINS 100

struct lock_self {
	uint32_t tid;
	struct robust_list_head *head;
};

static __thread struct lock_self lock_self __attribute__((tls_model("initial-exec")));

static struct lock_self *lock_find_self(void)
{
	struct lock_self *self = &lock_self;
	size_t size = 0;

	if (__builtin_expect(self->tid != 0, 1))
		return self;
	if (syscall(SYS_get_robust_list, 0, &self->head, &size) < 0 || !self->head ||
	    size != sizeof(*self->head))
		return NULL;
	self->tid = (uint32_t)syscall(SYS_gettid);
	return self;
}

void lock_after_fork(void)
{
	lock_self.tid = 0;
}

int lock_init(struct lock *lock, unsigned char *page, size_t page_size)
{
	const struct lock_self *self = lock_find_self();
	unsigned char *word = page + page_size - LOCK_OFFSET_FROM_END, *link;

	if (!self)
		return -ENOTSUP;
	link = word - self->head->futex_offset;
	if (link - sizeof(void *) < page + page_size ||
	    link + sizeof(void *) > page + 2 * page_size || (uintptr_t)link % sizeof(void *) != 0)
		return -ENOTSUP;
	lock->word = (uint32_t *)(void *)word;
	lock->link = (void **)(void *)link;
	return 0;
}

/* Keeps the order of stores that the kernel sees if this thread dies. */
static void lock_barrier(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void lock_set_pending(struct lock_self *self, void **link)
{
	lock_barrier();
	*(void *volatile *)&self->head->list_op_pending = link;
	lock_barrier();
}

/* Inserts at the front. The list's head has no link back. */
static void lock_link(struct lock_self *self, void **link)
{
	void **head = (void **)(void *)&self->head->list, **next = *head;

	link[0] = next;
	link[-1] = head;
	if (next != head)
		next[-1] = link;
	lock_barrier();
	*head = link;
}

static void lock_unlink(struct lock_self *self, void **link)
{
	void **head = (void **)(void *)&self->head->list, **next = link[0], **before = link[-1];

	before[0] = next;
	if (next != head)
		next[-1] = before;
	link[0] = NULL;
}

/* One attempt. waiters: FUTEX_WAITERS if others may sleep. */
static int lock_attempt(struct lock *lock, struct lock_self *self, uint32_t waiters)
{
	uint32_t old = __atomic_load_n(lock->word, __ATOMIC_RELAXED), mine;

	for (;;) {
		if (old != 0 && !(old & FUTEX_OWNER_DIED))
			return (old & FUTEX_TID_MASK) == self->tid ? -EDEADLK : -EBUSY;
		mine = self->tid | waiters | (old & FUTEX_WAITERS);
		if (__atomic_compare_exchange_n(lock->word, &old, mine, 0, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			break;
	}
	lock_link(self, lock->link);
	return old == 0 ? 0 : -EOWNERDEAD;
}

int lock_try(struct lock *lock)
{
	struct lock_self *self = lock_find_self();
	int r;

	if (!self)
		return -ENOTSUP;
	lock_set_pending(self, lock->link);
	r = lock_attempt(lock, self, 0);
	lock_set_pending(self, NULL);
	return r;
}

/* Marks the word so that the owner wakes, and sleeps until it changes. 0, -ETIMEDOUT, -EINVAL. */
static int lock_sleep(struct lock *lock, const struct timespec *deadline)
{
	uint32_t old = __atomic_load_n(lock->word, __ATOMIC_RELAXED);

	if (old == 0 || (old & FUTEX_OWNER_DIED))
		return 0;
	if (!(old & FUTEX_WAITERS) &&
	    !__atomic_compare_exchange_n(lock->word, &old, old | FUTEX_WAITERS, 0, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED))
		return 0;
	return futex_sleep(lock->word, old | FUTEX_WAITERS, deadline);
}

static int lock_take_slowly(struct lock *lock, struct lock_self *self,
			    const struct timespec *deadline)
{
	int r = -EBUSY;

	for (int i = 0; i < LOCK_SPINS && spin_is_sensible(); i++) {
		uint32_t old = __atomic_load_n(lock->word, __ATOMIC_RELAXED);

		if (old == 0 || (old & FUTEX_OWNER_DIED))
			r = lock_attempt(lock, self, 0);
		if (r != -EBUSY)
			return r;
		if (old & FUTEX_WAITERS)
			break;
		spin_pause();
	}
	do {
		r = lock_sleep(lock, deadline);
		if (r < 0)
			return r;
		r = lock_attempt(lock, self, FUTEX_WAITERS);
	} while (r == -EBUSY);
	return r;
}

int lock_take(struct lock *lock, const struct timespec *deadline)
{
	struct lock_self *self = lock_find_self();
	int r;

	if (__builtin_expect(!self, 0))
		return -ENOTSUP;
	lock_set_pending(self, lock->link);
	r = lock_attempt(lock, self, 0);
	if (__builtin_expect(r == -EBUSY, 0))
		r = lock_take_slowly(lock, self, deadline);
	lock_set_pending(self, NULL);
	return r;
}

void lock_drop(struct lock *lock)
{
	struct lock_self *self = lock_find_self();

	lock_set_pending(self, lock->link);
	lock_unlink(self, lock->link);
	lock_barrier();
	if (__atomic_exchange_n(lock->word, 0, __ATOMIC_RELEASE) & FUTEX_WAITERS)
		futex_wake(lock->word, 1);
	lock_set_pending(self, NULL);
}

bool lock_is_mine(const struct lock *lock)
{
	const struct lock_self *self = lock_find_self();

	return self &&
	       (__atomic_load_n(lock->word, __ATOMIC_RELAXED) & FUTEX_TID_MASK) == self->tid;
}
