// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * limits.c - limits of System V and POSIX objects: those of the job's own namespace
 *
 * A limit can change at any time, so the kernel is asked each time, by a system call (raw.h). To
 * check a new segment or queue, one is made in the kernel and removed at once. So the order of the
 * checks, the privileges and the errors are the kernel's. The daemon knows the number of mapped
 * objects (struct door_limit). vcipc-preload(7) says which limits apply.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/file.h"
#include "ipcmap/preload/preload.h"
#include "ipcmap/preload/raw.h"

#define QUEUES_DEFAULT 256
/* The bytes that the kernel counts for a message and a priority (mq_overview(7), RLIMIT_MSGQUEUE).
 */
#define MQ_MESSAGE_BYTES 48
#define MQ_PRIORITY_BYTES 48
#define MQ_PRIORITIES 32768

/* --- System V ---------------------------------------------------------------------------- */

void limits_msg(struct msginfo *ret)
{
	*ret = (struct msginfo){ .msgmni = 32000, .msgmax = 8192, .msgmnb = 16384 };
	RAW_KERNEL(SYS_msgctl, 0, IPC_INFO, (long)ret);
}

void limits_sem(struct seminfo *ret)
{
	*ret = (struct seminfo){
		.semmni = 32000, .semmsl = 32000, .semmns = 1024000000, .semopm = 500
	};
	RAW_KERNEL(SYS_semctl, 0, 0, IPC_INFO, (long)ret);
}

void limits_shm(struct shminfo *ret)
{
	*ret = (struct shminfo){ .shmmax = INT64_MAX, .shmmni = 4096, .shmall = INT64_MAX };
	RAW_KERNEL(SYS_shmctl, 0, IPC_INFO, (long)ret);
}

int limits_try_shm(size_t size, int flags)
{
	long id = RAW_KERNEL(SYS_shmget, IPC_PRIVATE, (long)size, (flags & ~0777) | 0600);

	if (id < 0)
		return (int)id;
	RAW_KERNEL(SYS_shmctl, id, IPC_RMID);
	return 0;
}

/* --- POSIX ------------------------------------------------------------------------------- */

/* Reads a number from a file in /proc/sys. */
static uint64_t limit_read(const char *path, uint64_t otherwise)
{
	char text[64];

	return file_read(AT_FDCWD, path, text, sizeof(text)) > 0 ? strtoull(text, NULL, 10)
								 : otherwise;
}

/* The name is the thread's own. An existing queue of this name is left from a process that was
 * killed here. */
static long try_mq_open(const char *name, const struct mq_attr *attr)
{
	const long how[6] = { (long)name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600,
			      (long)attr, [5] = RAW_OWN };
	long q = raw_kernel(SYS_mq_open, how);

	if (q == -EEXIST && RAW_KERNEL(SYS_mq_unlink, (long)name) == 0)
		q = raw_kernel(SYS_mq_open, how);
	if (q >= 0)
		RAW_KERNEL(SYS_mq_unlink, (long)name);
	return q;
}

int limits_try_mq(const struct mq_attr *attr, struct mq_attr *ret)
{
	char name[64];
	long q, r;

	snprintf(name, sizeof(name), "vcipc-preload.%ld", syscall(SYS_gettid));
	q = try_mq_open(name, attr);
	if (q < 0)
		return (int)q;
	r = RAW_KERNEL(SYS_mq_getsetattr, q, 0, (long)ret);
	close((int)q);
	return (int)r;
}

void limits_mq(const struct mq_attr *attr, struct door_limit *ret)
{
	uint64_t messages = (uint64_t)attr->mq_maxmsg;
	uint64_t priorities = messages < MQ_PRIORITIES ? messages : MQ_PRIORITIES;
	struct rlimit limit = { .rlim_cur = RLIM_INFINITY };

	getrlimit(RLIMIT_MSGQUEUE, &limit);
	*ret = (struct door_limit){
		.objects = preload_has_capability(CAP_SYS_RESOURCE)
				   ? UINT64_MAX
				   : limit_read("/proc/sys/fs/mqueue/queues_max", QUEUES_DEFAULT),
		.units = messages * (MQ_MESSAGE_BYTES + (uint64_t)attr->mq_msgsize) +
			 priorities * MQ_PRIORITY_BYTES,
		.units_in_all = limit.rlim_cur,
	};
}
