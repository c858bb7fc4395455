// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * filters.c - seccomp filters of a tree, in the kernel and in the images
 *
 * Only a thread's tracer can read its filters. So the module in criu reads them when the tree has
 * just been frozen, and they are compared when the images are complete.
 */
#include "libmig/verify/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/proc.h"
#include "common/procdir.h"
#include "libmig/criu/hold.h"

struct verify_filter {
	pid_t tid;
	uint32_t index; /* 0: the thread's oldest filter */
	struct sock_filter *code;
	size_t n;
};

struct verify_filters {
	struct verify_filter *all;
	size_t n;
};

void verify_filters_free(struct verify_filters *filters)
{
	if (!filters)
		return;
	for (size_t i = 0; i < filters->n; i++)
		free(filters->all[i].code);
	free(filters->all);
	free(filters);
}

static bool filters_has(pid_t tid)
{
	_cleanup_free_ char *status = NULL;
	uint64_t mode = 0;

	if (proc_status(tid, &status) == 0)
		proc_number(status, "Seccomp", 10, &mode);
	return mode == SECCOMP_MODE_FILTER;
}

static int filters_take_thread(struct hold *hold, pid_t pid, pid_t tid,
			       struct verify_filters *filters)
{
	for (uint32_t index = 0;; index++) {
		struct verify_filter filter = { .tid = tid, .index = index }, *added;
		int r = hold_get_filter(hold, pid, tid, index, &filter.code, &filter.n);

		if (r < 0)
			return r == -ENOENT ? 0 : r;
		added = array_add(&filters->all, &filters->n);
		if (!added) {
			free(filter.code);
			return -ENOMEM;
		}
		*added = filter;
	}
}

static int filters_take_process(struct hold *hold, pid_t pid, struct verify_filters *filters)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	pid_t tid;
	int r = 0;

	procdir_open(&dir, AT_FDCWD, "/proc/%d/task", (int)pid);
	while ((r == 0 || r == -ESRCH) && (tid = procdir_next_pid(&dir)) > 0)
		if (filters_has(tid))
			r = filters_take_thread(hold, pid, tid, filters);
	return r == -ESRCH ? 0 : r;
}

int verify_filters_take(struct hold *hold, const pid_t *pids, size_t n_pids,
			struct verify_filters **ret, struct vc_err *err)
{
	_cleanup_(verify_filters_freep) struct verify_filters *filters =
		calloc(1, sizeof(*filters));

	if (!filters)
		return err_sys(err, ENOMEM, "seccomp filters");
	for (size_t i = 0; i < n_pids; i++) {
		int r = filters_take_process(hold, pids[i], filters);

		if (r < 0)
			return err_sys(err, -r, "seccomp filters of pid %d", (int)pids[i]);
	}
	*ret = steal_ptr(filters);
	return 0;
}

static int filters_check(struct verify *verify, pid_t tid, size_t index, const Image__Filter *image)
{
	const struct verify_filters *filters = verify->kernel_filters;

	for (size_t i = 0; i < filters->n; i++) {
		const struct verify_filter *code = &filters->all[i];

		if (code->tid == tid && code->index == index &&
		    image->filter.len == code->n * sizeof(*code->code) &&
		    !memcmp(image->filter.data, code->code, image->filter.len))
			return 0;
	}
	return verify_refuse(verify, tid,
			     "seccomp filter %zu of its image differs from the kernel's", index);
}

int verify_filters_check(struct verify *verify, pid_t tid, const Image__Thread *thread,
			 size_t *ret_n, bool *ret_shared)
{
	const Image__Filters *filters = verify->filters;
	size_t at = thread->seccomp_filter, n = 0, n_shared = 0;

	for (;; n++) {
		const Image__Filter *filter;
		int r;

		if (!filters || !thread->has_seccomp_filter || at >= filters->n_filters ||
		    n >= filters->n_filters)
			return verify_refuse(verify, tid,
					     "its image has no list of its seccomp filters");
		filter = filters->filters[at];
		r = filters_check(verify, tid, n, filter);
		if (r < 0)
			return r;
		n_shared += filter->has_flags && filter->flags & SECCOMP_FILTER_FLAG_TSYNC;
		if (!filter->has_prev)
			break;
		at = filter->prev;
	}
	n++;
	if (n_shared != 0 && n_shared != n)
		return verify_refuse(verify, tid,
				     "some of its seccomp filters apply to all threads");
	*ret_n = n;
	*ret_shared = n_shared > 0;
	return 0;
}
