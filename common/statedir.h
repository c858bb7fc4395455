/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * statedir.h - which instance of vcrun on this machine is meant
 */
#ifndef VC_COMMON_STATEDIR_H
#define VC_COMMON_STATEDIR_H

#include <stdlib.h>

#define STATEDIR_DEFAULT "/run/vcrun"

/* The option's value if there is one, else $VCRUN_STATE_DIR, else the default. */
static inline const char *statedir_choose(const char *option)
{
	const char *env = getenv("VCRUN_STATE_DIR");

	if (option && *option)
		return option;
	return env && *env ? env : STATEDIR_DEFAULT;
}

#endif
