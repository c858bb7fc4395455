/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sight.h - the process's reader of the kernel's data (libmig's own, and the daemon's)
 *
 * A process needs only one reader of tasks (peek.h). To make it takes about 20 ms. So a daemon
 * makes it once, and hands it over to the programs that it starts.
 */
#ifndef VC_LIBMIG_SIGHT_H
#define VC_LIBMIG_SIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "libmig/state/waits.h"

struct peek;

struct sight {
	const struct peek *peek;  /* reads the Landlock domain as its one word; NULL: see why */
	bool landlock_off;        /* the kernel does not use Landlock */
	bool sees_landlock;       /* the place of the domain is known */
	uint64_t our_domain;      /* 0: none */
	uint64_t mdwe;            /* the bit of PR_SET_MDWE in a memory's flags; 0: not known */
	struct waits_signs waits; /* the kernel's functions that continue interrupted calls */
	struct vc_err why;        /* why the kernel's data cannot be read */
};

/* Returns the reader, never NULL. The first call makes it, or takes the one that was handed over.
 */
const struct sight *sight_get(void);

/* Hands the reader over to the next program, between fork and exec, if sight_get() was called
 * before the fork. */
void sight_hand_over(void);

#endif
