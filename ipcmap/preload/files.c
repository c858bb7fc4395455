// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * files.c - /proc/sysvipc shows the mapped objects
 *
 * ipcs(1), lsipc(1) and others read them there. Such a file is opened as usual. Its descriptor then
 * becomes one of a file in memory with the present text. So every way to the file works: a relative
 * path, a directory's descriptor or a link. Other files cost a look at the last part of their path.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "ipcmap/preload/preload.h"
#include "ipcmap/preload/real.h"
#include "ipcmap/preload/sysv/sysvipc.h"

/* The kind of objects in the file; 0: it is none of these files. */
static uint32_t files_kind(int fd, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char link[64], target[64];
	struct statfs fs;
	uint32_t kind = sysvipc_kind(name);
	ssize_t n;

	if (!kind || fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return 0;
	target[n] = '\0';
	slash = strrchr(target, '/');
	return n > 8 && slash - target >= 8 && !memcmp(slash - 8, "/sysvipc", 8) ? kind : 0;
}

/* A descriptor of the text. -errno. */
static int files_make(uint32_t kind, int flags)
{
	_cleanup_close_ int fd = memfd_create("sysvipc", MFD_CLOEXEC);
	_cleanup_(fclosep) FILE *file = NULL;
	char path[64];
	int r;

	if (fd < 0)
		return -errno;
	fchmod(fd, 0444);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = open(path, O_RDONLY | (flags & O_CLOEXEC));
	if (r < 0)
		return -errno;
	file = fdopen(fd, "w");
	if (!file) {
		close(r);
		return -ENOMEM;
	}
	steal_fd(&fd);
	sysvipc_write(kind, file);
	return r;
}

/* Replaces the file by the text. Keeps the kernel's empty file if that fails. */
static void files_replace(int fd, const char *path, int flags)
{
	uint32_t kind = fd >= 0 && path ? files_kind(fd, path) : 0;
	int saved = errno, text;

	if (!kind || (flags & O_ACCMODE) != O_RDONLY || flags & O_PATH)
		return;
	text = files_make(kind, flags);
	if (text >= 0) {
		dup3(text, fd, flags & O_CLOEXEC);
		close(text);
	}
	errno = saved;
}

static FILE *files_replace_stream(FILE *file, const char *path)
{
	int flags = file ? fcntl(fileno(file), F_GETFL) : -1;

	if (flags >= 0 && fcntl(fileno(file), F_GETFD) & FD_CLOEXEC)
		flags |= O_CLOEXEC;
	if (flags >= 0)
		files_replace(fileno(file), path, flags);
	return file;
}

/* --- the calls --------------------------------------------------------------------------- */

static mode_t files_mode(int flags, va_list ap)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(ap, mode_t) : 0;
}

#define FILES_OPEN(name)                                                                           \
	INTERPOSE int name(const char *path, int flags, ...)                                       \
	{                                                                                          \
		int fd;                                                                            \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, flags);                                                               \
		fd = REAL(name)(path, flags, files_mode(flags, ap));                               \
		va_end(ap);                                                                        \
		files_replace(fd, path, flags);                                                    \
		return fd;                                                                         \
	}
#define FILES_OPENAT(name)                                                                         \
	INTERPOSE int name(int dir_fd, const char *path, int flags, ...)                           \
	{                                                                                          \
		int fd;                                                                            \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, flags);                                                               \
		fd = REAL(name)(dir_fd, path, flags, files_mode(flags, ap));                       \
		va_end(ap);                                                                        \
		files_replace(fd, path, flags);                                                    \
		return fd;                                                                         \
	}
#define FILES_OPEN_2(name)                                                                         \
	INTERPOSE int name(const char *path, int flags)                                            \
	{                                                                                          \
		int fd;                                                                            \
                                                                                                   \
		fd = REAL(name)(path, flags);                                                      \
		files_replace(fd, path, flags);                                                    \
		return fd;                                                                         \
	}
#define FILES_OPENAT_2(name)                                                                       \
	INTERPOSE int name(int dir_fd, const char *path, int flags)                                \
	{                                                                                          \
		int fd;                                                                            \
                                                                                                   \
		fd = REAL(name)(dir_fd, path, flags);                                              \
		files_replace(fd, path, flags);                                                    \
		return fd;                                                                         \
	}
#define FILES_FOPEN(name)                                                                          \
	INTERPOSE FILE *name(const char *path, const char *how)                                    \
	{                                                                                          \
		return files_replace_stream(REAL(name)(path, how), path);                          \
	}
#define FILES_FREOPEN(name)                                                                        \
	INTERPOSE FILE *name(const char *path, const char *how, FILE *file)                        \
	{                                                                                          \
		return files_replace_stream(REAL(name)(path, how, file), path);                    \
	}

FILES_OPEN(open)
FILES_OPEN(open64)
FILES_OPENAT(openat)
FILES_OPENAT(openat64)
FILES_OPEN_2(__open_2)
FILES_OPEN_2(__open64_2)
FILES_OPENAT_2(__openat_2)
FILES_OPENAT_2(__openat64_2)
FILES_FOPEN(fopen)
FILES_FOPEN(fopen64)
FILES_FREOPEN(freopen)
FILES_FREOPEN(freopen64)
