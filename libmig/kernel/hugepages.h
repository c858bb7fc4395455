/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hugepages.h - whether the pools have the huge pages that a move takes (libmig's own)
 */
#ifndef VC_LIBMIG_HUGEPAGES_H
#define VC_LIBMIG_HUGEPAGES_H

#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"

/*
 * Compares the huge pages of the processes (MAP_HUGETLB, memfds, System V segments) with the free
 * pages of the pools. nodes: list of the target's nodes; NULL: all. sysfs: where the kernel's /sys
 * is mounted. Returns 0, or -errno with err; -ENOMEM: a pool has too few pages, and err says which
 * one, how many, and the remedy. A process that ends is left out.
 */
int hugepages_check(const pid_t *pids, size_t n, const char *nodes, const char *sysfs,
		    struct vc_err *err);

#endif
