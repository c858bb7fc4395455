// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * file.c - small files, read and written as a whole, relative to a directory descriptor
 */
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"

static ssize_t file_read_fd(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

ssize_t file_read(int dirfd, const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = file_read_fd(fd, buf, size - 1);
	if (len < 0)
		return len;
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return len;
}

ssize_t file_read_all_fd(int fd, size_t max, char **ret)
{
	_cleanup_free_ char *buf = NULL;
	size_t size = 4096, len = 0;

	for (;;) {
		char *grown = realloc(buf, size + 1);
		ssize_t n;

		if (!grown)
			return -ENOMEM;
		buf = grown;
		n = file_read_fd(fd, buf + len, size - len);
		if (n < 0)
			return n;
		len += (size_t)n;
		if (len < size)
			break;
		size *= 2;
		if (len > max)
			return -EFBIG;
	}
	if (len > max)
		return -EFBIG;
	buf[len] = '\0';
	*ret = steal_ptr(buf);
	return (ssize_t)len;
}

ssize_t file_read_all(int dirfd, const char *path, size_t max, char **ret)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : file_read_all_fd(fd, max, ret);
}

DIR *file_open_dir(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		closep(&fd);
	return dir;
}

int file_read_u64(int dirfd, const char *path, uint64_t *ret)
{
	char text[64];
	uint64_t value;
	ssize_t len = file_read(dirfd, path, text, sizeof(text));

	if (len < 0)
		return (int)len;
	if (sscanf(text, "%" SCNu64, &value) != 1)
		return -EINVAL;
	*ret = value;
	return 0;
}

int file_write(int dirfd, const char *path, const char *text)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

static int file_write_fd(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int file_replace(int dirfd, const char *path, const void *data, size_t size, mode_t mode)
{
	_cleanup_close_ int fd = -1;
	char fresh[PATH_MAX];
	int r;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	/* A leftover file may belong to another user, and would keep its owner. */
	unlinkat(dirfd, fresh, 0);
	fd = openat(dirfd, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	r = file_write_fd(fd, data, size);
	if (r == 0 && renameat(dirfd, fresh, dirfd, path) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dirfd, fresh, 0);
	return r;
}

static int file_empty_dir(int fd, dev_t dev)
{
	_cleanup_closedir_ DIR *dir = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 0));
	const struct dirent *entry;
	int first = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		struct stat st;
		int r = 0;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			r = errno == ENOENT ? 0 : -errno;
		else if (st.st_dev != dev)
			r = -EXDEV;
		else if (S_ISDIR(st.st_mode))
			r = file_remove_tree(fd, entry->d_name);
		else if (unlinkat(fd, entry->d_name, 0) < 0 && errno != ENOENT)
			r = -errno;
		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}

int file_empty_tree(int dirfd, const char *path)
{
	_cleanup_close_ int fd =
		openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	return file_empty_dir(fd, st.st_dev);
}

int file_remove_tree(int dirfd, const char *path)
{
	_cleanup_close_ int fd =
		openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	r = file_empty_dir(fd, st.st_dev);
	if (unlinkat(dirfd, path, AT_REMOVEDIR) < 0 && errno != ENOENT && r == 0)
		r = -errno;
	return r;
}
