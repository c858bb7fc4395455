// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * region.c - regions: shared memory that the configuration makes for some partitions
 *
 * A region is a persistent entry of the table. Its file is next to the other objects' files, so
 * moves carry it. The owner's daemon makes it before it serves requests. The kernel charges a page
 * to the group of the process that touches it first. So a child allocates all pages, in a group
 * below the owner's that has no other process and is kept: its charge is the region.
 *
 * Its file belongs to root, so that no user can open it by its path without the daemon. The table
 * has the configured owner and mode.
 *
 * The file is empty until then, and callers are asked to wait. If a daemon dies in between, the
 * next one continues. The name in REGION_DIR is for programs that do not read the table: shims,
 * before a move.
 */
#include "daemon/ipc/ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "ipcmap/kind.h"
#include "partition/region.h"

#define REGION_PIECE (UINT64_C(64) << 20) /* bytes that are allocated at once */

const struct region_spec *ipc_region_of(const struct ipc *ipc, const struct table_object *object)
{
	return object->kind == IPC_KIND_REGION
		       ? region_find(ipc->daemon->instance->config, object->name, object->name_len)
		       : NULL;
}

/* Names of shm_open() begin with a slash. */
const struct region_spec *ipc_region_named(const struct ipc *ipc, uint32_t kind, const void *name,
					   size_t len)
{
	bool posix = kind == IPC_KIND_POSIX_SHM;
	const char *text = name;

	if (len == 0 || (posix && text[0] != '/') ||
	    (!posix && ipc_kind_names(kind) != ipc_kind_names(IPC_KIND_REGION)))
		return NULL;
	return region_find(ipc->daemon->instance->config, text + posix, len - posix);
}

bool ipc_region_admits(const struct ipc *ipc, const struct region_spec *region,
		       const struct table_opener *who)
{
	if (who->job == 0)
		return who->uid == 0;
	return region_admits(region, ipc->daemon->instance->config->parts[who->column].name);
}

void ipc_region_stat(const struct table_object *object, struct stat *st)
{
	if (object->kind != IPC_KIND_REGION)
		return;
	st->st_uid = object->uid;
	st->st_gid = object->gid;
	st->st_mode = (st->st_mode & ~(mode_t)07777) | object->mode;
}

/* --- making --------------------------------------------------------------------------------- */

/* Called in the child, which is in the region's group. A lack of memory must not kill one of the
 * owner's jobs. */
static int region_allocate(int fd, uint64_t size)
{
	file_write(AT_FDCWD, "/proc/self/oom_score_adj", "1000");
	for (uint64_t at = 0; at < size; at += REGION_PIECE) {
		uint64_t left = size - at, piece = left < REGION_PIECE ? left : REGION_PIECE;

		while (fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)piece) < 0) {
			if (errno != EINTR)
				return errno;
		}
	}
	return ftruncate(fd, (off_t)size) < 0 ? errno : 0;
}

/* The daemon does not wait for children, so the child reports through a pipe. */
static int region_charge(struct ipc *ipc, const struct region_spec *region, int fd,
			 struct vc_err *err)
{
	_cleanup_(cg_entry_freep) struct cg_entry *entry = NULL;
	_cleanup_close_ int from = -1, to = -1;
	char group[2 * PARTITION_NAME_MAX + 16];
	int pair[2], entered, code = ENOMEM;
	pid_t pid;
	int r;

	region_group(region, group, sizeof(group));
	r = cg_group_create(ipc->daemon->cg, group, err);
	if (r == 0)
		r = cg_entry_open(ipc->daemon->cg, group, &entry, err);
	if (r < 0)
		return r;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(err, errno, "allocate");
	from = pair[0];
	to = pair[1];
	pid = cg_entry_fork(entry, &entered);
	if (pid == 0) {
		code = entered < 0 ? -entered : region_allocate(fd, region->size_bytes);
		_exit(write(to, &code, sizeof(code)) < 0);
	}
	if (pid < 0)
		return err_sys(err, -(int)pid, "allocate");
	closep(&to);
	to = -1;
	/* Without a report it was killed, since its group's memory was used up. */
	if (read(from, &code, sizeof(code)) != (ssize_t)sizeof(code))
		code = ENOMEM;
	return code ? err_sys(err, code, "allocate %" PRIu64 " bytes, of the memory of %s",
			      region->size_bytes, region->owner)
		    : 0;
}

/* The region's entry and its file, which is empty if it is new. With the table locked. */
static int region_enter(struct ipc *ipc, const struct region_spec *region, uint64_t *ret_id,
			struct vc_err *err)
{
	struct table_object wanted = {
		.kind = IPC_KIND_REGION,
		.uid = region->uid,
		.gid = region->gid,
		.mode = region->mode,
		.created_usec = clock_real_usec(),
		.persistent = true,
		.name_len = strlen(region->name),
	};
	const ProtobufCBinaryData none = { 0 };
	_cleanup_close_ int fd = -1;
	struct table_object file;
	struct stat st;
	int r = entry_find(ipc->table, wanted.kind, region->name, wanted.name_len, ret_id);

	if (r != -ENOENT)
		return r < 0 ? err_sys(err, -r, "find") : 0;
	memcpy(wanted.name, region->name, wanted.name_len);
	r = entry_make(ipc->table, &wanted, TABLE_UNLIMITED, &wanted.id, err);
	if (r < 0)
		return r;
	file = wanted;
	file.uid = file.gid = 0;
	file.mode = 0600;
	r = ipc_file_make(ipc, &file, 0, &none, &fd, &st, err);
	if (r == 0)
		r = ipc_file_link(ipc, wanted.id, region->name, err);
	if (r < 0) {
		ipc_file_remove(ipc, wanted.id);
		entry_remove(ipc->table, wanted.id);
		return r;
	}
	entry_made(ipc->table, wanted.id);
	*ret_id = wanted.id;
	return 0;
}

static int region_make(struct ipc *ipc, const struct region_spec *region, struct vc_err *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	uint64_t id = 0;
	int r = table_lock(ipc->table, err);

	if (r < 0)
		return r;
	r = region_enter(ipc, region, &id, err);
	table_unlock(ipc->table);
	if (r < 0)
		return r;
	r = ipc_file_open(ipc, id, O_RDWR, &fd, &st);
	if (r < 0)
		return err_sys(err, -r, "open its file");
	if ((uint64_t)st.st_size == region->size_bytes)
		return 0;
	return region_charge(ipc, region, fd, err);
}

int ipc_regions_make(struct ipc *ipc, struct vc_err *err)
{
	const struct config *config = ipc->daemon->instance->config;

	for (size_t i = 0; i < config->n_regions; i++) {
		const struct region_spec *region = &config->regions[i];
		int r = strcmp(region->owner, ipc->daemon->name) == 0
				? region_make(ipc, region, err)
				: 0;

		if (r < 0) {
			err_add(err, "region %s", region->name);
			return r;
		}
	}
	return 0;
}
