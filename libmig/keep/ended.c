// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ended.c - what a dead process of the tree still tells its parent
 *
 * How it ended, and whose it was: wait(2) has both. CRIU makes dead processes that
 * belong to root, and of the ways to end it knows the commoner ones: of an exit status it carries
 * seven bits (4.2.1), and of signals no real-time ones. So the module in criu has them end
 * (module/end.c).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/proc.h"
#include "libmig/keep/priv.h"

static bool ended_read_status(pid_t pid, struct keep_ended *ret)
{
	return proc_scan(pid, "Uid", "%u %u %u", &ret->uid[0], &ret->uid[1], &ret->uid[2]) == 3 &&
	       proc_scan(pid, "Gid", "%u %u %u", &ret->gid[0], &ret->gid[1], &ret->gid[2]) == 3;
}

/* Its last field. */
static bool ended_read_code(pid_t pid, int *ret)
{
	char path[32], text[1024];
	const char *last;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	last = strrchr(text, ' ');
	return last && sscanf(last, "%d", ret) == 1;
}

int keep_ended_note(struct keep_scan *scan, pid_t pid)
{
	struct keep_ended ended = { .pid = pid }, *grown;
	int code;

	/* Reaped just now by somebody outside. */
	if (!ended_read_status(pid, &ended) || !ended_read_code(pid, &code))
		return 0;
	ended.code = code;
	grown = reallocarray(scan->ended, scan->n_ended + 1, sizeof(*grown));
	if (!grown)
		return keep_no_memory(scan);
	scan->ended = grown;
	grown[scan->n_ended++] = ended;
	return 0;
}
