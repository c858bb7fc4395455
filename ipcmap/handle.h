/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * handle.h - the common part of handles of all kinds: an object, opened and mapped
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
	uint64_t door; /* for door_close() */
	uint64_t id;
	int fd;                                    /* of the file until handle_forget_fd(); -1 */
	uint64_t size;                             /* bytes of the file at the time of opening */
	bool region;                               /* a region has no control pages */
	unsigned char *pages[HANDLE_CONTROLS_MAX]; /* control pages, each with its private one */
};

/* How a kind opens its objects. */
struct handle_request {
	uint32_t kind;
	const char *name;
	int flags; /* enum vcipc_flags */
	mode_t mode;
	unsigned int controls; /* control pages */
	uint64_t size;         /* bytes of a new object behind the control pages */
	/* Initialises a new object, or NULL if zero bytes suffice. Runs in one process at a time,
	 * and again if that process dies. 0 or -errno. */
	int (*init)(struct handle *handle, const struct handle_request *request);
	const void *arg; /* init's */
};

/*
 * Opens an object, maps its control pages, and initialises it or waits until it is initialised. On
 * success handle->fd is open: the kind maps the rest of the file and calls handle_forget_fd(). A
 * region has no control pages and needs no initialisation. Errors as in vcipc.h. -EUCLEAN: the file
 * is not an object of that kind.
 */
int handle_open(struct handle *handle, const struct handle_request *request);
void handle_forget_fd(struct handle *handle);
/* Unmaps the pages and counts this process out. 0 or an error of door_close(). */
int handle_close(struct handle *handle);

/* Allocates memory for a range of a file, which may grow. 0 or -errno. */
int handle_allocate(int fd, uint64_t offset, uint64_t size);

size_t handle_page_size(void);

static inline struct layout_head *handle_head(const struct handle *handle)
{
	return (struct layout_head *)(void *)handle->pages[0];
}

/* The kind's part of page 0. */
static inline void *handle_own(const struct handle *handle)
{
	return handle->pages[0] + LAYOUT_OWN;
}

/* Sets errno and returns -1 for a negative result. */
static inline int handle_result(int r)
{
	if (__builtin_expect(r >= 0, 1))
		return r;
	errno = -r;
	return -1;
}

#endif
