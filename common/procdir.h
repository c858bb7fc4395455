/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * procdir.h - a directory of numbers in /proc: processes, threads, descriptors
 *
 * It reads into its own buffer, which saves the allocation and two system calls of a DIR. A move
 * reads one such directory for each process of a job.
 */
#ifndef VC_COMMON_PROCDIR_H
#define VC_COMMON_PROCDIR_H

#include <stddef.h>
#include <sys/types.h>

struct procdir {
	int fd; /* of the directory; -1: closed */
	size_t at, len;
	char buf[2048] __attribute__((aligned(8)));
};

/* Opens a directory, with its path as printf(3) makes it. Returns 0 or -errno: then it is empty.
 * Close it with procdir_close(), also after a failure. */
int procdir_open(struct procdir *dir, int dirfd, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Returns the next name that begins with a digit, valid until the next call; NULL at the end. */
const char *procdir_next(struct procdir *dir);
/* Returns the next name as the number of a process or thread; 0 at the end. */
pid_t procdir_next_pid(struct procdir *dir);
void procdir_close(struct procdir *dir);

#define _cleanup_procdir_ _cleanup_(procdir_close)

#endif
