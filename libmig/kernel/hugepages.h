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
 * Compares what the processes have of huge pages (MAP_HUGETLB, memfds, SysV segments) with
 * what the pools have left, for each size. nodes: those of the place they go to, list
 * form; NULL: all. sysfs: where the kernel's /sys is mounted.
 *
 * 0; -ENOMEM: a pool has too few, and err says which, how many, and what to do. A process
 * that ends meanwhile is left out.
 */
int hugepages_check(const pid_t *pids, size_t n, const char *nodes, const char *sysfs,
		    struct vc_err *err);

#endif
