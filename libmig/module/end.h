/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * end.h - how the zombies of a restored tree end (of the module that criu loads)
 */
#ifndef VC_LIBMIG_MODULE_END_H
#define VC_LIBMIG_MODULE_END_H

#include "libmig/keep/keep.h"

/* Makes the process end as described. Returns 0, or -errno: criu makes it end in its own way. */
int end_add(const struct keep_ended *ended);

#endif
