// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * audit-files.c - compares the files of IPC objects with the table
 */
#include "admin/audit-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/statedir.h"

#define AUDIT_REGIONS "regions" /* in STATE_IPC_OBJECTS */

static void audit_path(uint64_t id, char ret[static 32])
{
	snprintf(ret, 32, "%02x/%016" PRIx64, (unsigned int)(id & 0xff), id);
}

/* Reads the id from the directory and name of an object's file. Returns false for another file. */
static bool audit_parse(const char *dir, const char *name, uint64_t *ret)
{
	char path[32], given[32];

	*ret = strtoull(name, NULL, 16);
	audit_path(*ret, path);
	return snprintf(given, sizeof(given), "%s/%s", dir, name) < (int)sizeof(given) &&
	       !strcmp(path, given);
}

static DIR *audit_open_dir(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

/* The files of one of the 256 directories. */
static int audit_dir(struct audit *audit, const char *name)
{
	_cleanup_closedir_ DIR *dir = audit_open_dir(audit->files, name);
	const struct dirent *entry;
	uint64_t id;
	int r = 0;

	if (!dir && errno == ENOTDIR) {
		audit_add_wrong(&audit->found->foreign, "%s", name);
		return 0;
	}
	if (!dir)
		return -errno;
	while (r == 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (audit_parse(name, entry->d_name, &id))
			r = audit_add_id(&audit->found->file_ids, &audit->found->n_files, id);
		else
			audit_add_wrong(&audit->found->foreign, "%s/%.40s", name, entry->d_name);
	}
	return r;
}

/* A region's name is a hard link to its object's file. */
static int audit_regions(struct audit *audit)
{
	_cleanup_closedir_ DIR *dir = audit_open_dir(audit->files, AUDIT_REGIONS);
	const struct dirent *entry;
	struct stat st;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    (!S_ISREG(st.st_mode) || st.st_nlink < 2))
			audit_add_wrong(&audit->found->foreign, AUDIT_REGIONS "/%.40s",
					entry->d_name);
	return 0;
}

int audit_list_files(struct audit *audit, struct vc_err *err)
{
	_cleanup_closedir_ DIR *dir = audit_open_dir(audit->files, ".");
	const struct dirent *entry;
	int r = dir ? 0 : -errno;

	while (r == 0 && (entry = readdir(dir)))
		if (!strcmp(entry->d_name, AUDIT_REGIONS))
			r = audit_regions(audit);
		else if (entry->d_name[0] != '.')
			r = audit_dir(audit, entry->d_name);
	if (audit->found->n_files)
		qsort(audit->found->file_ids, audit->found->n_files,
		      sizeof(*audit->found->file_ids), audit_compare_ids);
	return r < 0 ? err_sys(err, -r, "look at the files in %s/" STATE_IPC_OBJECTS,
			       audit->in->dir)
		     : 0;
}

int audit_id(struct audit *audit, uint64_t id, bool *ret_entry, bool *ret_file, struct vc_err *err)
{
	struct table_object object;
	struct stat st;
	char path[32];
	int r = audit_lock(audit, err);

	if (r < 0)
		return r;
	audit_path(id, path);
	*ret_entry = entry_get(audit->table, id, &object) == 0;
	*ret_file = fstatat(audit->files, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
	audit_unlock(audit);
	return 0;
}

static int audit_stray(struct audit *audit, uint64_t id, struct vc_err *err)
{
	bool entry, file;
	char path[32];
	int r = audit_id(audit, id, &entry, &file, err);

	audit_path(id, path);
	if (r == 0 && file && !entry)
		audit_add_wrong(&audit->found->strays, "%s", path);
	return r;
}

int audit_compare(struct audit *audit, struct vc_err *err)
{
	size_t e = 0, f = 0;
	int r = 0;

	while (r == 0 && (e < audit->found->n_ids || f < audit->found->n_files)) {
		if (f == audit->found->n_files ||
		    (e < audit->found->n_ids && audit->found->ids[e] < audit->found->file_ids[f])) {
			r = audit_add_id(&audit->found->missing, &audit->found->n_missing,
					 audit->found->ids[e++]);
		} else if (e == audit->found->n_ids ||
			   audit->found->file_ids[f] < audit->found->ids[e]) {
			r = audit_stray(audit, audit->found->file_ids[f++], err);
		} else {
			e++;
			f++;
		}
	}
	return r == -ENOMEM ? err_sys(err, ENOMEM, "check of the IPC objects") : r;
}
