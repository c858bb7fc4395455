// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * file.c - the objects' files: STATE/ipc/o/XX/ID, XX the id's last two digits
 *
 * A file is at one path for everybody, so that CRIU carries its mappings. It has the object's
 * owner and mode, and is what counts: an owner may have changed its mode through a
 * descriptor. Users cannot make files here, but may hold a lease on their own, so nothing
 * here is opened without O_NONBLOCK, or they could hold up the daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/ipc/ipc.h"

#define FILE_MODE 0777 /* of what a user asks for; no setuid bits */

void ipc_file_path(uint64_t id, char ret[32])
{
	snprintf(ret, 32, "%02x/%016" PRIx64, (unsigned int)(id & 0xff), id);
}

static int file_create(const struct ipc *ipc, const char *path)
{
	char dir[3] = { path[0], path[1], '\0' };
	int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	int fd = openat(ipc->dirfd, path, flags, 0600);

	if (fd < 0 && errno == ENOENT && (mkdirat(ipc->dirfd, dir, 0711) == 0 || errno == EEXIST))
		fd = openat(ipc->dirfd, path, flags, 0600);
	return fd < 0 ? -errno : fd;
}

int ipc_file_make(const struct ipc *ipc, const struct table_object *object, uint64_t size,
		  struct vc_err *err)
{
	_cleanup_close_ int fd = -1;
	char path[32];
	int r = 0;

	ipc_file_path(object->id, path);
	fd = file_create(ipc, path);
	if (fd < 0)
		return err_sys(err, -fd, "make the object's file");
	/* chown takes setuid bits away, so the mode comes last. */
	if (ftruncate(fd, (off_t)size) < 0 || fchown(fd, object->uid, object->gid) < 0 ||
	    fchmod(fd, object->mode & FILE_MODE) < 0)
		r = errno;
	if (r == 0)
		return 0;
	unlinkat(ipc->dirfd, path, 0);
	return err_sys(err, r, "make the object's file of %" PRIu64 " bytes", size);
}

int ipc_file_fill(const struct ipc *ipc, uint64_t id, const void *data, size_t n,
		  struct vc_err *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	ssize_t written;
	int r = ipc_file_open(ipc, id, O_WRONLY, &fd, &st);

	if (r < 0)
		return err_sys(err, -r, "open the object's new file");
	written = pwrite(fd, data, n, 0);
	if (written < 0 || (size_t)written < n)
		return err_sys(err, written < 0 ? errno : ENOSPC, "write the object's first bytes");
	return 0;
}

int ipc_file_open(const struct ipc *ipc, uint64_t id, int flags, int *ret_fd, struct stat *ret)
{
	_cleanup_close_ int fd = -1;
	char path[32];

	ipc_file_path(id, path);
	fd = openat(ipc->dirfd, path, flags | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	/* The flag would show in the program. */
	if (fcntl(fd, F_SETFL, 0) < 0 || fstat(fd, ret) < 0)
		return -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}

int ipc_file_stat(const struct ipc *ipc, uint64_t id, struct stat *ret)
{
	char path[32];

	ipc_file_path(id, path);
	return fstatat(ipc->dirfd, path, ret, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int ipc_file_link(const struct ipc *ipc, uint64_t id, const char *region, struct vc_err *err)
{
	char path[32], name[PARTITION_NAME_MAX + 16];

	ipc_file_path(id, path);
	snprintf(name, sizeof(name), "regions/%s", region);
	if ((mkdirat(ipc->dirfd, "regions", 0700) < 0 && errno != EEXIST) ||
	    (unlinkat(ipc->dirfd, name, 0) < 0 && errno != ENOENT) ||
	    linkat(ipc->dirfd, path, ipc->dirfd, name, 0) < 0)
		return err_sys(err, errno, "name its file");
	return 0;
}

int ipc_file_own(const struct ipc *ipc, uint64_t id, uid_t uid, gid_t gid, mode_t mode)
{
	char path[32];

	ipc_file_path(id, path);
	if (fchownat(ipc->dirfd, path, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(ipc->dirfd, path, mode & FILE_MODE, 0) < 0)
		return -errno;
	return 0;
}

void ipc_file_remove(const struct ipc *ipc, uint64_t id)
{
	char path[32];

	ipc_file_path(id, path);
	if (unlinkat(ipc->dirfd, path, 0) < 0 && errno != ENOENT)
		log_warn("remove the file of IPC object %" PRIu64 ": %m", id);
}

/*
 * A write lease is only given to who has the file alone, and mappings count: the kernel
 * knows what a child has inherited, which the table does not. The lease is gone again at once;
 * somebody who opens the file in that moment waits for it, and we hear of that by a signal,
 * which shall be one that is ignored. Where leases are switched off nobody is held to be there:
 * memory that is mapped stays all the same, and only its name is gone.
 */
bool ipc_file_is_held(int fd)
{
	fcntl(fd, F_SETSIG, SIGURG);
	if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0)
		return errno == EAGAIN;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return false;
}
