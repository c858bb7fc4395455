/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * file.h - small files, read and written as a whole, relative to a directory descriptor
 *
 * Kernel files (proc, cgroup, sysfs) and our state files are small. With a dirfd of AT_FDCWD a path
 * is absolute or relative to the current directory.
 */
#ifndef VC_COMMON_FILE_H
#define VC_COMMON_FILE_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads at most size-1 bytes and appends NUL; one trailing newline is removed. Returns the length
 * or -errno. */
ssize_t file_read(int dirfd, const char *path, char *buf, size_t size);

/* Reads a file of at most max bytes, else -EFBIG, onto the heap and appends NUL. Returns the length
 * or -errno. The caller frees *ret. */
ssize_t file_read_all(int dirfd, const char *path, size_t max, char **ret);
/* Does the same with an open file from its present offset. */
ssize_t file_read_all_fd(int fd, size_t max, char **ret);

/* Opens a directory for readdir(3). Returns NULL with errno on failure. */
DIR *file_open_dir(int dirfd, const char *path);

/* Reads one unsigned decimal number. Returns 0, -EINVAL or another -errno. */
int file_read_u64(int dirfd, const char *path, uint64_t *ret);

/* Writes with a single write() into an existing file. Returns 0 or -errno. */
int file_write(int dirfd, const char *path, const char *text);

/* Replaces a state file: written as path.new, fsynced, renamed. Returns 0 or -errno. */
int file_replace(int dirfd, const char *path, const void *data, size_t size, mode_t mode);

/* Removes a directory and everything below it on the same file system. Returns 0, also when it is
 * missing, or -errno of the first failure. */
int file_remove_tree(int dirfd, const char *path);
/* Does the same, but keeps the directory itself. */
int file_empty_tree(int dirfd, const char *path);

#endif
