/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * waits.h - system calls in which the threads of a tree wait go on after a move (libmig's own)
 *
 * To be stopped interrupts the system call of a thread that waits. Over SIGSTOP and SIGCONT the
 * kernel restarts it when the thread runs again, unless a signal has come that has a handler; CRIU
 * ends waits with a timeout with EINTR, and begins others anew before it is looked at whether a
 * signal has come.
 */
#ifndef VC_LIBMIG_WAITS_H
#define VC_LIBMIG_WAITS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct hold;
struct peek;
struct waits;

/* The kernel's functions that go on with a wait; 0: not found, or there is none. */
struct waits_signs {
	uint64_t sleep, cpu_sleep, alarm_sleep, poll, futex;
};

/* Finds them; makes a short-lived child. */
void waits_learn(const struct peek *peek, struct waits_signs *ret);

/*
 * At the beginning of a dump: which threads wait, in which call and until when. NULL: that is not
 * known, and CRIU's way remains. Free with waits_free().
 */
struct waits *waits_take(struct hold *hold, const pid_t *pids, size_t n);
void waits_free(struct waits *waits); /* NULL is accepted */

/* In the restored tree before it runs, or in the old one before it runs on: all threads are again
 * as the kernel had left them. They may wait to the very end that they had. NULL is accepted. */
void waits_put_back(const struct waits *waits, struct hold *hold);

#endif
