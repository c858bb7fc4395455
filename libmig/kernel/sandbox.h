/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sandbox.h - restrictions that a process has put on itself (libmig's own, and shim's)
 *
 * A thread that restricts itself with Landlock is in a domain. A process that calls PR_SET_MDWE
 * cannot make writable memory executable. Children inherit both, and no process can leave them.
 * CRIU does not carry them, and a program that vcrun starts does not have those of its caller.
 * /proc shows neither.
 */
#ifndef VC_LIBMIG_SANDBOX_H
#define VC_LIBMIG_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct peek;

/* The places of the signs. */
struct sandbox_signs {
	int word;      /* of the security modules' data, with the Landlock domain; -1: not found */
	uint64_t mdwe; /* the bit in the memory's flags; 0: not found */
};

/*
 * Checks that no thread of the process is in another Landlock domain than this process. Returns 0,
 * or -errno with err, a half sentence about the process: "is in a Landlock sandbox". -EPERM: a
 * thread is in one. -EOPNOTSUPP: it cannot be known, and a thread has no_new_privs, so that it may
 * be in one. -ESRCH: the process has ended.
 */
int sandbox_check_landlock(pid_t pid, struct vc_err *err);
/* Returns whether the process is under PR_SET_MDWE and this one is not; false if it cannot be
 * known. */
bool sandbox_has_mdwe(pid_t pid);

/* Returns whether the process has securebits that this one does not have: then root may get no
 * capabilities there. False if it cannot be known. */
bool sandbox_has_securebits(pid_t pid);

/* Returns whether the kernel has no Landlock, or does not use it. */
bool sandbox_no_landlock(void);
/* Finds the signs by experiment with three short-lived children. Returns false on failure. */
bool sandbox_learn(const struct peek *peek, struct sandbox_signs *ret);

#endif
