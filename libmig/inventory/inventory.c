// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * inventory.c - the parts of a process tree, and what in it prevents a move
 *
 * It runs right before each move while the job runs on. So its time is part of the move, and its
 * result may be some milliseconds old. CRIU checks the frozen tree again. The purpose here is to
 * refuse a move before anything is frozen, with a sentence instead of a log file.
 */
#include "libmig/inventory/inventory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "libmig/inventory/priv.h"

ssize_t inventory_read(int dirfd, const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (len < 0)
		return -errno;
	buf[len] = '\0';
	return len;
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
	char name[PROC_NAME];
	va_list ap;
	int r;

	proc_name(end->pid, name);
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

/* Notes whether the root's session has its leader in the tree, as CRIU expects. */
static int inventory_read_session(struct inventory_scan *scan)
{
	char state;
	int sid;

	if (proc_scan_stat(scan->root, " %c %*d %*d %d", &state, &sid) != 2 || state == 'Z')
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
		r = inventory_tree_pids(scan->root, &inv->pids, &inv->n_pids, scan->err);
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
	scan.in_tree = inventory_tree_bits_new();
	r = scan.inv && scan.in_tree ? inventory_fill(&scan) : inventory_out_of_memory(&scan);
	/* The data of a tree that has ended is not valid. */
	if (kill(root, 0) < 0 && errno == ESRCH && r != -ENOMEM)
		r = err_set(scan.err, ESRCH, "pid %d has ended", root);
	free(scan.ends);
	free(scan.locks.all);
	inventory_tree_bits_free(scan.in_tree);
	inventory_namespace_done(&scan);
	free(scan.root_groups);
	free(scan.cpuset);
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
