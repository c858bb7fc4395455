// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sem.c - semaphores: a count with an initial value
 */
#include "ipcmap/vcipc.h"

#include <stdlib.h>

#include "ipcmap/handle.h"

struct vcipc_sem {
	struct count *count; /* in the object's memory */
	struct spin_hint hint;
	struct handle handle;
};

static int sem_init_object(struct handle *handle, const struct handle_request *request)
{
	struct layout_count *own = handle_own(handle);

	own->count.state = *(const unsigned int *)request->arg;
	return 0;
}

vcipc_sem *vcipc_sem_open(const char *name, int flags, mode_t mode, unsigned int value)
{
	struct handle_request request = { .kind = VCIPC_SEM,
					  .name = name,
					  .flags = flags,
					  .mode = mode,
					  .controls = 1,
					  .init = sem_init_object,
					  .arg = &value };
	vcipc_sem *sem = calloc(1, sizeof(*sem));
	int r = !sem ? -ENOMEM : flags & VCIPC_RDONLY || value > VCIPC_COUNT_MAX ? -EINVAL : 0;

	if (r == 0)
		r = handle_open(&sem->handle, &request);
	if (r < 0) {
		free(sem);
		errno = -r;
		return NULL;
	}
	handle_forget_fd(&sem->handle);
	sem->count = &((struct layout_count *)handle_own(&sem->handle))->count;
	return sem;
}

int vcipc_sem_close(vcipc_sem *sem)
{
	int r = handle_close(&sem->handle);

	free(sem);
	return handle_result(r);
}

int vcipc_sem_post(vcipc_sem *sem)
{
	return handle_result(count_post(sem->count));
}

int vcipc_sem_wait(vcipc_sem *sem)
{
	return handle_result(count_wait(sem->count, NULL, &sem->hint));
}

int vcipc_sem_trywait(vcipc_sem *sem)
{
	return handle_result(count_try(sem->count));
}

int vcipc_sem_timedwait(vcipc_sem *sem, const struct timespec *deadline)
{
	return handle_result(count_wait(sem->count, deadline, &sem->hint));
}

int vcipc_sem_getvalue(vcipc_sem *sem, unsigned int *value)
{
	*value = count_value(sem->count);
	return 0;
}
