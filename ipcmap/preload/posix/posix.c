// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * posix.c - POSIX objects are opened and unlinked by name
 *
 * A name is stored with its slash. A name with NAME_MAX bytes behind the slash is too long for the
 * table and is stored without it: no other name begins without a slash.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "ipcmap/preload/preload.h"

_Static_assert(DOOR_NAME_MAX == NAME_MAX, "the longest name fits without its slash");

int posix_take_name(const char *name, char ret[NAME_MAX + 2])
{
	size_t len;

	while (*name == '/')
		name++;
	len = strlen(name);
	if (len == 0 || strchr(name, '/'))
		return -EINVAL;
	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	ret[0] = '/';
	memcpy(ret + 1, name, len + 1);
	return 0;
}

const char *posix_name(const char *name)
{
	return strlen(name) > DOOR_NAME_MAX ? name + 1 : name;
}

int posix_open(struct door_open *req, int oflag, mode_t mode, struct door_object *ret)
{
	int r;

	if (oflag & O_CREAT) {
		req->flags |= DOOR_CREATE | DOOR_PERSISTENT | (oflag & O_EXCL ? DOOR_EXCL : 0);
		req->mode = mode & ~preload_umask() & 0777;
	}
	r = door_open(req, ret);
	return r == -EDQUOT ? -ENOSPC : r;
}

int posix_unlink(uint32_t kind, const char *name,
		 int (*take)(const char *name, char ret[NAME_MAX + 2]))
{
	char path[NAME_MAX + 2];
	struct section section;
	int r;

	section_begin(&section);
	r = take(name, path);
	if (r == 0)
		r = door_unlink(kind, posix_name(path), 0);
	section_end(&section);
	return preload_result(r == -EINVAL ? -ENOENT : r);
}
