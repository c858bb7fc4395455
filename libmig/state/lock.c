// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lock.c - POSIX locks
 *
 * A process loses its POSIX locks on a file when it closes any descriptor of that file. CRIU would
 * take the locks, close descriptors afterwards, and wait if another process has a lock. So the
 * locks are removed from the images, and are taken here when all else is restored. Databases lock
 * files that they have mapped: SQLite with a write-ahead log, LMDB.
 *
 * inventory/lock.c makes sure that no other process can take the locks during the move.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/proc.h"
#include "common/procdir.h"
#include "libmig/state/priv.h"

#define LOCK_FDINFO_MAX (64u << 20) /* bytes of one descriptor's */

static bool lock_is_allowed(const char *fdinfo, int type)
{
	const char *field = proc_field(fdinfo, "flags");
	int mode = field ? (int)strtoul(field, NULL, 8) & O_ACCMODE : O_RDONLY;

	return mode == O_RDWR || mode == (type == F_WRLCK ? O_WRONLY : O_RDONLY);
}

/* Each descriptor of a file shows all locks that the process has on it. */
static bool lock_is_known(const struct state_proc *proc, const struct stat *st,
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

static void lock_add(const struct state_proc *proc, int fd, const struct stat *st,
		     const struct flock *lock)
{
	struct state_item *item = state_add(proc, "a lock", proc->pid);

	item->must = true;
	item->dev = st->st_dev;
	item->ino = st->st_ino;
	item->call.nr = __NR_fcntl;
	item->call.args[0] = (uint64_t)fd;
	item->call.args[1] = F_SETLK;
	item->call.pointers = 1 << 2;
	item->call.size = sizeof(*lock);
	memcpy(item->call.data, lock, sizeof(*lock));
}

static void lock_read(const struct state_proc *proc, const char *fd, const struct stat *st)
{
	_cleanup_free_ char *text = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", (int)proc->pid, fd);
	if (file_read_all(AT_FDCWD, path, LOCK_FDINFO_MAX, &text) < 0)
		return;
	for (const char *line = text; (line = strstr(line, "lock:\t")); line++) {
		struct flock lock = { .l_whence = SEEK_SET };
		char type[8], end[32];
		long long start;

		if (sscanf(line, "lock:\t%*d: POSIX %*s %7s %*d %*s %lld %31s", type, &start,
			   end) != 3)
			continue;
		lock.l_type = !strcmp(type, "WRITE") ? F_WRLCK : F_RDLCK;
		lock.l_start = start;
		lock.l_len = !strcmp(end, "EOF") ? 0 : atoll(end) - start + 1;
		if (lock_is_allowed(text, lock.l_type) && !lock_is_known(proc, st, &lock))
			lock_add(proc, atoi(fd), st, &lock);
	}
}

/* /proc/locks is not read: the kernel waits 5 to 15 ms before it shows it. */
int state_lock_read(const struct state_proc *proc)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	const char *fd;

	procdir_open(&dir, AT_FDCWD, "/proc/%d/fd", (int)proc->pid);
	while ((fd = procdir_next(&dir))) {
		struct stat st;

		if (fstatat(dir.fd, fd, &st, 0) == 0 && S_ISREG(st.st_mode))
			lock_read(proc, fd, &st);
	}
	return 0;
}
