/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * proc.h - which process a PID is
 */
#ifndef VC_COMMON_PROC_H
#define VC_COMMON_PROC_H

#include <stdint.h>
#include <sys/types.h>

/* When a process began, in the kernel's ticks since boot, and its parent (NULL: of no interest).
 * 0: there is none, or none any more. */
uint64_t proc_start(pid_t pid, pid_t *ret_parent);

#endif
