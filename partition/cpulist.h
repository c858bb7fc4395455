/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cpulist.h - sets of CPUs (or memory nodes) and the kernel's list form "0-3,8"
 *
 * It uses no library, because every shim needs it when it starts.
 */
#ifndef VC_PARTITION_CPULIST_H
#define VC_PARTITION_CPULIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CPULIST_MAX 8192 /* the kernel's largest NR_CPUS */

struct cpulist {
	uint64_t word[CPULIST_MAX / 64];
};

/* Reads a list, which may be empty and have blanks around it. Returns -EINVAL, with *ret undefined,
 * for anything else, a backward range, or a number of CPULIST_MAX or more. */
int cpulist_parse(const char *text, struct cpulist *ret);
/* Writes the kernel's list form, "" for an empty set. Returns 0 or -ENAMETOOLONG. */
int cpulist_format(const struct cpulist *set, char *buf, size_t size);

bool cpulist_has(const struct cpulist *set, unsigned int cpu);
void cpulist_add(struct cpulist *set, unsigned int cpu);
size_t cpulist_count(const struct cpulist *set);
/* Returns the lowest member that is not below from, or -1. */
int cpulist_next(const struct cpulist *set, unsigned int from);
/* Returns the highest member, or -1. */
int cpulist_last(const struct cpulist *set);
/* Returns whether each member of part is one of set. */
bool cpulist_contains(const struct cpulist *set, const struct cpulist *part);
bool cpulist_overlap(const struct cpulist *a, const struct cpulist *b);
bool cpulist_equal(const struct cpulist *a, const struct cpulist *b);
/* Adds the members of b to a. */
void cpulist_join(struct cpulist *a, const struct cpulist *b);
/* Removes the members of b from a. */
void cpulist_subtract(struct cpulist *a, const struct cpulist *b);

#endif
