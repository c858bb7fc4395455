/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * raw.h - system calls by number, as syscall(2) makes them
 */
#ifndef VC_IPCMAP_PRELOAD_RAW_H
#define VC_IPCMAP_PRELOAD_RAW_H

#include <stdbool.h>

/* The system call itself, without a look at what it is. The result or -errno. */
long raw_kernel(long nr, const long args[6]);

/* A mark in the sixth argument, which no IPC call has: it is the interposer that asks the kernel,
 * and trap.c lets it. */
#define RAW_OWN 0x76637275

/* An IPC call of the kernel's, with up to five arguments. The result or -errno. */
#define RAW_KERNEL(nr, ...) raw_kernel(nr, (const long[6]){ __VA_ARGS__, [5] = RAW_OWN })

/* Whether raw_mapped() serves the number. */
bool raw_is_served(long nr);

/* raw_mapped()'s of calls that change mappings; shm-touched.c. */
long raw_memory(long nr, const long args[6]);

/* Does what the interposed functions do for the system call of that number. The result as of
 * syscall(2): -1 and errno. */
long raw_mapped(long nr, const long args[6]);

#endif
