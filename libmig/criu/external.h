/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * external.h - what of a frozen tree the dump leaves alone (libmig's own)
 */
#ifndef VC_LIBMIG_EXTERNAL_H
#define VC_LIBMIG_EXTERNAL_H

#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"

/* Names in CRIU's notation. Zeroed: none. */
struct external {
	char **names;
	size_t n, size;
};

/* Lists what the tree (pids, n of them) has that is kept (keep.h) and that CRIU would refuse, or
 * write out for nothing. 0 or -ENOMEM with err. */
int external_list(const pid_t *pids, size_t n, struct external *ret, struct vc_err *err);
void external_done(struct external *external);

#endif
