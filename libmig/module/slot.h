/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * slot.h - replaces functions of the C library for criu (the module's own)
 */
#ifndef VC_LIBMIG_MODULE_SLOT_H
#define VC_LIBMIG_MODULE_SLOT_H

#include <stdbool.h>

typedef void slot_function(void);

/* Makes the program, but no library, call f by that name. Returns false if it does not call such a
 * function. */
bool slot_replace(const char *name, slot_function *f);

#endif
