/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * refusal.h - descriptors that a move cannot take along, and why (libmig's own)
 */
#ifndef VC_LIBMIG_REFUSAL_H
#define VC_LIBMIG_REFUSAL_H

#include <sys/stat.h>

/* Keys of rows that the text behind a descriptor does not lead to. */
#define REFUSAL_THREAD "pidfd:thread"
#define REFUSAL_OUTSIDE "pidfd:outside"
#define REFUSAL_ALARM "timerfd:alarm"
#define REFUSAL_TARGET "epoll:target"
#define REFUSAL_NOTICE "mqueue:notice"
#define REFUSAL_CHANGES "directory:changes"
#define REFUSAL_ASKS "fanotify:asks"
#define REFUSAL_FLIGHT "socket:flight"

struct refusal {
	const char *key;
	const char *what;   /* NULL: it is kept */
	const char *why;    /* "its memory is the process's" */
	const char *remedy; /* an order to the user */
};

/* The row of a key; one always. */
const struct refusal *refusal_get(const char *key);
/* For a descriptor by the text behind /proc/PID/fd/N and what stat() says of it; NULL: it is kept,
 * or the text does not say. */
const struct refusal *refusal_of(const char *link, const struct stat *st);

#endif
