// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ended.c - what the parent of a zombie learns by wait(2): how it ended, and its ids
 *
 * CRIU gives zombies to root, and does not know all ways to end: it carries seven bits of an exit
 * status (4.2.1), and no real-time signals. So the module in criu makes them end (module/end.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/proc.h"
#include "libmig/keep/priv.h"

static bool ended_read_status(pid_t pid, struct keep_ended *ret)
{
	_cleanup_free_ char *text = NULL;
	uint32_t uids[4], gids[4];

	if (proc_status(pid, &text) < 0 || !proc_ids(text, "Uid", uids) ||
	    !proc_ids(text, "Gid", gids))
		return false;
	memcpy(ret->uid, uids, sizeof(ret->uid));
	memcpy(ret->gid, gids, sizeof(ret->gid));
	return true;
}

/* The exit code is the last field of stat. */
static bool ended_read_code(pid_t pid, int *ret)
{
	char text[1024];
	const char *last;

	if (proc_read(pid, "stat", text, sizeof(text)) < 0)
		return false;
	last = strrchr(text, ' ');
	return last && sscanf(last, "%d", ret) == 1;
}

int keep_ended_note(struct keep_scan *scan, pid_t pid)
{
	struct keep_ended ended = { .pid = pid }, *added;
	int code;

	/* A process outside the tree has reaped it. */
	if (!ended_read_status(pid, &ended) || !ended_read_code(pid, &code))
		return 0;
	ended.code = code;
	added = array_add(&scan->ended, &scan->n_ended);
	if (!added)
		return keep_no_memory(scan);
	*added = ended;
	return 0;
}
