/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * handle.h - what the handles of all kinds have in common: an object, opened and mapped
 */
#ifndef VC_IPCMAP_HANDLE_H
#define VC_IPCMAP_HANDLE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipcmap/layout.h"
#include "ipcmap/lock.h"

#define HANDLE_CONTROLS_MAX 2

struct handle {
	uint64_t door; /* what door_close() takes */
	uint64_t id;
	int fd;                                    /* of the file while it is being opened; -1 */
	uint64_t size;                             /* bytes of the file when it was opened */
	bool region;                               /* it is one: no control pages */
	unsigned char *pages[HANDLE_CONTROLS_MAX]; /* control pages, each with its private one */
};

/* What a kind has to say about being opened. */
struct handle_request {
	uint32_t kind;
	const char *name;
	int flags; /* enum vcipc_flags */
	mode_t mode;
	unsigned int controls; /* control pages */
	uint64_t size;         /* bytes of a new object behind these */
	/* Writes a new object's first state, where that is not zero; runs in one process at a
	 * time, again after one that died in it. 0 or -errno. May be NULL. */
	int (*init)(struct handle *handle, const struct handle_request *request);
	const void *arg; /* init's */
};

/*
 * Opens, maps the control pages, and waits until the object is initialised, or does that.
 * On success handle->fd is still open: the kind maps what is behind, and calls
 * handle_forget_fd(). A region has no control pages, and is ready. Errors are those of vcipc.h's
 * open. -EUCLEAN: no object of that kind.
 */
int handle_open(struct handle *handle, const struct handle_request *request);
void handle_forget_fd(struct handle *handle);
/* Unmaps the pages, closes, counts this process out. 0 or door_close()'s errors. */
int handle_close(struct handle *handle);

/* Takes memory for these bytes of a file, which grows if need be. 0 or -errno. */
int handle_allocate(int fd, uint64_t offset, uint64_t size);

size_t handle_page_size(void);

static inline struct layout_head *handle_head(const struct handle *handle)
{
	return (struct layout_head *)(void *)handle->pages[0];
}

/* The kind's own in page 0. */
static inline void *handle_own(const struct handle *handle)
{
	return handle->pages[0] + LAYOUT_OWN;
}

/* The public calls' way to fail. */
static inline int handle_result(int r)
{
	if (__builtin_expect(r >= 0, 1))
		return r;
	errno = -r;
	return -1;
}

#endif
