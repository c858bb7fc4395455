// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * inventory-frozen.c - the inventory held against the frozen tree
 *
 * The inventory was taken while the tree ran, and it ran on for some milliseconds.
 * What it opened, closed or replaced since then must not be restored from what was
 * duplicated before: a database, for one, makes its journal anew for each
 * transaction, by the same name. Here the tree stands still, and saying no costs
 * nothing yet.
 */
#include "libmig/inventory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/inventory-priv.h"

#define DELETED " (deleted)"

/* What was seen of a duplicate that is known by its path. */
struct frozen_path {
	struct inventory_external *ext;
	bool same, other; /* a descriptor of that path is the duplicate's, is another file's */
};

struct frozen {
	struct inventory *inv;
	struct frozen_path *paths; /* sorted by path */
	size_t n_paths;
	struct inventory_locks locks;
	struct vc_err *err;
};

static int frozen_compare(const void *a, const void *b)
{
	const struct frozen_path *x = a, *y = b;

	return strcmp(x->ext->restore_key, y->ext->restore_key);
}

/* What has no path is named by a number. */
static bool frozen_is_path(const char *key)
{
	return strncmp(key, "pipe:[", 6) && strncmp(key, "socket:[", 8) && strncmp(key, "tty[", 4);
}

static int frozen_list_paths(struct frozen *frozen, struct inventory *inv)
{
	frozen->paths = calloc(inv->n_externals + 1, sizeof(*frozen->paths));
	if (!frozen->paths)
		return err_sys(frozen->err, ENOMEM, "look at the frozen tree");
	for (size_t i = 0; i < inv->n_externals; i++)
		if (frozen_is_path(inv->externals[i].restore_key))
			frozen->paths[frozen->n_paths++].ext = &inv->externals[i];
	if (frozen->n_paths > 1)
		qsort(frozen->paths, frozen->n_paths, sizeof(*frozen->paths), frozen_compare);
	return 0;
}

static struct frozen_path *frozen_find_path(struct frozen *frozen, const char *path)
{
	size_t low = 0, high = frozen->n_paths;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(frozen->paths[middle].ext->restore_key, path);

		if (order == 0)
			return &frozen->paths[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* CRIU opens it by its name, and checks that it still has the size it had. */
static int frozen_check_name(struct frozen *frozen, pid_t pid, const char *fd, const char *path,
			     const struct stat *st)
{
	struct stat named;

	if (!S_ISREG(st->st_mode) || st->st_nlink == 0)
		return 0;
	if (stat(path, &named) == 0 && named.st_ino == st->st_ino && named.st_dev == st->st_dev)
		return 0;
	return err_set(frozen->err, EAGAIN,
		       "pid %d: fd %s: its file %s was removed or replaced during the dump; move "
		       "again",
		       (int)pid, fd, path);
}

static int frozen_hold(struct frozen *frozen, pid_t pid, int number, const char *path,
		       const struct stat *st)
{
	int fd;

	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return 0;
	fd = inventory_dup_fd(pid, number);
	if (fd < 0)
		return 0;
	if (inventory_hold(frozen->inv, path, strlen(path), pid, number, fd) < 0)
		return err_sys(frozen->err, ENOMEM, "look at the frozen tree");
	return 0;
}

static int frozen_note_lock(struct frozen *frozen, pid_t pid, const char *fd, const struct stat *st)
{
	char path[48], fdinfo[4096];

	if (!S_ISREG(st->st_mode))
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", (int)pid, fd);
	if (inventory_read(AT_FDCWD, path, fdinfo, sizeof(fdinfo)) < 0)
		return 0;
	return inventory_note_lock(&frozen->locks, fdinfo, pid, atoi(fd), st);
}

static int frozen_check_path(struct frozen *frozen, pid_t pid, int dirfd, const char *fd,
			     char *path)
{
	size_t len = strlen(path);
	struct frozen_path *found;
	struct stat st;
	int r;

	if (fstatat(dirfd, fd, &st, 0) < 0)
		return 0;
	if (frozen_note_lock(frozen, pid, fd, &st) < 0)
		return err_sys(frozen->err, ENOMEM, "look at the frozen tree");
	if (len > strlen(DELETED) && !strcmp(path + len - strlen(DELETED), DELETED))
		path[len - strlen(DELETED)] = '\0';
	found = frozen_find_path(frozen, path + 1);
	if (found && syscall(SYS_kcmp, getpid(), pid, KCMP_FILE, found->ext->fd, atoi(fd)) == 0) {
		found->same = true;
		return 0;
	}
	if (found)
		found->other = true;
	r = frozen_check_name(frozen, pid, fd, path, &st);
	return r < 0 ? r : frozen_hold(frozen, pid, atoi(fd), path, &st);
}

static int frozen_check_process(struct frozen *frozen, pid_t pid)
{
	_cleanup_(inventory_dir_close) struct inventory_dir dir;
	char path[PATH_MAX];
	const char *fd;
	int r = 0;

	dir.fd = -1;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if (inventory_dir_open(&dir, AT_FDCWD, path) < 0)
		return 0;
	while (r == 0 && (fd = inventory_dir_next(&dir))) {
		ssize_t len = readlinkat(dir.fd, fd, path, sizeof(path) - 1);

		if (len <= 0)
			continue;
		path[len] = '\0';
		if (path[0] == '/')
			r = frozen_check_path(frozen, pid, dir.fd, fd, path);
		else if (frozen->inv->n_tcp_ports > 0 && !strncmp(path, "socket:", 7))
			r = inventory_check_frozen_socket(frozen->inv, pid, atoi(fd), frozen->err);
	}
	return r;
}

int inventory_check_frozen(struct inventory *inv, const pid_t *pids, size_t n, struct vc_err *err)
{
	struct frozen frozen = { .inv = inv, .err = err };
	int r = frozen_list_paths(&frozen, inv);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = frozen_check_process(&frozen, pids[i]);
	for (size_t i = 0; r == 0 && i < frozen.n_paths; i++) {
		struct inventory_external *ext = frozen.paths[i].ext;

		if (!frozen.paths[i].other)
			continue;
		if (frozen.paths[i].same)
			r = err_set(err, EAGAIN,
				    "the file /%s was opened a second time while the job was being "
				    "frozen; move again",
				    ext->restore_key);
		/* The duplicate is of a file that is closed by now. */
		free(steal_ptr(ext->restore_key));
	}
	if (r == 0)
		r = inventory_check_locks(frozen.locks.all, frozen.locks.n, pids, n, err);
	free(frozen.locks.all);
	free(frozen.paths);
	return r;
}
