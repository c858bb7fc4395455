// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * list.c - objects by index, for ipcs(1) and similar programs
 *
 * An index of the kernel is a place in its table. Here it is a place in a list, which
 * list_count() makes.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "ipcmap/preload/preload.h"

#define LIST_BATCH 16
#define LIST_KINDS 3

struct list {
	uint64_t *ids;
	int n;
};

static struct list lists[LIST_KINDS]; /* by kind, from IPC_KIND_SYSV_MSG on; preload_lock */

static int list_add(struct list *list, uint64_t id)
{
	uint64_t *ids = list->ids;

	/* Powers of two. */
	if ((list->n & (list->n - 1)) == 0)
		ids = realloc(ids, sizeof(*ids) * (size_t)(list->n ? list->n * 2 : 1));
	if (!ids)
		return -ENOMEM;
	list->ids = ids;
	ids[list->n++] = id;
	return 0;
}

static int list_fill(uint32_t kind, struct list *list)
{
	struct door_stat stats[LIST_BATCH];
	uint64_t cursor = 0;
	int r;

	while ((r = door_list_any(kind, &cursor, stats, LIST_BATCH)) > 0)
		for (int i = 0; i < r; i++)
			if (!stats[i].unlinked && list_add(list, stats[i].id) < 0)
				return -ENOMEM;
	return r;
}

int list_count(uint32_t kind)
{
	struct list list = { 0 };
	int r = list_fill(kind, &list);

	if (r < 0) {
		free(list.ids);
		return r;
	}
	preload_lock();
	free(lists[kind - IPC_KIND_SYSV_MSG].ids);
	lists[kind - IPC_KIND_SYSV_MSG] = list;
	preload_unlock();
	return list.n;
}

int list_nth(uint32_t kind, int index, uint64_t *ret_id)
{
	struct list *list = &lists[kind - IPC_KIND_SYSV_MSG];
	int r = -EINVAL;

	if (!list->ids) {
		r = list_count(kind);
		if (r < 0)
			return r;
		r = -EINVAL;
	}
	preload_lock();
	if (index >= 0 && index < list->n) {
		*ret_id = list->ids[index];
		r = 0;
	}
	preload_unlock();
	return r;
}
