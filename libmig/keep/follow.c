// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * follow.c - open files that depend on what a move replaces: processes and control groups
 *
 * A file in the job's own control group becomes useless when the group is removed. The tree gets
 * the file of the same name in its new group instead, opened with the rights of the process that
 * has it.
 *
 * A file of a process in /proc cannot be opened before that process exists. criu opens it, by its
 * path and as root. The check here makes sure that no process gains a right by this. CRIU itself
 * misreads the end of a path that is no longer than "/proc/PID", so such a path is written again.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/keep/priv.h"
#include "libmig/keep/reopen.h"

/* Fields of CRIU's FdinfoEntry */
#define FDINFO_ID 1
#define FDINFO_FD 4

static bool follow_read_link(int fd, char ret[static PATH_MAX])
{
	char path[48];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, ret, PATH_MAX - 1);
	ret[len < 0 ? 0 : len] = '\0';
	return len > 0;
}

static pid_t follow_holder(const struct keep_file *file)
{
	int pid = file->pid;

	if (!pid)
		sscanf(file->link, "/proc/%d/", &pid);
	return pid;
}

int keep_follow(struct keep_scan *scan, struct keep_file *file)
{
	char path[PATH_MAX], new_path[PATH_MAX];
	struct statfs fs;
	int flags, fd;

	if (file->how != KEEP_KEPT || !scan->follow || fstatfs(file->fd, &fs) < 0 ||
	    (fs.f_type != CGROUP_SUPER_MAGIC && fs.f_type != CGROUP2_SUPER_MAGIC) ||
	    !follow_read_link(file->fd, path) ||
	    !scan->follow(path, new_path, sizeof(new_path), scan->follow_ctx))
		return 0;
	flags = fcntl(file->fd, F_GETFL);
	fd = reopen_as(follow_holder(file), new_path, flags);
	if (fd < 0)
		return err_set(
			scan->err, EOPNOTSUPP,
			"pid %d has %s open, and its rights do not permit to open the file of its "
			"new group (%s); close it for the move",
			(int)follow_holder(file), path, strerror(-fd));
	if (!(flags & O_PATH))
		lseek(fd, lseek(file->fd, 0, SEEK_CUR), SEEK_SET);
	file->home = file->fd;
	file->fd = fd;
	file->bound = true;
	return 0;
}

/* --- /proc --------------------------------------------------------------------------------- */

bool keep_follow_path(const struct keep_file *file, char ret[static PATH_MAX])
{
	return file->proc && follow_read_link(file->fd, ret);
}

static int follow_refuse(const struct keep_scan *scan, pid_t pid, const char *path,
			 const char *reason)
{
	return err_set(scan->err, EOPNOTSUPP, "pid %d has %s open, which %s; close it for the move",
		       (int)pid, path, reason);
}

static int follow_check(const struct keep_scan *scan, const struct keep_file *file, pid_t pid)
{
	char path[PATH_MAX];
	const char *reason;

	if (!keep_follow_path(file, path))
		return 0;
	reason = reopen_proc_refusal(pid, path, fcntl(file->fd, F_GETFL));
	return reason ? follow_refuse(scan, pid, path, reason) : 0;
}

int keep_follow_check(const struct keep_scan *scan)
{
	int r = 0;

	/* All processes that have it, and not only the one that it was taken from. */
	for (size_t i = 0; r == 0 && i < scan->n_tables; i++) {
		struct image *fds = &scan->tables[i].fds;

		image_rewind(fds);
		while (r == 0 && image_next_entry(fds)) {
			const struct keep_file *file = NULL;
			struct image_field id;

			if (image_find(fds->entry, fds->end, FDINFO_ID, &id))
				file = keep_find(scan, (uint32_t)id.value);
			if (file && file->proc)
				r = follow_check(scan, file, scan->tables[i].pid);
		}
	}
	for (size_t i = 0; r == 0 && i < scan->n; i++)
		if (scan->files[i].proc && !scan->files[i].pid)
			r = follow_check(scan, &scan->files[i], follow_holder(&scan->files[i]));
	return r;
}
