// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * procdir.c - a directory of numbers in /proc
 */
#include "common/procdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/cleanup.h"

int procdir_open(struct procdir *dir, int dirfd, const char *format, ...)
{
	char path[64];
	va_list ap;

	va_start(ap, format);
	vsnprintf(path, sizeof(path), format, ap);
	va_end(ap);
	dir->fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir->at = dir->len = 0;
	return dir->fd < 0 ? -errno : 0;
}

const char *procdir_next(struct procdir *dir)
{
	for (;;) {
		const struct dirent64 *entry;

		if (dir->at >= dir->len) {
			ssize_t len = getdents64(dir->fd, dir->buf, sizeof(dir->buf));

			if (len <= 0)
				return NULL;
			dir->len = (size_t)len;
			dir->at = 0;
		}
		entry = (const void *)(dir->buf + dir->at);
		dir->at += entry->d_reclen;
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
			return entry->d_name;
	}
}

pid_t procdir_next_pid(struct procdir *dir)
{
	const char *name = procdir_next(dir);

	return name ? atoi(name) : 0;
}

void procdir_close(struct procdir *dir)
{
	closep(&dir->fd);
}
