// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * names.c - names of the files that a tree in images has open or mapped
 */
#include <errno.h>
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
	_cleanup_(image_done) struct image files;
	int r = image_open(&files, dirfd, IMAGE_NAMES);

	if (r == -ENOENT)
		r = image_open(&files, dirfd, "files.img");
	if (r < 0)
		return r != -ENOENT;
	while (image_next_entry(&files))
		if (names_entry_ends(files.entry, files.end, tail))
			return true;
	return files.at != files.data_end;
}
