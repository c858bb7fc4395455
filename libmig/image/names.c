// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * names.c - names of the files that a tree in images has open or mapped
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/cleanup.h"
#include "libmig/image/priv.h"
#include "libmig/mig.h"

static bool names_entry_ends(uint8_t *entry, const uint8_t *end, const char *tail)
{
	struct image_field reg, name;
	size_t len = strlen(tail);

	return image_find(entry, end, FILE_REG, &reg) && reg.is_bytes &&
	       image_find(reg.at, reg.at + reg.len, REG_NAME, &name) && name.is_bytes &&
	       name.len >= len && !memcmp(name.at + name.len - len, tail, len);
}

bool mig_images_name(int dirfd, const char *tail)
{
	_cleanup_close_ int fd = openat(dirfd, IMAGE_NAMES, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ uint8_t *data = NULL;
	uint8_t *at, *entry, *end;
	size_t size;

	if (fd < 0 && errno == ENOENT)
		fd = openat(dirfd, "files.img", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno != ENOENT;
	size = image_read(fd, &data);
	if (size < IMAGE_MAGIC_SIZE)
		return true;
	for (at = data + IMAGE_MAGIC_SIZE; at < data + size;)
		if (!image_next_entry(&at, data + size, &entry, &end) ||
		    names_entry_ends(entry, end, tail))
			return true;
	return false;
}
