/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sandbox.h - restrictions that a process has laid upon itself (libmig's own, and shim's)
 *
 * A thread that restricts itself with Landlock is in a domain; a process that calls
 * PR_SET_MDWE cannot make memory executable that was writable. Children inherit both, and nobody
 * can leave either. CRIU does not carry them, and a program that we start is not under its
 * caller's. /proc shows neither.
 */
#ifndef VC_LIBMIG_SANDBOX_H
#define VC_LIBMIG_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct peek;

/* Where the signs are; sandbox_learn() finds it. */
struct sandbox_signs {
	int word;      /* of the security modules' data: the Landlock domain; -1: not found */
	uint64_t mdwe; /* the bit of the memory's flags; 0: not found, or none */
};

/*
 * 0: no thread of the process is in a domain other than ours.
 * -EPERM: one is; -EOPNOTSUPP: that cannot be seen here, and one might be (it has no_new_privs,
 * without which only CAP_SYS_ADMIN permits to restrict oneself). err has a half sentence about the
 * process: "is in a Landlock sandbox". -ESRCH: it has ended.
 */
int sandbox_check_landlock(pid_t pid, struct vc_err *err);
/* Whether it is under PR_SET_MDWE, and we are not; false where that cannot be seen. */
bool sandbox_has_mdwe(pid_t pid);

/* Whether it has securebits that we have not: for it, to be root, or to become it, may give no
 * capabilities. False where that cannot be seen. */
bool sandbox_has_securebits(pid_t pid);

/* The kernel has no Landlock, or it is not in use. */
bool sandbox_no_landlock(void);
/* Makes three short-lived children. */
bool sandbox_learn(const struct peek *peek, struct sandbox_signs *ret);

#endif
