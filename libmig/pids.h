/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pids.h - the PIDs of a tree between its two lives: gone, free, and kept free
 */
#ifndef VC_LIBMIG_PIDS_H
#define VC_LIBMIG_PIDS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

/*
 * Every number that the restore of these processes needs: their PIDs, their
 * threads', and those of process groups and sessions whose leader is gone. The caller
 * frees *ret. 0 or -ENOMEM.
 */
int pids_numbers(const pid_t *pids, size_t n, pid_t **ret, size_t *ret_n);

/*
 * When the kernel's PID counter will soon reach one of these again, sets it so that
 * it must pass as many other PIDs as can be before that: while the tree does not exist, a fork
 * storm elsewhere takes none of its numbers. Best effort.
 */
void pids_keep_clear(const pid_t *numbers, size_t n);

/* Reaps dead processes, children of this one as their parents vanish, until all
 * of these numbers are free. -ETIMEDOUT names one that is not, and who has it. */
int pids_reap(const pid_t *numbers, size_t n, uint64_t timeout_usec, struct vc_err *err);

#endif
