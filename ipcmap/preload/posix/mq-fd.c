// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mq-fd.c - a queue's descriptor in calls that are not calls of queues
 *
 * close() and similar end the work of mq_notify() and epoll, as in the kernel. A copy by dup() is
 * also a queue. fcntl() and fstat() return what they return for a queue of the kernel. A process
 * without an open queue pays one load for each call.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipcmap/preload/posix/mq.h"
#include "ipcmap/preload/preload.h"
#include "ipcmap/preload/real.h"

#define MQ_FILE_BYTES 80 /* st_size of the kernel's */

/* --- close ------------------------------------------------------------------------------- */

/* A program that closes all numbers also meets bells, which it has not opened. */
INTERPOSE int close(int fd)
{
	if (mq_is_bell(fd))
		return preload_result(-EBADF);
	return mq_is_queue(fd) ? mq_close(fd) : REAL(close)(fd);
}

/* The descriptors are closed now. */
static void fd_closed(unsigned int first, unsigned int last)
{
	for (unsigned int fd = first; mq_any() && fd <= last && fd < MQ_FDS; fd++)
		if (mq_is_queue((int)fd))
			mq_closed((int)fd);
		else if (mq_is_bell((int)fd))
			mq_bell_lost((int)fd);
}

INTERPOSE int close_range(unsigned int first, unsigned int last, int flags)
{
	int r = REAL(close_range)(first, last, flags);

	if (r == 0 && !(flags & CLOSE_RANGE_CLOEXEC))
		fd_closed(first, last);
	return r;
}

INTERPOSE void closefrom(int first)
{
	REAL(closefrom)(first);
	fd_closed(first < 0 ? 0 : (unsigned int)first, MQ_FDS);
}

/* --- copies ------------------------------------------------------------------------------ */

/* copy is now a copy of fd only. */
static int fd_copied(int fd, int copy)
{
	if (copy < 0 || copy == fd)
		return copy;
	if (mq_is_queue(copy))
		mq_closed(copy);
	if (mq_is_queue(fd))
		mq_copied(fd, copy);
	return copy;
}

INTERPOSE int dup(int fd)
{
	return fd_copied(fd, REAL(dup)(fd));
}

INTERPOSE int dup2(int fd, int copy)
{
	if (mq_is_bell(copy))
		mq_bell_lost(copy);
	return fd_copied(fd, REAL(dup2)(fd, copy));
}

INTERPOSE int dup3(int fd, int copy, int flags)
{
	if (mq_is_bell(copy))
		mq_bell_lost(copy);
	return fd_copied(fd, REAL(dup3)(fd, copy, flags));
}

/* --- fcntl ------------------------------------------------------------------------------- */

static int fd_control(int (*real)(int, int, ...), int fd, int command, long arg)
{
	int r = real(fd, command, arg);

	if (!mq_is_queue(fd) || r < 0)
		return r;
	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
		return fd_copied(fd, r);
	return command == F_GETFL ? mq_flags(fd, r) : r;
}

INTERPOSE int fcntl(int fd, int command, ...)
{
	va_list ap;
	long arg;

	va_start(ap, command);
	arg = va_arg(ap, long);
	va_end(ap);
	return fd_control(REAL(fcntl), fd, command, arg);
}

INTERPOSE int fcntl64(int fd, int command, ...)
{
	va_list ap;
	long arg;

	va_start(ap, command);
	arg = va_arg(ap, long);
	va_end(ap);
	return fd_control(REAL(fcntl64), fd, command, arg);
}

/* --- fstat ------------------------------------------------------------------------------- */

INTERPOSE int fstat(int fd, struct stat *st)
{
	int r = REAL(fstat)(fd, st);

	if (r == 0 && mq_is_queue(fd))
		st->st_size = MQ_FILE_BYTES;
	return r;
}

INTERPOSE int fstat64(int fd, struct stat64 *st)
{
	int r = REAL(fstat64)(fd, st);

	if (r == 0 && mq_is_queue(fd))
		st->st_size = MQ_FILE_BYTES;
	return r;
}
