/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * slot.h - functions of the C library replaced for criu (of the module that criu loads)
 */
#ifndef VC_LIBMIG_MODULE_SLOT_H
#define VC_LIBMIG_MODULE_SLOT_H

#include <stdbool.h>

typedef void slot_function(void);

/* From here on the program, but no library, calls f by that name. false: it calls nothing by it. */
bool slot_replace(const char *name, slot_function *f);

#endif
