// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * keep.c - the kernel objects of a frozen tree, kept for the restored tree
 *
 * The images say which descriptors of which processes refer to which file. pidfd_getfd(2)
 * duplicates one descriptor of each file. No path is looked up, and the tree is frozen, so the
 * result is certain. All descriptors that are made from it later refer to the same open file
 * description.
 */
#include "libmig/keep/keep.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "libmig/keep/priv.h"

int keep_no_memory(const struct keep_scan *scan)
{
	return err_sys(scan->err, ENOMEM, "keep the job's files");
}

static int keep_compare_id(const void *key, const void *member)
{
	uint32_t id = *(const uint32_t *)key, other = ((const struct keep_file *)member)->id;

	return (id > other) - (id < other);
}

struct keep_file *keep_find(const struct keep_scan *scan, uint32_t id)
{
	if (scan->n_sorted == 0)
		return NULL;
	return bsearch(&id, scan->files, scan->n_sorted, sizeof(*scan->files), keep_compare_id);
}

struct keep_file *keep_add(struct keep_scan *scan)
{
	struct keep_file *added = array_add(&scan->files, &scan->n);

	if (added)
		*added = (struct keep_file){ .fd = -1, .home = -1 };
	return added;
}

bool keep_is_of_tree(const struct keep_scan *scan, pid_t pid)
{
	for (size_t i = 0; pid > 0 && i < scan->n_numbers; i++)
		if (scan->numbers[i] == pid)
			return true;
	return false;
}

/* A job may have more descriptors than the mover's soft limit permits. */
static void keep_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int keep_duplicate(struct keep_scan *scan, const struct keep_file *file)
{
	int fd;

	if (scan->pidfd_pid != file->pid) {
		closep(&scan->pidfd);
		scan->pidfd = (int)syscall(SYS_pidfd_open, file->pid, 0);
		scan->pidfd_pid = file->pid;
	}
	fd = scan->pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, scan->pidfd, file->number, 0);
	if (fd < 0 && errno == EMFILE) {
		keep_raise_limit();
		fd = (int)syscall(SYS_pidfd_getfd, scan->pidfd, file->number, 0);
	}
	return fd;
}

static int keep_take_files(struct keep_scan *scan)
{
	int r;

	for (size_t i = 0; i < scan->n_sorted; i++) {
		struct keep_file *file = &scan->files[i];

		if (file->pid == 0 || file->type == 0)
			continue;
		file->fd = keep_duplicate(scan, file);
		if (file->fd < 0)
			return err_sys(scan->err, errno, "keep fd %d of pid %d", file->number,
				       (int)file->pid);
		r = keep_kind_decide(scan, file);
		if (r < 0)
			return r;
		keep_owner_read(file);
		r = keep_follow(scan, file);
		if (r < 0)
			return r;
	}
	keep_kind_decide_epolls(scan);
	return 0;
}

static void keep_add_object(struct keep *keep, struct keep_file *file)
{
	struct keep_object *object = &keep->objects[keep->n++];

	*object = (struct keep_object){ .id = file->id,
					.mapped = file->mapped,
					.fd = steal_fd(&file->fd),
					.home = steal_fd(&file->home) };
	if (file->owner.pid)
		keep->owners[keep->n_owners++] =
			(struct keep_owner){ .fd = object->fd,
					     .owner = file->owner,
					     .uids = { file->owner_uids[0], file->owner_uids[1] } };
}

static int keep_fill(struct keep *keep, struct keep_scan *scan)
{
	keep->objects = calloc(scan->n + 1, sizeof(*keep->objects));
	keep->owners = calloc(scan->n + 1, sizeof(*keep->owners));
	if (!keep->objects || !keep->owners)
		return keep_no_memory(scan);
	keep->ended = scan->ended;
	keep->n_ended = scan->n_ended;
	scan->ended = NULL;
	for (size_t i = 0; i < scan->n; i++) {
		struct keep_file *file = &scan->files[i];

		/* An owner outside the tree has not ended, so the file still has it. */
		if (!keep_is_of_tree(scan, file->owner.pid))
			file->owner.pid = 0;
		if (file->how == KEEP_KEPT && file->fd >= 0)
			keep_add_object(keep, file);
	}
	return 0;
}

static void keep_scan_done(struct keep_scan *scan)
{
	for (size_t i = 0; i < scan->n; i++) {
		closep(&scan->files[i].fd);
		closep(&scan->files[i].home);
	}
	for (size_t i = 0; i < scan->n_tables; i++)
		image_done(&scan->tables[i].fds);
	free(scan->tables);
	free(scan->ended);
	free(scan->files);
	image_done(&scan->image);
	closep(&scan->pidfd);
}

int keep_take(int dirfd, const struct keep_tree *tree, struct keep **ret, struct vc_err *err)
{
	struct keep_scan scan = { .dirfd = dirfd,
				  .pids = tree->pids,
				  .n_pids = tree->n_pids,
				  .numbers = tree->numbers,
				  .n_numbers = tree->n_numbers,
				  .follow = tree->follow,
				  .follow_ctx = tree->follow_ctx,
				  .pidfd = -1,
				  .err = err };
	_cleanup_(keep_freep) struct keep *keep = calloc(1, sizeof(*keep));
	int r = keep ? keep_image_read(&scan) : keep_no_memory(&scan);

	if (r == 0)
		r = keep_take_files(&scan);
	if (r == 0)
		r = keep_map_note(&scan);
	if (r == 0)
		r = keep_map_open(&scan);
	if (r == 0)
		r = keep_follow_check(&scan);
	if (r == 0)
		r = keep_image_write(&scan);
	if (r == 0)
		r = keep_fill(keep, &scan);
	keep_scan_done(&scan);
	if (r == 0)
		*ret = steal_ptr(keep);
	return r;
}

size_t keep_count_ended(const struct keep *keep)
{
	return keep ? keep->n_ended : 0;
}

const struct keep_ended *keep_ended(const struct keep *keep, size_t i)
{
	return &keep->ended[i];
}

size_t keep_count(const struct keep *keep)
{
	return keep ? keep->n : 0;
}

void keep_stay(struct keep *keep)
{
	for (size_t i = 0; keep && i < keep->n; i++) {
		struct keep_object *object = &keep->objects[i];

		if (object->home < 0)
			continue;
		close(object->fd);
		object->fd = steal_fd(&object->home);
	}
}

void keep_set_leader(struct keep *keep, size_t i, pid_t leader)
{
	keep->objects[i].leader = leader;
}

const struct keep_object *keep_object(const struct keep *keep, size_t i)
{
	return &keep->objects[i];
}

void keep_free(struct keep *keep)
{
	if (!keep)
		return;
	for (size_t i = 0; i < keep->n; i++) {
		close(keep->objects[i].fd);
		closep(&keep->objects[i].home);
	}
	free(keep->objects);
	free(keep->owners);
	free(keep->ended);
	free(keep);
}
