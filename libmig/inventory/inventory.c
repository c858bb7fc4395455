// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * inventory.c - what a process tree consists of, and what in it stands in a move's way
 *
 * It runs right before each move, while the job runs on, so its cost is part of
 * the move and its picture may be a moment old. CRIU looks again, at the frozen
 * tree; here the point is to refuse with a sentence instead of a log file, before
 * anything is frozen, and to hold a duplicate of every descriptor that leads out.
 *
 * The tree is walked by /proc/PID/task/TID/children until two walks agree. A tree
 * that never holds still (a fork bomb) is taken as the last walk saw it.
 */
#include "libmig/inventory/inventory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/procdir.h"
#include "libmig/inventory/priv.h"

#define INVENTORY_WALKS_MAX 4
#define INVENTORY_PIDS_MAX 65536

struct pid_list {
	pid_t *pids;
	size_t n, size;
};

/* A bit for every pid: half a megabyte of address space, of which a page or two
 * is ever touched. calloc() might clear it all. */
static uint8_t *inventory_bits_new(void)
{
	void *bits = mmap(NULL, INVENTORY_PID_LIMIT / 8, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return bits == MAP_FAILED ? NULL : bits;
}

static void inventory_bits_free(uint8_t *bits)
{
	if (bits)
		munmap(bits, INVENTORY_PID_LIMIT / 8);
}

ssize_t inventory_read(int dirfd, const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (len < 0)
		return -errno;
	buf[len] = '\0';
	return len;
}

/* Adds the children of one thread; those already seen (a pid can show twice in a
 * moving tree) are left out. */
static int inventory_add_children(struct pid_list *list, uint8_t *seen, pid_t pid, pid_t tid)
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
		if (list->n == INVENTORY_PIDS_MAX)
			return -E2BIG;
		if (list->n == list->size) {
			size_t size = list->size * 2;
			pid_t *grown = realloc(list->pids, size * sizeof(*grown));

			if (!grown)
				return -ENOMEM;
			list->pids = grown;
			list->size = size;
		}
		seen[child / 8] |= (uint8_t)(1u << (child % 8));
		list->pids[list->n++] = (pid_t)child;
	}
}

static int inventory_add_descendants(struct pid_list *list, uint8_t *seen, pid_t pid)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	const char *tid;
	struct stat st;
	char path[32];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	if (stat(path, &st) < 0)
		return -ESRCH;
	/* A directory's two links and one for each thread: most have but one. */
	if (st.st_nlink == 3)
		return inventory_add_children(list, seen, pid, pid);
	if (procdir_open(&dir, AT_FDCWD, path) < 0)
		return -ESRCH;
	r = 0;
	while (r == 0 && (tid = procdir_next(&dir)))
		r = inventory_add_children(list, seen, pid, atoi(tid));
	return r;
}

static int inventory_walk(pid_t root, struct pid_list *list, uint8_t *seen)
{
	list->n = 0;
	list->pids[list->n++] = root;
	seen[root / 8] |= (uint8_t)(1u << (root % 8));
	for (size_t i = 0; i < list->n; i++) {
		int r = inventory_add_descendants(list, seen, list->pids[i]);

		if (r < 0 && (r != -ESRCH || i == 0))
			return r;
	}
	return 0;
}

static bool inventory_same_pids(const struct pid_list *a, const struct pid_list *b)
{
	return a->n == b->n && !memcmp(a->pids, b->pids, a->n * sizeof(*a->pids));
}

int inventory_pids(pid_t root, pid_t **ret, size_t *ret_n, struct vc_err *err)
{
	struct pid_list lists[2] = { { .size = 64 }, { .size = 64 } };
	struct pid_list *now = &lists[0], *before = &lists[1];
	uint8_t *seen;
	int r;

	now->pids = calloc(now->size, sizeof(pid_t));
	before->pids = calloc(before->size, sizeof(pid_t));
	seen = inventory_bits_new();
	r = now->pids && before->pids && seen ? 0 : -ENOMEM;
	if (r == 0 && (root <= 0 || root >= INVENTORY_PID_LIMIT))
		r = -ESRCH;
	for (int i = 0; r == 0 && i < INVENTORY_WALKS_MAX; i++) {
		struct pid_list *swap = now;

		now = before;
		before = swap;
		r = inventory_walk(root, now, seen);
		for (size_t k = 0; k < now->n; k++)
			seen[now->pids[k] / 8] = 0;
		if (r == 0 && i > 0 && inventory_same_pids(now, before))
			break;
	}
	inventory_bits_free(seen);
	free(before->pids);
	if (r < 0) {
		free(now->pids);
		if (r == -ESRCH)
			return err_set(err, ESRCH, "pid %d is gone", root);
		if (r == -E2BIG)
			return err_set(err, E2BIG,
				       "pid %d has more than %d descendants: a tree of this size "
				       "is not carried",
				       root, INVENTORY_PIDS_MAX);
		return err_sys(err, -r, "cannot list the processes of pid %d", root);
	}
	*ret = now->pids;
	*ret_n = now->n;
	return 0;
}

__attribute__((format(printf, 4, 0))) static int inventory_vrefuse(struct inventory_scan *scan,
								   pid_t pid, const char *name,
								   const char *fmt, va_list ap)
{
	char what[sizeof(scan->err->text)];

	vsnprintf(what, sizeof(what), fmt, ap);
	return err_set(scan->err, EOPNOTSUPP, "pid %d (%s): %s", pid, name, what);
}

int inventory_refuse(struct inventory_scan *scan, const struct inventory_proc *proc,
		     const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = inventory_vrefuse(scan, proc->pid, proc->name, fmt, ap);
	va_end(ap);
	return r;
}

int inventory_refuse_end(struct inventory_scan *scan, const struct inventory_end *end,
			 const char *fmt, ...)
{
	char path[32], name[64] = "?";
	va_list ap;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/comm", end->pid);
	file_read(AT_FDCWD, path, name, sizeof(name));
	va_start(ap, fmt);
	r = inventory_vrefuse(scan, end->pid, name, fmt, ap);
	va_end(ap);
	return r;
}

int inventory_out_of_memory(struct inventory_scan *scan)
{
	return err_set(scan->err, ENOMEM, "no memory for the inventory of pid %d", scan->root);
}

bool inventory_has_pid(const struct inventory_scan *scan, pid_t pid)
{
	return pid > 0 && pid < INVENTORY_PID_LIMIT && (scan->in_tree[pid / 8] & (1u << (pid % 8)));
}

struct inventory_end *inventory_add_end(struct inventory_scan *scan,
					const struct inventory_end *end)
{
	if (scan->n_ends == scan->ends_size) {
		size_t size = scan->ends_size ? scan->ends_size * 2 : 64;
		struct inventory_end *grown = realloc(scan->ends, size * sizeof(*grown));

		if (!grown)
			return NULL;
		scan->ends = grown;
		scan->ends_size = size;
	}
	scan->ends[scan->n_ends] = *end;
	return &scan->ends[scan->n_ends++];
}

/* CRIU wants every session of the tree led from within. */
static int inventory_read_session(struct inventory_scan *scan)
{
	char path[32], text[1024];
	const char *after;
	char state;
	int sid;

	snprintf(path, sizeof(path), "/proc/%d/stat", scan->root);
	if (inventory_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return err_set(scan->err, ESRCH, "pid %d is gone", scan->root);
	/* The name in parentheses may hold anything. */
	after = strrchr(text, ')');
	if (!after || sscanf(after, ") %c %*d %*d %d", &state, &sid) != 2)
		return err_set(scan->err, EPROTO, "%s cannot be read: %s", path, text);
	if (state == 'Z')
		return err_set(scan->err, ESRCH, "pid %d has ended", scan->root);
	if (!inventory_has_pid(scan, sid))
		scan->inv->shell_job = true;
	return 0;
}

static int inventory_fill(struct inventory_scan *scan)
{
	struct inventory *inv = scan->inv;
	int r;

	r = inventory_namespace_read_own(scan);
	if (r == 0)
		r = inventory_pids(scan->root, &inv->pids, &inv->n_pids, scan->err);
	for (size_t i = 0; r == 0 && i < inv->n_pids; i++)
		scan->in_tree[inv->pids[i] / 8] |= (uint8_t)(1u << (inv->pids[i] % 8));
	for (size_t i = 0; r == 0 && i < inv->n_pids; i++)
		r = inventory_process_scan(scan, inv->pids[i]);
	if (r == 0)
		r = inventory_read_session(scan);
	if (r == 0)
		r = inventory_serve_check(scan);
	if (r == 0)
		r = inventory_map_resolve(scan);
	if (r == 0)
		r = inventory_lock_check(scan->locks.all, scan->locks.n, inv->pids, inv->n_pids,
					 scan->err);
	return r;
}

int inventory_take(pid_t root, struct inventory **ret, struct vc_err *err)
{
	struct vc_err spare;
	struct inventory_scan scan = {
		.root = root,
		.err = err ? err : &spare,
	};
	int r;

	scan.inv = calloc(1, sizeof(*scan.inv));
	scan.in_tree = inventory_bits_new();
	r = scan.inv && scan.in_tree ? inventory_fill(&scan) : inventory_out_of_memory(&scan);
	/* What was read of a tree that ended meanwhile means nothing. */
	if (kill(root, 0) < 0 && errno == ESRCH && r != -ENOMEM)
		r = err_set(scan.err, ESRCH, "pid %d is gone", root);
	free(scan.ends);
	free(scan.locks.all);
	inventory_bits_free(scan.in_tree);
	inventory_forget_tasks(&scan);
	if (r < 0) {
		inventory_free(scan.inv);
		return r;
	}
	*ret = scan.inv;
	return 0;
}

void inventory_free(struct inventory *inv)
{
	if (!inv)
		return;
	for (size_t i = 0; i < inv->n_tasks; i++)
		free(inv->tasks[i].affinity.position);
	free(inv->pids);
	free(inv->tasks);
	free(inv);
}
