/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * affinity.h - CPU affinity by position
 *
 * The CPUs of two cpusets differ. A thread that may run on the third CPU of its cpuset gets the
 * third CPU of the next one. A smaller cpuset is used again from its first CPU.
 */
#ifndef VC_LIBMIG_AFFINITY_H
#define VC_LIBMIG_AFFINITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define AFFINITY_CPUS_MAX 8192 /* the kernel's largest CONFIG_NR_CPUS */
#define AFFINITY_WORD_BITS (8 * sizeof(unsigned long))

/* A set of CPUs. */
struct cpu_mask {
	unsigned long bits[AFFINITY_CPUS_MAX / AFFINITY_WORD_BITS];
};

/* The CPUs of a cpuset that a thread may run on. */
struct affinity {
	uint32_t *position; /* among the cpuset's sorted CPUs; NULL: all of them */
	size_t n;           /* 0: not known */
};

/* Reads a list such as "0-3,8". 0, or -EINVAL: it is none, or empty. */
int affinity_parse(const char *list, struct cpu_mask *ret);

/* Reads a thread's affinity. 0 or -ENOMEM; *ret is all 0 if the thread has ended. The caller
 * frees ret->position. */
int affinity_read(pid_t tid, const struct cpu_mask *cpuset, struct affinity *ret);

/* Gives a thread the same positions in another cpuset. 0 or -errno; 0 if it may run on all. */
int affinity_put(pid_t tid, const struct affinity *affinity, const struct cpu_mask *cpuset);

#endif
