// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * posix-shm.c - shm_open(), shm_unlink()
 *
 * The descriptor is the object's own file, so ftruncate(), mmap(), fstat() and close() are the
 * kernel's. Nobody tells when it is closed: the program is not counted as an opener, and
 * the daemon asks the kernel whether somebody holds the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipcmap/preload/preload.h"

/* The C library takes a name with any number of slashes in front, and none. */
static int shm_name(const char *name, char ret[NAME_MAX + 1])
{
	size_t len;

	while (*name == '/')
		name++;
	len = strlen(name);
	if (len == 0 || strchr(name, '/'))
		return -EINVAL;
	if (len + 2 > NAME_MAX + 1)
		return -ENAMETOOLONG;
	ret[0] = '/';
	memcpy(ret + 1, name, len + 1);
	return 0;
}

static int shm_open_name(const char *name, int oflag, mode_t mode)
{
	char path[NAME_MAX + 1];
	struct door_object opened;
	int r = shm_name(name, path), fd;

	if (r < 0)
		return r;
	r = posix_open(IPC_KIND_POSIX_SHM, path, oflag, mode, 0, NULL, UINT64_MAX, &opened);
	/* Who may only read has nothing to make. */
	if (r == -EACCES && oflag & O_CREAT && !(oflag & O_EXCL) && (oflag & O_ACCMODE) == O_RDONLY)
		r = posix_open(IPC_KIND_POSIX_SHM, path, O_RDONLY, 0, 0, NULL, UINT64_MAX, &opened);
	if (r < 0)
		return r;
	door_close(opened.handle);
	if (oflag & O_TRUNC && (oflag & O_ACCMODE) == O_RDWR && ftruncate(opened.fd, 0) < 0) {
		r = -errno;
		close(opened.fd);
		return r;
	}
	fd = preload_lowest_fd(opened.fd);
	return fd;
}

INTERPOSE int shm_open(const char *name, int oflag, mode_t mode)
{
	struct section section;
	int r;

	section_begin(&section);
	r = shm_open_name(name, oflag, mode);
	section_end(&section);
	return preload_result(r);
}

INTERPOSE int shm_unlink(const char *name)
{
	struct section section;
	char path[NAME_MAX + 1];
	int r;

	section_begin(&section);
	r = shm_name(name, path);
	if (r == 0)
		r = door_unlink(IPC_KIND_POSIX_SHM, path, 0);
	section_end(&section);
	return preload_result(r == -EINVAL ? -ENOENT : r);
}
