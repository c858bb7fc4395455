/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * end.h - how dead processes of a restored tree end (of the module that criu loads)
 */
#ifndef VC_LIBMIG_MODULE_END_H
#define VC_LIBMIG_MODULE_END_H

#include "libmig/keep/keep.h"

/* This process is made to be dead, and ends like this. 0 or -errno: criu has it end in its own
 * way. */
int end_add(const struct keep_ended *ended);

#endif
