/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * maps.h - the shared file mappings of a process, as the kernel has them
 *
 * Kernels from 6.11 on are asked for one mapping at a time (PROCMAP_QUERY); of older ones the text
 * of /proc/PID/maps is read.
 */
#ifndef VC_IPCMAP_MAPS_H
#define VC_IPCMAP_MAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct mapping {
	uintptr_t start, end;
	uint64_t offset; /* in the file, of start */
	dev_t dev;
	ino_t ino;
};

struct maps {
	FILE *file;
	bool text; /* is read; it goes forward only */
};

/* 0: to be closed by maps_close(). -ENOENT, -ESRCH: there is no such process; -EACCES, -EPERM:
 * it may not be seen; and what fopen(3) says. */
int maps_open(pid_t pid, struct maps *ret);
void maps_close(struct maps *maps);

/* The first one that ends behind at, which is not below that of the call before. 0; -ENOENT: that
 * was the last; -ESRCH: the process has ended. */
int maps_next(struct maps *maps, uintptr_t at, struct mapping *ret);

#endif
