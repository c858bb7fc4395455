/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * shm-attach.h - the System V segments that this process has attached
 */
#ifndef VC_IPCMAP_PRELOAD_SHM_ATTACH_H
#define VC_IPCMAP_PRELOAD_SHM_ATTACH_H

#include <stdint.h>

#include "ipcmap/door.h"
#include "ipcmap/segment.h"

/* The head of a segment's file; NULL: fd is not open for writing, or there is no memory. */
struct segment_head *shm_map_head(int fd);
void shm_unmap_head(struct segment_head *head);

/* Bytes of the segment itself. */
uint64_t shm_size(uint64_t file_bytes);

#endif
