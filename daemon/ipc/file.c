// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * file.c - the objects' files: STATE/ipc/o/XX/ID, XX the id's last two digits
 *
 * A file has the same path for every process, so that CRIU carries its mappings. It has the
 * object's owner and mode. These are authoritative, since an owner can change the mode through a
 * descriptor. Users cannot make files here, but can hold a lease on their own ones. So files are
 * opened with O_NONBLOCK; otherwise a lease would block the daemon.
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

#define FILE_MODE 0777 /* of the requested mode; no setuid bits */

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

/* Sets the file's owner, mode, size and first bytes. *ret: its state then. */
static int file_begin(int fd, const struct table_object *object, uint64_t size,
		      const ProtobufCBinaryData *init, struct stat *ret)
{
	mode_t mode = object->mode & FILE_MODE;
	ssize_t written = 0;

	if (ftruncate(fd, (off_t)size) < 0 || fstat(fd, ret) < 0)
		return -errno;
	if (init->len > 0)
		written = pwrite(fd, init->data, init->len, 0);
	if (written < 0 || (size_t)written < init->len)
		return written < 0 ? -errno : -ENOSPC;
	if ((ret->st_uid != object->uid || ret->st_gid != object->gid) &&
	    fchown(fd, object->uid, object->gid) < 0)
		return -errno;
	if ((ret->st_mode & 07777) != mode && fchmod(fd, mode) < 0)
		return -errno;
	ret->st_uid = object->uid;
	ret->st_gid = object->gid;
	ret->st_mode = S_IFREG | mode;
	return 0;
}

int ipc_file_make(const struct ipc *ipc, const struct table_object *object, uint64_t size,
		  const ProtobufCBinaryData *init, int *ret_fd, struct stat *ret,
		  struct vc_err *err)
{
	_cleanup_close_ int fd = -1;
	char path[32];
	int r;

	ipc_file_path(object->id, path);
	fd = file_create(ipc, path);
	if (fd < 0)
		return err_sys(err, -fd, "make the object's file");
	r = file_begin(fd, object, size, init, ret);
	if (r < 0) {
		unlinkat(ipc->dirfd, path, 0);
		return err_sys(err, -r, "make the object's file of %" PRIu64 " bytes", size);
	}
	*ret_fd = steal_fd(&fd);
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
	/* The program could see the flag. */
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
 * The kernel grants a write lease only if no other process has the file open or mapped. So it knows
 * about inherited mappings, which the table does not. The lease is given back at once. A process
 * that opens the file in between waits, and the daemon gets a signal, which must be an ignored one.
 * Where leases are disabled, no file counts as held: mapped memory stays, only its name is removed.
 */
bool ipc_file_is_held(int fd)
{
	fcntl(fd, F_SETSIG, SIGURG);
	if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0)
		return errno == EAGAIN;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return false;
}
