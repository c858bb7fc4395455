/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * file.h - small files read and written whole, reached through a directory's fd
 *
 * Kernel files (proc, cgroup, sysfs) and our own state files are all small. A
 * dirfd of AT_FDCWD means: path is absolute or relative to the current directory.
 */
#ifndef VC_COMMON_FILE_H
#define VC_COMMON_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads at most size-1 bytes and ends them with NUL; one trailing newline is
 * dropped. Returns the length or -errno. */
ssize_t file_read(int dirfd, const char *path, char *buf, size_t size);

/* Reads a file of any size (at most max bytes, else -EFBIG) onto the heap, NUL
 * added; the caller frees *ret. Returns the length or -errno. */
ssize_t file_read_all(int dirfd, const char *path, size_t max, char **ret);
/* The same of an open file, from where it is. */
ssize_t file_read_all_fd(int fd, size_t max, char **ret);

/* Reads one unsigned decimal number. 0 or -errno (-EINVAL: no number). */
int file_read_u64(int dirfd, const char *path, uint64_t *ret);

/* Writes with a single write() into a file that exists. 0 or -errno. */
int file_write(int dirfd, const char *path, const char *text);

/* Replaces a state file: written as path.new, fsynced, renamed. 0 or -errno. */
int file_replace(int dirfd, const char *path, const void *data, size_t size, mode_t mode);

/* Removes a directory and all below it, not crossing into other file systems.
 * Nothing there is success. 0 or -errno of the first failure. */
int file_remove_tree(int dirfd, const char *path);
/* The same, but for the directory itself. */
int file_empty_tree(int dirfd, const char *path);

#endif
