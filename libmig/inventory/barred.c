// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * barred.c - files of a tree that the target may not use
 *
 * They are searched by device and inode in the mappings and descriptors of every process.
 */
#include "libmig/inventory/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/proc.h"
#include "common/procdir.h"

#define BARRED_MAPS_MAX (1 << 26)

struct barred_list {
	const struct inventory_barred *at;
	size_t n;
};

static const struct inventory_barred *barred_find(const struct barred_list *list, uint64_t dev,
						  uint64_t ino)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->at[i].ino == ino && list->at[i].dev == dev)
			return &list->at[i];
	}
	return NULL;
}

/* -EFBIG: a program can make the list so long that it is not searched. */
static int barred_in_maps(int procfd, const struct barred_list *list,
			  const struct inventory_barred **ret)
{
	_cleanup_free_ char *text = NULL;
	const struct inventory_barred *found = NULL;
	ssize_t len = file_read_all(procfd, "maps", BARRED_MAPS_MAX, &text);

	if (len < 0)
		return (int)len;
	for (const char *line = text, *end; !found && *line; line = end + (*end != '\0')) {
		unsigned int major_number, minor_number;
		uint64_t ino;

		end = strchrnul(line, '\n');
		if (sscanf(line, "%*s %*s %*s %x:%x %" SCNu64, &major_number, &minor_number,
			   &ino) == 3)
			found = barred_find(list, makedev(major_number, minor_number), ino);
	}
	*ret = found;
	return 0;
}

static const struct inventory_barred *barred_in_fds(int procfd, const struct barred_list *list)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	const struct inventory_barred *found = NULL;
	const char *name;
	struct statx stx;

	if (procdir_open(&dir, procfd, "fd") < 0)
		return NULL;
	while (!found && (name = procdir_next(&dir))) {
		/* The server of a FUSE file is not asked: it need not answer. */
		if (statx(dir.fd, name, AT_STATX_DONT_SYNC, STATX_INO, &stx) == 0)
			found = barred_find(list, makedev(stx.stx_dev_major, stx.stx_dev_minor),
					    stx.stx_ino);
	}
	return found;
}

int inventory_barred_check(const pid_t *pids, size_t n_pids, const struct inventory_barred *barred,
			   size_t n, struct vc_err *err)
{
	const struct barred_list list = { .at = barred, .n = n };

	for (size_t i = 0; n > 0 && i < n_pids; i++) {
		_cleanup_close_ int procfd = -1;
		const struct inventory_barred *found = NULL;
		char path[32], name[PROC_NAME];
		int r;

		snprintf(path, sizeof(path), "/proc/%d", (int)pids[i]);
		procfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (procfd < 0)
			continue;
		r = barred_in_maps(procfd, &list, &found);
		if (r < 0 && r != -ENOENT && r != -ESRCH)
			return err_sys(err, -r, "the mappings of pid %d", (int)pids[i]);
		if (!found)
			found = barred_in_fds(procfd, &list);
		if (!found)
			continue;
		proc_name(pids[i], name);
		return err_set(err, EOPNOTSUPP, "pid %d (%s) has %s open or mapped, %s",
			       (int)pids[i], name, found->what, found->why);
	}
	return 0;
}
