// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * file.c - reading and writing the control files of a group
 *
 * Every file is opened relative to the hierarchy's descriptor, so that a test can pass a temporary
 * directory as the mount point.
 */
#include "partition/cgroup/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "common/file.h"

#define NAME_MAX_BYTES (CG_GROUP_MAX + 64)

/* Returns name, which gets "GROUP/FILE". */
static const char *file_name(const char *group, const char *file, char name[static NAME_MAX_BYTES])
{
	snprintf(name, NAME_MAX_BYTES, "%s%s%s", group, *group ? "/" : "", file);
	return name;
}

int cg_file_open(const struct cg_hier *hier, const char *group, const char *file, int flags)
{
	char name[NAME_MAX_BYTES];
	int fd = openat(hier->fd, file_name(group, file, name), flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

ssize_t cg_file_read(const struct cg_hier *hier, const char *group, const char *file, char *buf,
		     size_t size)
{
	char name[NAME_MAX_BYTES];

	return file_read(hier->fd, file_name(group, file, name), buf, size);
}

ssize_t cg_file_read_all(const struct cg_hier *hier, const char *group, const char *file,
			 size_t max, char **ret)
{
	char name[NAME_MAX_BYTES];

	return file_read_all(hier->fd, file_name(group, file, name), max, ret);
}

int cg_file_read_u64(const struct cg_hier *hier, const char *group, const char *file, uint64_t *ret)
{
	char name[NAME_MAX_BYTES];

	return file_read_u64(hier->fd, file_name(group, file, name), ret);
}

int cg_file_write(const struct cg_hier *hier, const char *group, const char *file, const char *text)
{
	char name[NAME_MAX_BYTES];

	return file_write(hier->fd, file_name(group, file, name), text);
}

bool cg_file_exists(const struct cg_hier *hier, const char *group, const char *file)
{
	char name[NAME_MAX_BYTES];

	return faccessat(hier->fd, file_name(group, file, name), F_OK, 0) == 0;
}
