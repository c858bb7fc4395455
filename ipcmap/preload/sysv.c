// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sysv.c - keys, identifiers and permissions of System V's objects
 *
 * A key is a name of eight hexadecimal digits. An identifier is the short form of the
 * table's. Objects stay until IPC_RMID, so all are persistent.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipcmap/preload/preload.h"

#define SYSV_MODE 0777

/* What System V's calls promise in place of the table's own words. */
static int sysv_error(int r)
{
	switch (r) {
	case -EDQUOT:
	case -EOVERFLOW:
		return -ENOSPC;
	case -EPROTOTYPE:
		return -EINVAL;
	default:
		return r;
	}
}

/* Reading may be enough, when no more was asked for. */
static int sysv_open(struct door_open *req, bool write, struct door_object *ret)
{
	int r = door_open(req, ret);

	if (r == -EACCES && !write) {
		req->flags = DOOR_RDONLY;
		r = door_open(req, ret);
	}
	return sysv_error(r);
}

int sysv_open_key(uint32_t kind, key_t key, int flags, uint64_t size,
		  const struct door_limit *limit, struct door_object *ret)
{
	char name[16];
	struct door_open req = { .kind = kind,
				 .name = key == IPC_PRIVATE ? NULL : name,
				 .mode = (uint32_t)flags & SYSV_MODE,
				 .size = size,
				 .limit = limit };
	int r;

	snprintf(name, sizeof(name), "%08" PRIx32, (uint32_t)key);
	if (key == IPC_PRIVATE && size == 0)
		return -EINVAL;
	if (size && (key == IPC_PRIVATE || flags & IPC_CREAT))
		req.flags = DOOR_CREATE | DOOR_PERSISTENT |
			    (key != IPC_PRIVATE && flags & IPC_EXCL ? DOOR_EXCL : 0);
	r = sysv_open(&req, flags & 0222, ret);
	if (r == 0 && !size && flags & IPC_CREAT && flags & IPC_EXCL) {
		close(ret->fd);
		door_close(ret->handle);
		return -EEXIST;
	}
	return r == -ENOENT && flags & IPC_CREAT ? -EINVAL : r;
}

int sysv_open_id(uint32_t kind, int id, bool write, struct door_object *ret)
{
	struct door_open req = { .kind = kind, .id = (uint64_t)id };
	int r;

	if (id <= 0)
		return -EINVAL;
	r = sysv_open(&req, write, ret);
	return r == -ENOENT ? -EINVAL : r;
}

int sysv_stat(uint32_t kind, uint64_t id, struct ipc_perm *ret, struct door_stat *ret_stat)
{
	struct door_stat stat;
	int r = (int64_t)id <= 0 ? -ENOENT : sysv_error(door_stat(kind, NULL, id, &stat));

	if (r < 0)
		return r == -ENOENT ? -EINVAL : r;
	*ret = (struct ipc_perm){ .__key = stat.unlinked ? IPC_PRIVATE
							 : (key_t)strtoul(stat.name, NULL, 16),
				  .uid = stat.uid,
				  .gid = stat.gid,
				  .cuid = stat.cuid,
				  .cgid = stat.cgid,
				  .mode = (mode_t)stat.mode & SYSV_MODE };
	*ret_stat = stat;
	return 0;
}

time_t sysv_changed(int64_t changed, const struct door_stat *stat)
{
	time_t made = (time_t)(stat->created_usec / 1000000), now = time(NULL);

	if (changed)
		return (time_t)changed;
	return made > now ? now : made;
}

static int sysv_owner_error(int r)
{
	return r == -EACCES ? -EPERM : r == -ENOENT ? -EINVAL : sysv_error(r);
}

int sysv_set(uint64_t id, const struct ipc_perm *perm)
{
	return sysv_owner_error(door_chown(id, perm->uid, perm->gid, perm->mode & SYSV_MODE));
}

int sysv_remove(uint32_t kind, uint64_t id)
{
	return sysv_owner_error((int64_t)id <= 0 ? -ENOENT : door_unlink(kind, NULL, id));
}
