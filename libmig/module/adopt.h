/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * adopt.h - makes the root of the restored tree the parent of orphans in the tree (the module's
 * own)
 */
#ifndef VC_LIBMIG_MODULE_ADOPT_H
#define VC_LIBMIG_MODULE_ADOPT_H

#include <stdbool.h>

/* Returns whether the mover wants it. taken: removes the mover's message. */
bool adopt_is_wanted(bool taken);

/* criu's hook "post forking": sets PR_SET_CHILD_SUBREAPER in the root. Returns 0 or -errno. */
int adopt_orphans(void);

#endif
