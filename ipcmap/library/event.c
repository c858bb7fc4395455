// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * event.c - events: a count that begins at 0, with broadcast
 */
#include "ipcmap/vcipc.h"

#include <stdlib.h>

#include "ipcmap/handle.h"

struct vcipc_event {
	struct count *count; /* in the object's memory */
	struct spin_hint hint;
	struct handle handle;
};

vcipc_event *vcipc_event_open(const char *name, int flags, mode_t mode)
{
	struct handle_request request = {
		.kind = VCIPC_EVENT, .name = name, .flags = flags, .mode = mode, .controls = 1
	};
	vcipc_event *event = calloc(1, sizeof(*event));
	int r = !event ? -ENOMEM : flags & VCIPC_RDONLY ? -EINVAL : 0;

	if (r == 0)
		r = handle_open(&event->handle, &request);
	if (r < 0) {
		free(event);
		errno = -r;
		return NULL;
	}
	handle_forget_fd(&event->handle);
	event->count = &((struct layout_count *)handle_own(&event->handle))->count;
	return event;
}

int vcipc_event_close(vcipc_event *event)
{
	int r = handle_close(&event->handle);

	free(event);
	return handle_result(r);
}

int vcipc_event_post(vcipc_event *event)
{
	return handle_result(count_post(event->count));
}

int vcipc_event_broadcast(vcipc_event *event)
{
	count_broadcast(event->count);
	return 0;
}

int vcipc_event_wait(vcipc_event *event)
{
	return handle_result(count_wait(event->count, NULL, &event->hint));
}

int vcipc_event_trywait(vcipc_event *event)
{
	return handle_result(count_try(event->count));
}

int vcipc_event_timedwait(vcipc_event *event, const struct timespec *deadline)
{
	return handle_result(count_wait(event->count, deadline, &event->hint));
}
