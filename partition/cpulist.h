/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cpulist.h - sets of CPUs (or memory nodes) and the kernel's list form "0-3,8"
 *
 * Small and without a library on purpose: the shim's start-up needs it too.
 */
#ifndef VC_PARTITION_CPULIST_H
#define VC_PARTITION_CPULIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CPULIST_MAX 8192 /* CPUs; the kernel's own largest NR_CPUS */

struct cpulist {
	uint64_t word[CPULIST_MAX / 64];
};

/* Reads a list; blanks around it and an empty one are fine. -EINVAL, and *ret
 * undefined: no list, a backward range, a number of CPULIST_MAX or more. */
int cpulist_parse(const char *text, struct cpulist *ret);
/* The canonical list form, "" when empty. 0 or -ENAMETOOLONG. */
int cpulist_format(const struct cpulist *set, char *buf, size_t size);

bool cpulist_has(const struct cpulist *set, unsigned int cpu);
void cpulist_add(struct cpulist *set, unsigned int cpu);
size_t cpulist_count(const struct cpulist *set);
/* The lowest member not below from, or -1. */
int cpulist_next(const struct cpulist *set, unsigned int from);
bool cpulist_overlap(const struct cpulist *a, const struct cpulist *b);
bool cpulist_equal(const struct cpulist *a, const struct cpulist *b);
/* a becomes a with b; a without b. */
void cpulist_join(struct cpulist *a, const struct cpulist *b);
void cpulist_subtract(struct cpulist *a, const struct cpulist *b);

#endif
