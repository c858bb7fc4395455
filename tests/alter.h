/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * alter.h - CRIU images with one value changed, as an attacker could have it
 *
 * The values are those of libmig/criu/image.proto, found by the schema's own description: a field
 * that is added there is altered here, too. Each number becomes another one, each optional value
 * that is missing appears, each list becomes one longer.
 */
#ifndef VC_TESTS_ALTER_H
#define VC_TESTS_ALTER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* An image as it was before. */
struct alter_saved {
	char name[64];
	unsigned char *data;
	size_t size;
};

/*
 * Makes the n-th alteration of the images of one process and one of its threads, and names it in
 * what. False: there are fewer. Ends the program when an image cannot be read or written.
 */
bool alter_image(int dirfd, pid_t pid, pid_t tid, unsigned int n, char *what, size_t size,
		 struct alter_saved *ret);
/* Puts the image back as it was. */
void alter_undo(int dirfd, struct alter_saved *saved);

#endif
