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
#include <stdlib.h>
#include <sys/mman.h>

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
	_cleanup_(image_done) struct image mm;
	struct image_field vma;
	int r = image_open(&mm, dirfd, "mm-%d.img", (int)pid);

	if (r < 0)
		return r;
	if (!image_next_entry(&mm))
		return -EBADMSG;
	while (image_next(&mm.entry, mm.end, &vma)) {
		struct image_field start, flags;

		if (vma.id != MM_VMAS || !vma.is_bytes ||
		    !image_find(vma.at, vma.at + vma.len, VMA_START, &start) ||
		    start.value != addr ||
		    !image_find(vma.at, vma.at + vma.len, VMA_FLAGS, &flags) ||
		    !locked_clear(&flags))
			continue;
		return image_write_back(&mm);
	}
	return -ENOENT;
}
