// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lock.c - POSIX locks
 *
 * A process loses its POSIX locks on a file with the first descriptor of it that it closes.
 * CRIU would take the locks, and close descriptors after that; and where somebody else has a lock
 * it would wait. So the images have none, and they are taken when all else is done. Databases
 * lock what they have mapped: SQLite with a write-ahead log, LMDB.
 *
 * That nobody else takes them in between is inventory/lock.c's to see to.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/proc.h"
#include "common/procdir.h"
#include "libmig/state/priv.h"

#define STATE_LOCKS_MAX (64u << 20) /* bytes of one descriptor's */

static bool state_may_lock(const char *fdinfo, int type)
{
	const char *field = proc_field(fdinfo, "flags");
	int mode = field ? (int)strtoul(field, NULL, 8) & O_ACCMODE : O_RDONLY;

	return mode == O_RDWR || mode == (type == F_WRLCK ? O_WRONLY : O_RDONLY);
}

/* The file of an earlier lock may have been opened twice: each descriptor shows all locks. */
static bool state_knows_lock(const struct state_proc *proc, const struct stat *st,
			     const struct flock *lock)
{
	for (size_t i = 0; i < proc->state->n; i++) {
		const struct state_item *item = &proc->state->items[i];

		if (item->pid == proc->pid && item->dev == st->st_dev && item->ino == st->st_ino &&
		    !memcmp(item->call.data, lock, sizeof(*lock)))
			return true;
	}
	return false;
}

static int state_add_lock(const struct state_proc *proc, int fd, const struct stat *st,
			  const struct flock *lock)
{
	struct state_item *item = state_add(proc->state, "a lock", proc->pid, proc->pid);

	if (!item)
		return -proc->state->err->code;
	item->must = true;
	item->dev = st->st_dev;
	item->ino = st->st_ino;
	item->call.nr = __NR_fcntl;
	item->call.args[0] = (uint64_t)fd;
	item->call.args[1] = F_SETLK;
	item->call.pointers = 1 << 2;
	item->call.size = sizeof(*lock);
	memcpy(item->call.data, lock, sizeof(*lock));
	return 0;
}

static int state_read_descriptor(const struct state_proc *proc, const char *fd,
				 const struct stat *st)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", (int)proc->pid, fd);
	if (file_read_all(AT_FDCWD, path, STATE_LOCKS_MAX, &text) < 0)
		return 0;
	for (const char *line = text; r == 0 && (line = strstr(line, "lock:\t")); line++) {
		struct flock lock = { .l_whence = SEEK_SET };
		char type[8], end[32];
		long long start;

		if (sscanf(line, "lock:\t%*d: POSIX %*s %7s %*d %*s %lld %31s", type, &start,
			   end) != 3)
			continue;
		lock.l_type = !strcmp(type, "WRITE") ? F_WRLCK : F_RDLCK;
		lock.l_start = start;
		lock.l_len = !strcmp(end, "EOF") ? 0 : atoll(end) - start + 1;
		if (state_may_lock(text, lock.l_type) && !state_knows_lock(proc, st, &lock))
			r = state_add_lock(proc, atoi(fd), st, &lock);
	}
	return r;
}

/* Not /proc/locks: to write that the kernel waits until no CPU is at a lock, 5 to 15 ms. */
int state_lock_read(const struct state_proc *proc)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	char path[48];
	const char *fd;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)proc->pid);
	if (procdir_open(&dir, AT_FDCWD, path) < 0)
		return 0;
	while (r == 0 && (fd = procdir_next(&dir))) {
		struct stat st;

		if (fstatat(dir.fd, fd, &st, 0) == 0 && S_ISREG(st.st_mode))
			r = state_read_descriptor(proc, fd, &st);
	}
	return r;
}
