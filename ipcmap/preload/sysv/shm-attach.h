/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * shm-attach.h - the System V segments that this process has attached
 */
#ifndef VC_IPCMAP_PRELOAD_SHM_ATTACH_H
#define VC_IPCMAP_PRELOAD_SHM_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipcmap/door/door.h"
#include "ipcmap/object/segment.h"

/* Maps the head of a segment's file. NULL: fd is not open for writing, or no memory. */
struct segment_head *shm_map_head(int fd);
void shm_unmap_head(struct segment_head *head);

/* How often this process has attached a segment by its own calls. With preload_lock(). */
uint32_t shm_attached_here(uint64_t id);

/* shm-touched.c: whether the program has changed mappings where it has segments attached, other
 * than by shmat() and shmdt(). */
bool shm_is_touched(void);
/* A segment is attached there, or none is attached any more. With preload_lock(). */
void shm_watch(const void *memory, size_t size);
void shm_watch_none(void);
/* The original mmap(), and one more mapping of shared memory. MAP_FAILED. */
void *shm_copy(const void *memory, size_t size);
void *shm_mmap(void *memory, size_t size, int prot, int flags, int fd, off_t offset);

/* The bytes of the segment itself. */
uint64_t shm_size(uint64_t file_bytes);

#endif
