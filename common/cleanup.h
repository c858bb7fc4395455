/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cleanup.h - a function frees on every return what it took
 */
#ifndef VC_COMMON_CLEANUP_H
#define VC_COMMON_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Returns the pointer and leaves NULL, which cleanup ignores. */
#define steal_ptr(p)                                                                               \
	__extension__({                                                                            \
		__typeof__(p) _taken = (p);                                                        \
		(p) = NULL;                                                                        \
		_taken;                                                                            \
	})

/* Defines name(T *p), which calls f on *p if it is set. */
#define DEFINE_CLEANUP(type, name, f)                                                              \
	static inline void name(type *p)                                                           \
	{                                                                                          \
		if (*p)                                                                            \
			f(*p);                                                                     \
	}                                                                                          \
	struct name##_semicolon

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

DEFINE_CLEANUP(FILE *, fclosep, fclose);
DEFINE_CLEANUP(DIR *, closedirp, closedir);

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
#define _cleanup_fclose_ _cleanup_(fclosep)
#define _cleanup_closedir_ _cleanup_(closedirp)

#endif
