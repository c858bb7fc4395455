/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * image.h - what is changed in the images between dump and restore (libmig's own)
 */
#ifndef VC_LIBMIG_IMAGE_H
#define VC_LIBMIG_IMAGE_H

/*
 * Makes the images of a dump fit a restore beside the same neighbours. Best effort:
 * a restore that cannot do with what is left says so itself.
 */
void image_adapt(int dirfd);

struct inventory;

/*
 * Makes a restore take the files that the inventory holds, whatever their paths lead
 * to by now: they become externals. Once only. 0 or -errno, with nothing changed.
 */
int image_detach(int dirfd, struct inventory *inv);

#endif
