/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * waits.h - system calls in which threads of a tree wait go on after a move (libmig's own)
 *
 * A stop interrupts the system call of a waiting thread. After SIGSTOP and SIGCONT the kernel
 * restarts the call, unless a signal with a handler has come. CRIU does otherwise: it ends waits
 * with a timeout with EINTR, and restarts the others without regard to signals.
 */
#ifndef VC_LIBMIG_WAITS_H
#define VC_LIBMIG_WAITS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/cleanup.h"

struct hold;
struct peek;
struct waits;

/* Addresses of the kernel's functions that continue a wait; 0: not found. */
struct waits_signs {
	uint64_t sleep, cpu_sleep, alarm_sleep, poll, futex;
};

/* Finds the addresses by experiments with a short-lived child. */
void waits_learn(const struct peek *peek, struct waits_signs *ret);

/* Notes which threads wait, in which call and until when, at the beginning of a dump. The caller
 * frees the result with waits_free(). Returns NULL on failure; then CRIU restarts or ends the
 * calls. */
struct waits *waits_take(struct hold *hold, const pid_t *pids, size_t n);
void waits_free(struct waits *waits); /* NULL is accepted */

/* Sets the registers of the threads as the kernel had left them, so that the waits end at the same
 * time: in the restored tree, or in the old one after a failed dump, before it runs. NULL is
 * accepted. */
void waits_put_back(const struct waits *waits, struct hold *hold);

DEFINE_CLEANUP(struct waits *, waits_freep, waits_free);

#endif
