/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sight.h - what this process can see of the kernel's own data
 *
 * One reader of tasks (peek.h) is enough for a process. To make it takes some 20 ms, so a daemon
 * makes it once and hands it over to the programs that it starts.
 */
#ifndef VC_LIBMIG_SIGHT_H
#define VC_LIBMIG_SIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "libmig/state/waits.h"

struct peek;

struct sight {
	const struct peek *peek;  /* NULL: nothing can be seen, why says why; its one word of the
				   * security modules' data is the Landlock domain */
	bool landlock_off;        /* there are no domains */
	bool sees_landlock;       /* the word was found */
	uint64_t our_domain;      /* 0: none */
	uint64_t mdwe;            /* the bit of PR_SET_MDWE in a memory's flags; 0: not known */
	struct waits_signs waits; /* the kernel's functions that go on with interrupted calls */
	struct vc_err why;
};

/* Never NULL. The first call makes the reader, or takes the one that was handed over. */
const struct sight *sight_get(void);

/* Between fork and exec: the program takes over what sight_get() found before the fork. */
void sight_hand_over(void);

#endif
