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

/* All but shm_known_stat() under preload_lock(). */

/* Keeps what was opened, if it can be kept: then its handle is taken over, and true. */
bool shm_known_add(const struct door_object *opened);

/* Lets go of those that were removed. */
void shm_known_sweep(void);

/* Whether this process has it open only for being kept here. */
bool shm_known_is_idle(uint64_t id);

/* IPC_RMID has removed one; sysv_remove() with leave, if it was idle. */
void shm_known_removed(uint64_t id);

/* One that was attached. Its head stays for as long as it is. */
struct shm_attached {
	void *memory;
	size_t size;
	dev_t dev; /* of the segment's file */
	ino_t ino;
	struct segment_head *head;
	uint64_t id;
};

/* Attaches a segment anywhere, to be read and written. id: in its short form, too. -ENOENT: it is
 * not known, the daemon is to be asked; -EACCES. */
int shm_known_attach(uint64_t id, int permissions, struct shm_attached *ret);

/* As sysv_stat(), of IPC_STAT; of *ret_stat only what is known: id, size, created_usec, unlinked,
 * head. -ENOENT: the daemon is to be asked. */
int shm_known_stat(uint64_t id, struct ipc_perm *ret, struct door_stat *ret_stat,
		   unsigned long *ret_attached);

#endif
