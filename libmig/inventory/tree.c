// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * tree.c - the processes of a tree
 *
 * The tree is walked by /proc/PID/task/TID/children until two walks agree. If the tree never stands
 * still, as a fork bomb, the last walk counts.
 */
#include "libmig/inventory/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/file.h"
#include "common/procdir.h"

#define TREE_WALKS_MAX 4
#define TREE_PIDS_MAX 65536

struct tree_pids {
	pid_t *pids;
	size_t n;
};

uint8_t *inventory_tree_bits_new(void)
{
	void *bits = mmap(NULL, INVENTORY_PID_LIMIT / 8, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return bits == MAP_FAILED ? NULL : bits;
}

void inventory_tree_bits_free(uint8_t *bits)
{
	if (bits)
		munmap(bits, INVENTORY_PID_LIMIT / 8);
}

static int tree_add(struct tree_pids *list, uint8_t *seen, pid_t pid)
{
	pid_t *added = array_add(&list->pids, &list->n);

	if (!added)
		return -ENOMEM;
	*added = pid;
	seen[pid / 8] |= (uint8_t)(1u << (pid % 8));
	return 0;
}

/* Adds the children of one thread. A PID can show twice in a running tree, and is added once. */
static int tree_add_children(struct tree_pids *list, uint8_t *seen, pid_t pid, pid_t tid)
{
	_cleanup_free_ char *text = NULL;
	char path[64], small[512];
	ssize_t len;
	char *at;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, tid);
	len = inventory_read(AT_FDCWD, path, small, sizeof(small));
	if (len == (ssize_t)sizeof(small) - 1)
		len = file_read_all(AT_FDCWD, path, 1 << 20, &text);
	if (len < 0)
		return len == -ENOMEM ? -ENOMEM : 0;
	at = text ? text : small;
	for (;;) {
		char *end;
		long child = strtol(at, &end, 10);

		if (end == at || child <= 0 || child >= INVENTORY_PID_LIMIT)
			return 0;
		at = end;
		if (seen[child / 8] & (1u << (child % 8)))
			continue;
		if (list->n == TREE_PIDS_MAX)
			return -E2BIG;
		if (tree_add(list, seen, (pid_t)child) < 0)
			return -ENOMEM;
	}
}

static int tree_add_descendants(struct tree_pids *list, uint8_t *seen, pid_t pid)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	struct stat st;
	char path[32];
	pid_t tid;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	if (stat(path, &st) < 0)
		return -ESRCH;
	/* A directory has two links and one for each thread. Most processes have one thread. */
	if (st.st_nlink == 3)
		return tree_add_children(list, seen, pid, pid);
	r = procdir_open(&dir, AT_FDCWD, "%s", path) < 0 ? -ESRCH : 0;
	while (r == 0 && (tid = procdir_next_pid(&dir)) > 0)
		r = tree_add_children(list, seen, pid, tid);
	return r;
}

static int tree_walk(pid_t root, struct tree_pids *list, uint8_t *seen)
{
	list->n = 0;
	if (tree_add(list, seen, root) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++) {
		int r = tree_add_descendants(list, seen, list->pids[i]);

		if (r < 0 && (r != -ESRCH || i == 0))
			return r;
	}
	return 0;
}

static bool tree_is_same(const struct tree_pids *a, const struct tree_pids *b)
{
	return a->n == b->n && !memcmp(a->pids, b->pids, a->n * sizeof(*a->pids));
}

int inventory_tree_pids(pid_t root, pid_t **ret, size_t *ret_n, struct vc_err *err)
{
	struct tree_pids lists[2] = { { .n = 0 } };
	struct tree_pids *now = &lists[0], *before = &lists[1];
	uint8_t *seen = inventory_tree_bits_new();
	int r = seen ? 0 : -ENOMEM;

	if (r == 0 && (root <= 0 || root >= INVENTORY_PID_LIMIT))
		r = -ESRCH;
	for (int i = 0; r == 0 && i < TREE_WALKS_MAX; i++) {
		struct tree_pids *swap = now;

		now = before;
		before = swap;
		r = tree_walk(root, now, seen);
		for (size_t k = 0; k < now->n; k++)
			seen[now->pids[k] / 8] = 0;
		if (r == 0 && i > 0 && tree_is_same(now, before))
			break;
	}
	inventory_tree_bits_free(seen);
	free(before->pids);
	if (r < 0) {
		free(now->pids);
		if (r == -ESRCH)
			return err_set(err, ESRCH, "pid %d has ended", root);
		if (r == -E2BIG)
			return err_set(
				err, E2BIG,
				"pid %d has more than %d descendants, and such a tree cannot "
				"be carried; end some of them",
				root, TREE_PIDS_MAX);
		return err_sys(err, -r, "cannot list the processes of pid %d", root);
	}
	*ret = now->pids;
	*ret_n = now->n;
	return 0;
}
