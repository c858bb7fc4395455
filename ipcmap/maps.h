/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * maps.h - the shared file mappings of a process
 *
 * From Linux 6.11 on, the kernel answers for one mapping at a time (PROCMAP_QUERY). On older
 * kernels the text of /proc/PID/maps is read.
 */
#ifndef VC_IPCMAP_MAPS_H
#define VC_IPCMAP_MAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct mapping {
	uintptr_t start, end;
	uint64_t offset; /* start's offset in the file */
	dev_t dev;
	ino_t ino;
};

struct maps {
	FILE *file;
	bool text; /* the text is read, forward only */
};

/* Opens the mappings; the caller calls maps_close(). -ENOENT, -ESRCH: there is no such process;
 * -EACCES, -EPERM: no permission; other errors of fopen(3). */
int maps_open(pid_t pid, struct maps *ret);
void maps_close(struct maps *maps);

/* The first mapping that ends behind at, which must not decrease from call to call. 0; -ENOENT:
 * there are no more; -ESRCH: the process has ended. */
int maps_next(struct maps *maps, uintptr_t at, struct mapping *ret);

#endif
