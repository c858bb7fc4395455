// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * raw.c - syscall(2), with IPC calls redirected to the interposed functions
 *
 * A program makes a system call by number if the C library has no function for it, or to avoid that
 * function. Here the number is looked up in a table. Numbers that are no IPC calls go to the kernel
 * as before.
 */
#include "ipcmap/preload/raw.h"

#include <errno.h>
#include <limits.h>
#include <mqueue.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "ipcmap/preload/exec.h"
#include "ipcmap/preload/preload.h"

/* The kernel's flag for its newer structures. The C library adds it where the kernel needs it. */
#define RAW_IPC_64 0x100

/* --- System V ---------------------------------------------------------------------------- */

static long raw_sysv(long nr, const long args[6])
{
	switch (nr) {
	case SYS_msgget:
		return msgget((key_t)args[0], (int)args[1]);
	case SYS_msgsnd:
		return msgsnd((int)args[0], (const void *)args[1], (size_t)args[2], (int)args[3]);
	case SYS_msgrcv:
		return msgrcv((int)args[0], (void *)args[1], (size_t)args[2], args[3],
			      (int)args[4]);
	case SYS_msgctl:
		return msgctl((int)args[0], (int)args[1] & ~RAW_IPC_64, (void *)args[2]);
	case SYS_semget:
		return semget((key_t)args[0], (int)args[1], (int)args[2]);
	case SYS_semop:
		return semop((int)args[0], (void *)args[1], (size_t)args[2]);
	case SYS_semtimedop:
		return semtimedop((int)args[0], (void *)args[1], (size_t)args[2],
				  (const void *)args[3]);
	case SYS_semctl:
		return semctl((int)args[0], (int)args[1], (int)args[2] & ~RAW_IPC_64,
			      (void *)args[3]);
	case SYS_shmget:
		return shmget((key_t)args[0], (size_t)args[1], (int)args[2]);
	case SYS_shmat:
		return (long)shmat((int)args[0], (const void *)args[1], (int)args[2]);
	case SYS_shmdt:
		return shmdt((const void *)args[0]);
	default:
		return shmctl((int)args[0], (int)args[1] & ~RAW_IPC_64, (void *)args[2]);
	}
}

/* --- POSIX queues ------------------------------------------------------------------------ */

/* The kernel's names do not begin with a slash. */
static const char *raw_mq_name(const char *name, char ret[NAME_MAX + 2])
{
	size_t len;

	if (!name)
		return name;
	len = strnlen(name, NAME_MAX + 1);
	ret[0] = '/';
	memcpy(ret + 1, name, len);
	ret[len < NAME_MAX + 1 ? len + 1 : NAME_MAX + 1] = '\0';
	return ret;
}

/* The C library implements SIGEV_THREAD with a socket that only it can read. */
static long raw_mq_notify(mqd_t fd, const struct sigevent *event)
{
	if (event && event->sigev_notify == SIGEV_THREAD)
		return preload_result(-ENOSYS);
	return mq_notify(fd, event);
}

static long raw_mq(long nr, const long args[6])
{
	char name[NAME_MAX + 2];

	switch (nr) {
	case SYS_mq_open:
		return mq_open(raw_mq_name((const char *)args[0], name), (int)args[1],
			       (mode_t)args[2], (struct mq_attr *)args[3]);
	case SYS_mq_unlink:
		return mq_unlink(raw_mq_name((const char *)args[0], name));
	case SYS_mq_timedsend:
		return mq_timedsend((mqd_t)args[0], (const char *)args[1], (size_t)args[2],
				    (unsigned int)args[3], (const struct timespec *)args[4]);
	case SYS_mq_timedreceive:
		return mq_timedreceive((mqd_t)args[0], (char *)args[1], (size_t)args[2],
				       (unsigned int *)args[3], (const struct timespec *)args[4]);
	case SYS_mq_notify:
		return raw_mq_notify((mqd_t)args[0], (const struct sigevent *)args[1]);
	default:
		return mq_setattr((mqd_t)args[0], (const struct mq_attr *)args[1],
				  (struct mq_attr *)args[2]);
	}
}

/* --- programs and processes -------------------------------------------------------------- */

static long raw_exec(long nr, const long args[6])
{
	if (nr == SYS_execve)
		return preload_result(exec_path((const char *)args[0], (char *const *)args[1],
						(char *const *)args[2]));
	return preload_result(exec_at((int)args[0], (const char *)args[1], (char *const *)args[2],
				      (char *const *)args[3], (int)args[4]));
}

/* --- by number --------------------------------------------------------------------------- */

typedef long raw_serve(long nr, const long args[6]);

static raw_serve *const raw_served[] = {
	[SYS_msgget] = raw_sysv,        [SYS_msgsnd] = raw_sysv,
	[SYS_msgrcv] = raw_sysv,        [SYS_msgctl] = raw_sysv,
	[SYS_semget] = raw_sysv,        [SYS_semop] = raw_sysv,
	[SYS_semtimedop] = raw_sysv,    [SYS_semctl] = raw_sysv,
	[SYS_shmget] = raw_sysv,        [SYS_shmat] = raw_sysv,
	[SYS_shmdt] = raw_sysv,         [SYS_shmctl] = raw_sysv,
	[SYS_mq_open] = raw_mq,         [SYS_mq_unlink] = raw_mq,
	[SYS_mq_timedsend] = raw_mq,    [SYS_mq_timedreceive] = raw_mq,
	[SYS_mq_notify] = raw_mq,       [SYS_mq_getsetattr] = raw_mq,
#ifdef SYS_fork
	[SYS_fork] = process_raw_fork,
#endif
	[SYS_clone] = process_raw_fork, [SYS_clone3] = process_raw_fork,
	[SYS_execve] = raw_exec,        [SYS_execveat] = raw_exec,
	[SYS_munmap] = raw_memory,      [SYS_mremap] = raw_memory,
	[SYS_mmap] = raw_memory,        [SYS_mprotect] = raw_memory,
	[SYS_madvise] = raw_memory,     [SYS_mlock] = raw_memory,
	[SYS_munlock] = raw_memory,
};

static raw_serve *raw_find(long nr)
{
	return nr >= 0 && (size_t)nr < ARRAY_SIZE(raw_served) ? raw_served[nr] : NULL;
}

bool raw_is_served(long nr)
{
	return raw_find(nr) != NULL;
}

long raw_mapped(long nr, const long args[6])
{
	return raw_find(nr)(nr, args);
}

/* syscall(2) is variadic. Its arguments are longs and are passed like those of this function. */
INTERPOSE long raw_syscall(long nr, long a, long b, long c, long d, long e,
			   long f) __asm__("syscall");

INTERPOSE long raw_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	const long args[6] = { a, b, c, d, e, f };
	long r;

	if (raw_is_served(nr))
		return raw_mapped(nr, args);
	r = raw_kernel(nr, args);
	if (r >= 0 || r < -4095)
		return r;
	errno = (int)-r;
	return -1;
}
