/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * shm-known.h - segments that stay mapped between two attachments
 */
#ifndef VC_IPCMAP_PRELOAD_SHM_KNOWN_H
#define VC_IPCMAP_PRELOAD_SHM_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ipc.h>

#include "ipcmap/door/door.h"
#include "ipcmap/object/segment.h"
#include "ipcmap/preload/sysv/shm-attach.h"

/* To be called with preload_lock(), except shm_known_stat(). */

/* Keeps an opened segment, if possible. Returns true if it has taken over the handle. */
bool shm_known_add(const struct door_object *opened);

/* Unmaps those that were removed. */
void shm_known_sweep(void);

/* Whether this process has it open only because it is kept here. */
bool shm_known_is_idle(uint64_t id);

/* IPC_RMID has removed it. If it was idle, sysv_remove() was called with leave. */
void shm_known_removed(uint64_t id);

/* A new attachment. Its head stays mapped as long as the attachment. */
struct shm_attached {
	void *memory;
	size_t size;
	dev_t dev; /* of the segment's file */
	ino_t ino;
	struct segment_head *head;
	uint64_t id;
};

/* Attaches a segment at any address, for reading and writing. id: or its short form. -ENOENT: it is
 * not kept here, the caller asks the daemon. -EACCES. */
int shm_known_attach(uint64_t id, int permissions, struct shm_attached *ret);

/* As sysv_stat() for IPC_STAT, from mapped memory. Sets only id, size, created_usec, unlinked and
 * head of *ret_stat. -ENOENT: the caller asks the daemon. */
int shm_known_stat(uint64_t id, struct ipc_perm *ret, struct door_stat *ret_stat,
		   unsigned long *ret_attached);

#endif
