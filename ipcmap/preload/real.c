// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * real.c - looks up the functions behind the wrappers
 */
#include "ipcmap/preload/real.h"

struct real real_functions;

static void *real_find(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	/* If a program preloads the C library, that comes before us. */
	return function ? function : dlsym(dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), name);
}

void real_begin(void)
{
#define REAL_FIND(name) real_functions.name = (__typeof__(&(name)))real_find(#name);
	REAL_FUNCTIONS(REAL_FIND)
}
