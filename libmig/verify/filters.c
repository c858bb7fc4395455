// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * filters.c - the seccomp filters of a tree, as the kernel has them and as the images have
 * them
 *
 * Only a thread's tracer may ask for its filters. So they are noted when the tree has just been
 * frozen, by the module in criu, and compared when the images are complete.
 */
#include "libmig/verify/priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "libmig/criu/hold.h"

#define VERIFY_STATUS_MAX (4u << 20)

struct verify_code {
	pid_t tid;
	uint32_t index; /* 0: the oldest of the thread's */
	struct sock_filter *code;
	size_t n;
};

struct verify_filters {
	struct verify_code *all;
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

static bool verify_has_filters(const char *task, const char *tid)
{
	_cleanup_free_ char *status = NULL;
	char path[128];

	snprintf(path, sizeof(path), "%s/%.20s/status", task, tid);
	return file_read_all(AT_FDCWD, path, VERIFY_STATUS_MAX, &status) >= 0 &&
	       strstr(status, "\nSeccomp:\t2");
}

static int verify_take_thread(struct hold *hold, pid_t pid, pid_t tid,
			      struct verify_filters *filters)
{
	for (uint32_t index = 0;; index++) {
		struct verify_code code = { .tid = tid, .index = index };
		struct verify_code *grown;
		int r = hold_get_filter(hold, pid, tid, index, &code.code, &code.n);

		if (r < 0)
			return r == -ENOENT ? 0 : r;
		grown = reallocarray(filters->all, filters->n + 1, sizeof(*grown));
		if (!grown) {
			free(code.code);
			return -ENOMEM;
		}
		filters->all = grown;
		filters->all[filters->n++] = code;
	}
}

int verify_filters_take(struct hold *hold, const pid_t *pids, size_t n_pids,
			struct verify_filters **ret, struct vc_err *err)
{
	struct verify_filters *filters = calloc(1, sizeof(*filters));

	if (!filters)
		return err_sys(err, ENOMEM, "seccomp filters");
	for (size_t i = 0; i < n_pids; i++) {
		_cleanup_closedir_ DIR *dir = NULL;
		const struct dirent *entry;
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/task", (int)pids[i]);
		dir = opendir(path);
		while (dir && (entry = readdir(dir))) {
			pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
			int r = entry->d_name[0] == '.' || !verify_has_filters(path, entry->d_name)
					? 0
					: verify_take_thread(hold, pids[i], tid, filters);

			if (r < 0 && r != -ESRCH) {
				verify_filters_free(filters);
				return err_sys(err, -r, "seccomp filters of pid %d", (int)tid);
			}
		}
	}
	*ret = filters;
	return 0;
}

static int verify_code(struct verify *verify, pid_t tid, size_t index, const Image__Filter *image)
{
	const struct verify_filters *filters = verify->kernel_filters;

	for (size_t i = 0; i < filters->n; i++) {
		const struct verify_code *code = &filters->all[i];

		if (code->tid == tid && code->index == index &&
		    image->filter.len == code->n * sizeof(*code->code) &&
		    !memcmp(image->filter.data, code->code, image->filter.len))
			return 0;
	}
	return verify_refuse(verify, tid, "seccomp filter %zu of its image is not the kernel's",
			     index);
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
			return verify_refuse(verify, tid, "its image has no list of its filters");
		filter = filters->filters[at];
		r = verify_code(verify, tid, n, filter);
		if (r < 0)
			return r;
		n_shared += filter->has_flags && filter->flags & SECCOMP_FILTER_FLAG_TSYNC;
		if (!filter->has_prev)
			break;
		at = filter->prev;
	}
	n++;
	if (n_shared != 0 && n_shared != n)
		return verify_refuse(verify, tid, "some of its filters go to all threads");
	*ret_n = n;
	*ret_shared = n_shared > 0;
	return 0;
}
