/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * raw.h - system calls by number, as syscall(2) makes them
 */
#ifndef VC_IPCMAP_PRELOAD_RAW_H
#define VC_IPCMAP_PRELOAD_RAW_H

#include <stdbool.h>

/* The system call itself, without a lookup. The result or -errno. */
#if defined(__x86_64__)
static inline long raw_kernel(long nr, const long args[6])
{
	register long r10 __asm__("r10") = args[3];
	register long r8 __asm__("r8") = args[4];
	register long r9 __asm__("r9") = args[5];
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
}
#elif defined(__aarch64__)
static inline long raw_kernel(long nr, const long args[6])
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = args[0];
	register long x1 __asm__("x1") = args[1];
	register long x2 __asm__("x2") = args[2];
	register long x3 __asm__("x3") = args[3];
	register long x4 __asm__("x4") = args[4];
	register long x5 __asm__("x5") = args[5];

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}
#endif

/* A mark in the sixth argument, which no IPC call has. It tells trap.c that the interposer asks the
 * kernel. */
#define RAW_OWN 0x76637275

/* An IPC call of the kernel's, with up to five arguments. The result or -errno. */
#define RAW_KERNEL(nr, ...) raw_kernel(nr, (const long[6]){ __VA_ARGS__, [5] = RAW_OWN })

/* Whether raw_mapped() serves the number. */
bool raw_is_served(long nr);

/* The part of raw_mapped() for calls that change mappings; shm-touched.c. */
long raw_memory(long nr, const long args[6]);

/* Does what the interposed function does for the system call of that number. Returns the result of
 * syscall(2): -1 and errno. */
long raw_mapped(long nr, const long args[6]);

#endif
