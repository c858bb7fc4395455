/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * image.h - changes in the images between dump and restore (libmig's own)
 */
#ifndef VC_LIBMIG_IMAGE_H
#define VC_LIBMIG_IMAGE_H

#include <stdint.h>
#include <sys/types.h>

/* Removes parts of the images that a restore on the same machine does not need. If it fails, the
 * restore works with the whole images or reports an error. */
void image_adapt(int dirfd);

/*
 * Changes the images so that private mappings of a process that are not writable and have no pages
 * are restored without being writable or counted as memory for a time. Returns 0, or -errno:
 * nothing is changed, and CRIU restores them in its own way.
 */
int image_maps_adapt(int dirfd, pid_t pid);

/* Changes the images so that the mapping at addr is restored unlocked. Returns 0, or -errno: it
 * will be locked. */
int image_locked_clear(int dirfd, pid_t pid, uint64_t addr);

/* Returns a number that changes when an image is changed, created or removed. */
uint64_t image_state(int dirfd);

#endif
