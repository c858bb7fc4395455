// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * alter-image.c - alters one value in the images of a move, for tests
 *
 *	alter-image DIRECTORY PID TID VALUE
 *
 * VALUE is a part of what alter.h calls the alteration, "creds.euid" for one; the first one that
 * has it is made and printed. Exit status 1: there is none.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/alter.h"

int main(int argc, char **argv)
{
	struct alter_saved saved;
	char what[256];
	int dirfd;

	if (argc != 5)
		errx(2, "usage: alter-image DIRECTORY PID TID VALUE");
	dirfd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		err(2, "%s", argv[1]);
	for (unsigned int n = 0;
	     alter_image(dirfd, atoi(argv[2]), atoi(argv[3]), n, what, sizeof(what), &saved); n++) {
		if (strstr(what, argv[4])) {
			puts(what);
			return 0;
		}
		alter_undo(dirfd, &saved);
	}
	return 1;
}
