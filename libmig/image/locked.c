// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * locked.c - mappings that are restored unlocked
 *
 * CRIU locks the whole of a locked mapping, which brings all its pages into memory. A mapping whose
 * pages are locked when they are touched (MLOCK_ONFAULT) is restored unlocked, and state/maps.c
 * locks it.
 */
#include "libmig/image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/image/priv.h"

#define NUMBER_BITS 7 /* of a number in one byte */

/* Clears the bit of the number in place; its length stays. */
static bool locked_clear(struct image_field *flags)
{
	uint64_t bits = MAP_LOCKED;
	size_t byte = 0;

	while (bits >> NUMBER_BITS) {
		bits >>= NUMBER_BITS;
		byte++;
	}
	if (byte >= flags->len || !(flags->at[byte] & bits))
		return false;
	flags->at[byte] &= (uint8_t)~bits;
	return true;
}

int image_locked_clear(int dirfd, pid_t pid, uint64_t addr)
{
	_cleanup_free_ uint8_t *image = NULL;
	_cleanup_close_ int fd = -1;
	uint8_t *at, *entry, *end;
	struct image_field vma;
	char name[32];
	size_t size;

	snprintf(name, sizeof(name), "mm-%d.img", (int)pid);
	fd = openat(dirfd, name, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size = image_read(fd, &image);
	if (size < IMAGE_MAGIC_SIZE)
		return -EBADMSG;
	at = image + IMAGE_MAGIC_SIZE;
	if (!image_next_entry(&at, image + size, &entry, &end))
		return -EBADMSG;
	while (image_next(&entry, end, &vma)) {
		struct image_field start, flags;

		if (vma.id != MM_VMAS || !vma.is_bytes ||
		    !image_find(vma.at, vma.at + vma.len, VMA_START, &start) ||
		    start.value != addr ||
		    !image_find(vma.at, vma.at + vma.len, VMA_FLAGS, &flags) ||
		    !locked_clear(&flags))
			continue;
		return pwrite(fd, flags.at, flags.len, flags.at - image) == (ssize_t)flags.len
			       ? 0
			       : -EIO;
	}
	return -ENOENT;
}
