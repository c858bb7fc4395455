/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * image.h - what is changed in the images between dump and restore (libmig's own)
 */
#ifndef VC_LIBMIG_IMAGE_H
#define VC_LIBMIG_IMAGE_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Makes the images of a dump fit a restore beside the same neighbours. Best effort:
 * a restore that cannot do with what is left says so itself.
 */
void image_adapt(int dirfd);

/*
 * Has the private mappings of a process that are not writable, and have no pages in the
 * images, restored as they were: not writable for a time, and not counted as memory. 0, or
 * -errno with nothing changed: they are restored as CRIU does it.
 */
int image_maps_adapt(int dirfd, pid_t pid);

/* Has the mapping at addr restored without being locked. 0, or -errno: it will be locked. */
int image_locked_clear(int dirfd, pid_t pid, uint64_t addr);

/* A number that is another one when an image was changed, made or removed in between. */
uint64_t image_state(int dirfd);

#endif
