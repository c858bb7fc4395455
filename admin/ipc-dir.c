// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-dir.c - the table of IPC objects and the directory for their files
 *
 * The files are on a tmpfs of their own, so that users cannot fill the state directory. Like
 * /dev/shm, it can take half of the memory. Programs outside of all jobs may have objects mapped
 * when vcrun goes down. The mount is removed at once, and their memory when they end.
 *
 * Only daemons write the table, except when a partition is removed.
 */
#include "admin/priv.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "common/statedir.h"
#include "ipcmap/table/table.h"

int ipc_dir_make(const struct instance *in, struct vc_err *err)
{
	uint32_t columns = (uint32_t)in->config->n_parts + ADMIN_SPARE_SLOTS;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" STATE_IPC, in->dir);
	if (mkdir(path, 0711) < 0 && errno != EEXIST)
		return err_sys(err, errno, "%s", path);
	snprintf(path, sizeof(path), "%s/" STATE_IPC_OBJECTS, in->dir);
	if (mkdir(path, 0711) < 0 && errno != EEXIST)
		return err_sys(err, errno, "%s", path);
	/* The table limits the number of files. */
	if (mount("vcrun-ipc", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0711,nr_inodes=0") < 0)
		return err_sys(err, errno, "mount a tmpfs at %s", path);
	return table_create(in->dirfd, STATE_IPC_TABLE,
			    columns < TABLE_COLUMNS_MAX ? columns : TABLE_COLUMNS_MAX,
			    in->config->ipc_entries, err);
}

int ipc_dir_clear(const struct instance *in, struct vc_err *err)
{
	return down_unmount(in, STATE_IPC_OBJECTS, MNT_DETACH, err);
}

/* Returns another partition. */
static uint32_t ipc_dir_other(const struct instance *in, uint32_t column)
{
	uint32_t other = 0;

	while (other == column || spec_is_free(&in->config->parts[other]))
		other++;
	return other;
}

int ipc_dir_hand_over(const struct instance *in, const char *partition, struct vc_err *err)
{
	uint32_t from = (uint32_t)instance_find(in, partition), to = ipc_dir_other(in, from);
	struct table_opener who;
	struct table *table;
	uint32_t cursor = 0;
	int r = table_open(in->dirfd, STATE_IPC_TABLE, &table, err);

	if (r < 0)
		return r;
	r = table_lock(table, err);
	if (r == 0) {
		while (opener_next(table, &cursor, &who) == 0)
			if (who.column == from)
				opener_move(table, who.pid, to, who.job, who.start);
		table_unlock(table);
	}
	table_close(table);
	return r;
}
