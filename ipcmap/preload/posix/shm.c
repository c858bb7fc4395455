// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * shm.c - shm_open(), shm_unlink()
 *
 * The descriptor is that of the object's file, so ftruncate(), mmap(), fstat() and close() are the
 * kernel's. A close cannot be noticed here. So the program is not counted as an opener, and the
 * daemon asks the kernel whether a process has the file open.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipcmap/preload/preload.h"

/* The access to ask for: to truncate, a caller must be able to write. */
static uint32_t shm_access(int oflag)
{
	switch (oflag & O_ACCMODE) {
	case O_RDONLY:
		return oflag & O_TRUNC ? 0 : DOOR_RDONLY;
	case O_WRONLY:
		return DOOR_WRONLY;
	default:
		return 0;
	}
}

static int shm_truncate(int *fd, int oflag)
{
	if (ftruncate(*fd, 0) < 0)
		return -errno;
	return (oflag & O_ACCMODE) == O_RDONLY ? preload_reopen_readonly(fd) : 0;
}

static int shm_open_name(const char *name, int oflag, mode_t mode)
{
	char path[NAME_MAX + 2];
	struct door_open req = { .kind = IPC_KIND_POSIX_SHM,
				 .flags = shm_access(oflag) | DOOR_NOCOUNT };
	struct door_object opened;
	int r = posix_take_name(name, path);

	if (r < 0)
		return r;
	req.name = posix_name(path);
	r = posix_open(&req, oflag, mode, &opened);
	if (r < 0)
		return r;
	r = oflag & O_TRUNC ? shm_truncate(&opened.fd, oflag) : 0;
	if (r < 0) {
		close(opened.fd);
		return r;
	}
	return preload_lowest_fd(opened.fd);
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
	return posix_unlink(IPC_KIND_POSIX_SHM, name, posix_take_name);
}
