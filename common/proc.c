// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * proc.c - which process a PID is
 */
#include "common/proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/file.h"

uint64_t proc_start(pid_t pid, pid_t *ret_parent)
{
	char path[32], text[1024], state;
	unsigned long long start;
	const char *rest;
	int parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return 0;
	/* The name may have anything in it, brackets too. */
	rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1,
			    " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			    "%*d %*d %llu",
			    &state, &parent, &start) != 3)
		return 0;
	if (ret_parent)
		*ret_parent = parent;
	return state == 'Z' || state == 'X' ? 0 : start;
}
