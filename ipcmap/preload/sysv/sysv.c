// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sysv.c - keys, identifiers and permissions of System V's objects
 *
 * A key is stored as a name of eight hexadecimal digits. An identifier is the short form of the
 * table's id. Objects exist until IPC_RMID, so all are persistent.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "ipcmap/preload/object.h"
#include "ipcmap/preload/preload.h"

#define SYSV_MODE 0777

/* Converts errors of the table to those of System V's calls. */
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

/* --- permissions ------------------------------------------------------------------------- */

void sysv_perm(const struct door_object *object, struct ipc_perm *ret)
{
	*ret = (struct ipc_perm){ .__key = object->unlinked
						   ? IPC_PRIVATE
						   : (key_t)strtoul(object->name, NULL, 16),
				  .uid = object->uid,
				  .gid = object->gid,
				  .cuid = object->cuid,
				  .cgid = object->cgid,
				  .mode = (mode_t)object->mode & SYSV_MODE };
}

static bool sysv_in_group(const struct ipc_perm *perm)
{
	_cleanup_free_ gid_t *groups = NULL;
	gid_t egid = getegid();
	int n;

	if (egid == perm->gid || egid == perm->cgid)
		return true;
	n = getgroups(0, NULL);
	groups = n > 0 ? malloc(sizeof(*groups) * (size_t)n) : NULL;
	if (!groups)
		return false;
	n = getgroups(n, groups);
	for (int i = 0; i < n; i++)
		if (groups[i] == perm->gid || groups[i] == perm->cgid)
			return true;
	return false;
}

static bool sysv_is_owner(const struct ipc_perm *perm)
{
	uid_t euid = geteuid();

	return euid == perm->uid || euid == perm->cuid;
}

int sysv_may(const struct ipc_perm *perm, int flags)
{
	unsigned int asked = (unsigned int)(flags >> 6 | flags >> 3 | flags) & 7;
	unsigned int granted = perm->mode;

	if (sysv_is_owner(perm))
		granted >>= 6;
	else if (((granted ^ granted >> 3) & asked) && sysv_in_group(perm))
		granted >>= 3;
	return !(asked & ~granted) || preload_has_capability(CAP_IPC_OWNER) ? 0 : -EACCES;
}

/* --- by key, by identifier --------------------------------------------------------------- */

/* If writing is not allowed and not needed, opens for reading. The caller checks the mode. */
static int sysv_open(struct door_open *req, bool write, struct door_object *ret)
{
	int r;

	req->flags |= DOOR_OWNER;
	r = door_open(req, ret);
	if (r == -EACCES && !write) {
		req->flags = DOOR_RDONLY | DOOR_OWNER;
		r = door_open(req, ret);
	}
	return sysv_error(r);
}

/* An object has an identifier even for a caller that may neither read nor write it. */
static int sysv_find_key(const struct door_open *req, struct door_object *ret)
{
	struct door_stat stat;
	int r = door_stat_any(req->kind, req->name, 0, &stat);

	if (r < 0)
		return sysv_error(r);
	*ret = (struct door_object){ .fd = -1,
				     .id = stat.id,
				     .size = stat.size,
				     .kind = stat.kind,
				     .uid = stat.uid,
				     .gid = stat.gid,
				     .mode = stat.mode,
				     .cuid = stat.cuid,
				     .cgid = stat.cgid };
	return 0;
}

void sysv_close(const struct door_object *object)
{
	if (object->fd >= 0)
		close(object->fd);
	if (object->handle)
		door_close(object->handle);
}

/* Checks an object that existed already, in the kernel's order. */
static int sysv_check(const struct sysv_get *get, const struct door_object *found)
{
	struct ipc_perm perm;

	if (get->key != IPC_PRIVATE && get->flags & IPC_CREAT && get->flags & IPC_EXCL)
		return -EEXIST;
	if (found->size < get->least)
		return -EINVAL;
	sysv_perm(found, &perm);
	return sysv_may(&perm, get->flags);
}

int sysv_open_key(const struct sysv_get *get, struct door_object *ret)
{
	char name[16];
	struct door_open req = { .kind = get->kind,
				 .name = get->key == IPC_PRIVATE ? NULL : name,
				 .mode = (uint32_t)get->flags & SYSV_MODE,
				 .size = get->size,
				 .limit = get->limit };
	int absent = get->absent ? get->absent : -EINVAL, r;

	snprintf(name, sizeof(name), "%08" PRIx32, (uint32_t)get->key);
	if (get->key == IPC_PRIVATE && get->size == 0)
		return absent;
	if (get->size && (get->key == IPC_PRIVATE || get->flags & IPC_CREAT))
		req.flags = DOOR_CREATE | DOOR_PERSISTENT |
			    (req.name && get->flags & IPC_EXCL ? DOOR_EXCL : 0);
	r = sysv_open(&req, false, ret);
	if (r == -EACCES)
		r = sysv_find_key(&req, ret);
	if (r < 0)
		return r == -ENOENT && get->flags & IPC_CREAT ? absent : r;
	r = ret->created ? 0 : sysv_check(get, ret);
	if (r < 0)
		sysv_close(ret);
	return r;
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

void sysv_begin(struct section *section, int command)
{
	if (command == IPC_STAT)
		section_begin_look(section);
	else
		section_begin(section);
}

int sysv_stat(uint32_t kind, uint64_t id, bool any, struct ipc_perm *ret,
	      struct door_stat *ret_stat)
{
	struct door_stat stat;
	struct ipc_perm perm;
	int r = any || kind == IPC_KIND_SYSV_SHM ? -ENOENT : object_stat(kind, id, ret, ret_stat);

	if (r != -ENOENT)
		return r;
	r = (int64_t)id <= 0 ? -ENOENT : sysv_error(door_stat_any(kind, NULL, id, &stat));
	/* A removed segment exists as long as a process has it attached. */
	if (r == 0 && stat.unlinked && kind != IPC_KIND_SYSV_SHM)
		r = -ENOENT;
	if (r < 0)
		return r == -ENOENT ? -EINVAL : r;
	perm = (struct ipc_perm){ .__key = stat.unlinked ? IPC_PRIVATE
							 : (key_t)strtoul(stat.name, NULL, 16),
				  .uid = stat.uid,
				  .gid = stat.gid,
				  .cuid = stat.cuid,
				  .cgid = stat.cgid,
				  .mode = (mode_t)stat.mode & SYSV_MODE };
	r = any ? 0 : sysv_may(&perm, 0444);
	if (r < 0)
		return r;
	*ret = perm;
	*ret_stat = stat;
	return 0;
}

int sysv_stat_nth(uint32_t kind, int index, bool any, struct ipc_perm *ret,
		  struct door_stat *ret_stat)
{
	uint64_t id;
	int r = list_nth(kind, index, &id);

	return r < 0 ? r : sysv_stat(kind, id, any, ret, ret_stat);
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

int sysv_owns(uint32_t kind, int id)
{
	struct door_stat stat;
	struct ipc_perm perm;
	int r = sysv_stat(kind, (uint64_t)id, true, &perm, &stat);

	if (r < 0)
		return r;
	return sysv_is_owner(&perm) || preload_has_capability(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

int sysv_set(uint64_t id, const struct ipc_perm *perm)
{
	return sysv_owner_error(door_chown(id, perm->uid, perm->gid, perm->mode & SYSV_MODE));
}

int sysv_remove(uint32_t kind, uint64_t id, bool leave)
{
	if ((int64_t)id <= 0)
		return -EINVAL;
	return sysv_owner_error(leave ? door_remove(kind, id) : door_unlink(kind, NULL, id));
}
