/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * real.h - the original functions of the C library
 *
 * They are looked up before main(), since a signal's handler can call most of them.
 */
#ifndef VC_IPCMAP_PRELOAD_REAL_H
#define VC_IPCMAP_PRELOAD_REAL_H

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the headers' "checked" forms. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir_fd, const char *path, int flags);
int __openat64_2(int dir_fd, const char *path, int flags);
int __poll_chk(struct pollfd *fds, nfds_t n, int msec, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask,
		size_t size);

/* clang-format off */
#define REAL_FUNCTIONS(X) \
	X(fork) X(_Fork) X(clone) X(dlmopen) X(open) X(open64) X(openat) X(openat64) \
	X(__open_2) X(__open64_2) X(__openat_2) X(__openat64_2) X(fopen) X(fopen64) \
	X(freopen) X(freopen64) X(close) X(close_range) X(closefrom) X(dup) X(dup2) \
	X(dup3) X(fcntl) X(fcntl64) X(fstat) X(fstat64) X(epoll_ctl) X(epoll_wait) \
	X(epoll_pwait) X(epoll_pwait2) X(poll) X(ppoll) X(__poll_chk) X(__ppoll_chk) \
	X(select) X(pselect)
/* clang-format on */

struct real {
#define REAL_FIELD(name) __typeof__(&(name)) name;
	REAL_FUNCTIONS(REAL_FIELD)
#undef REAL_FIELD
};

extern struct real real_functions;

/* Looks the functions up, when the process begins or at the first call before that. Functions that
 * an older C library lacks are NULL and are never called. */
void real_begin(void);

#define REAL(name)                                                                                 \
	(*(real_functions.name ? real_functions.name : (real_begin(), real_functions.name)))

#endif
