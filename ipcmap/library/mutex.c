// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mutex.c - robust mutexes: a lock, and its state after the death of a holder
 */
#include "ipcmap/vcipc.h"

#include <stdbool.h>
#include <stdlib.h>

#include "ipcmap/handle.h"

struct vcipc_mutex {
	struct lock lock;
	uint32_t *broken;  /* in the object's memory: permanent */
	bool needs_repair; /* the holder is in this process and got EOWNERDEAD */
	struct handle handle;
};

vcipc_mutex *vcipc_mutex_open(const char *name, int flags, mode_t mode)
{
	struct handle_request request = {
		.kind = VCIPC_MUTEX, .name = name, .flags = flags, .mode = mode, .controls = 1
	};
	vcipc_mutex *mutex = calloc(1, sizeof(*mutex));
	int r = !mutex ? -ENOMEM : flags & VCIPC_RDONLY ? -EINVAL : 0;

	if (r == 0)
		r = handle_open(&mutex->handle, &request);
	if (r < 0) {
		free(mutex);
		errno = -r;
		return NULL;
	}
	handle_forget_fd(&mutex->handle);
	r = lock_init(&mutex->lock, mutex->handle.pages[0], handle_page_size());
	if (r < 0) {
		vcipc_mutex_close(mutex);
		errno = -r;
		return NULL;
	}
	mutex->broken = &((struct layout_mutex *)handle_own(&mutex->handle))->broken;
	return mutex;
}

int vcipc_mutex_close(vcipc_mutex *mutex)
{
	int r;

	/* The kernel would read the lock's link in memory that is not mapped any more. */
	if (mutex->lock.word && lock_is_mine(&mutex->lock))
		return handle_result(-EBUSY);
	r = handle_close(&mutex->handle);
	free(mutex);
	return handle_result(r);
}

/* The result for a lock that was taken. */
static int mutex_taken(vcipc_mutex *mutex, int r)
{
	if (r < 0 && r != -EOWNERDEAD)
		return r;
	if (__atomic_load_n(mutex->broken, __ATOMIC_RELAXED)) {
		lock_drop(&mutex->lock);
		return -ENOTRECOVERABLE;
	}
	mutex->needs_repair = r == -EOWNERDEAD;
	return r;
}

int vcipc_mutex_lock(vcipc_mutex *mutex)
{
	return handle_result(mutex_taken(mutex, lock_take(&mutex->lock, NULL)));
}

int vcipc_mutex_trylock(vcipc_mutex *mutex)
{
	return handle_result(mutex_taken(mutex, lock_try(&mutex->lock)));
}

int vcipc_mutex_timedlock(vcipc_mutex *mutex, const struct timespec *deadline)
{
	return handle_result(mutex_taken(mutex, lock_take(&mutex->lock, deadline)));
}

int vcipc_mutex_unlock(vcipc_mutex *mutex)
{
	if (!lock_is_mine(&mutex->lock))
		return handle_result(-EPERM);
	if (mutex->needs_repair)
		__atomic_store_n(mutex->broken, 1, __ATOMIC_RELAXED);
	mutex->needs_repair = false;
	lock_drop(&mutex->lock);
	return 0;
}

int vcipc_mutex_consistent(vcipc_mutex *mutex)
{
	if (!lock_is_mine(&mutex->lock) || !mutex->needs_repair)
		return handle_result(-EINVAL);
	mutex->needs_repair = false;
	return 0;
}
