// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * procs.c - the processes of our groups: list, count, kill
 *
 * A process of ours is in the group of the same path in every hierarchy. So one hierarchy is enough
 * to find it: the unified one, if there is one.
 */
#include "partition/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/proc.h"
#include "partition/cgroup/priv.h"

#define PROCS_MAX (64u << 20) /* bytes of a cgroup.procs: millions of processes */

struct id_list {
	const char *file;
	pid_t *id;
	size_t n;
};

static int procs_add(struct id_list *list, const char *text)
{
	for (const char *p = text; *p;) {
		char *end;
		long id = strtol(p, &end, 10);
		pid_t *next;

		if (end == p)
			break;
		p = end + (*end == '\n');
		/* 0 is a process outside this PID namespace, which we cannot address. */
		if (id <= 0)
			continue;
		next = array_add(&list->id, &list->n);
		if (!next)
			return -ENOMEM;
		*next = (pid_t)id;
	}
	return 0;
}

static int procs_collect(const struct cg_hier *hier, const char *group, struct id_list *list)
{
	_cleanup_(cg_walk_done) struct cg_walk walk = { .dir = NULL };
	_cleanup_free_ char *text = NULL;
	ssize_t len = cg_file_read_all(hier, group, list->file, PROCS_MAX, &text);
	int r = len < 0 ? (int)len : procs_add(list, text);

	if (r < 0)
		return r;
	walk = cg_walk_begin(hier, group);
	while (cg_walk_next(&walk)) {
		r = procs_collect(hier, walk.group, list);
		if (r < 0 && r != -ENOENT && r != -ENODEV)
			return r;
	}
	return walk.r;
}

int cg_procs_of_hier(const struct cg_hier *hier, const char *group, pid_t **ret, size_t *ret_n)
{
	struct id_list list = { .file = "cgroup.procs" };
	int r = procs_collect(hier, group, &list);

	if (r < 0) {
		free(list.id);
		return r;
	}
	*ret = list.id;
	*ret_n = list.n;
	return 0;
}

int cg_procs_list(struct cg *cg, const char *path, pid_t **ret, size_t *ret_n, struct vc_err *err)
{
	const struct cg_hier *hier = cg_tracking(cg);
	char group[CG_GROUP_MAX];
	int r = cg_group_check_path(path, err);

	if (r < 0)
		return r;
	r = cg_group_of(hier, path, group);
	if (r == 0)
		r = cg_procs_of_hier(hier, group, ret, ret_n);
	return r < 0 ? err_sys(err, -r, "cannot list the processes of \"%s\"", path) : 0;
}

/* Signals the processes in every hierarchy, because an interrupted attach may have left one in some
 * hierarchies only. Returns 1 if there were any, 0 or -errno. */
static int procs_kill_once(struct cg *cg, const char *path)
{
	size_t total = 0;

	for (size_t i = 0; i < cg->n; i++) {
		_cleanup_free_ pid_t *pids = NULL;
		char group[CG_GROUP_MAX];
		size_t n = 0;
		int r = cg_group_of(&cg->hier[i], path, group);

		if (r == 0)
			r = cg_procs_of_hier(&cg->hier[i], group, &pids, &n);
		if (r < 0 && r != -ENOENT && r != -ENODEV)
			return r;
		for (size_t k = 0; k < n; k++) {
			if (pids[k] == getpid())
				return -EDEADLK;
		}
		/* This also ends processes that fork faster than we signal. */
		if (n > 0 && cg->hier[i].version == 2)
			cg_file_write(&cg->hier[i], group, "cgroup.kill", "1");
		for (size_t k = 0; k < n; k++)
			kill(pids[k], SIGKILL);
		total += n;
	}
	return total > 0;
}

int cg_procs_kill(struct cg *cg, const char *path, uint64_t timeout_usec, struct vc_err *err)
{
	uint64_t deadline = clock_mono_usec() + timeout_usec, pause = 250;
	int r = cg_group_check_path(path, err);

	if (r < 0)
		return r;
	while ((r = procs_kill_once(cg, path)) > 0) {
		if (clock_mono_usec() >= deadline)
			return err_set(err, ETIMEDOUT, "processes of \"%s\" do not die", path);
		clock_sleep_usec(pause);
		pause = pause < 10000 ? pause * 2 : pause;
	}
	if (r == -EDEADLK)
		return err_set(err, EDEADLK, "process %d cannot kill \"%s\": it is in there itself",
			       (int)getpid(), path);
	return r < 0 ? err_sys(err, -r, "cannot kill the processes of \"%s\"", path) : 0;
}

int cg_procs_group(struct cg *cg, pid_t pid, char *ret_path, size_t size)
{
	const struct cg_hier *hier = cg_tracking(cg);
	char text[8192], proc[64], group[CG_GROUP_MAX];
	size_t base = strlen(hier->base);
	ssize_t len;

	snprintf(proc, sizeof(proc), "/proc/%d/cgroup", (int)(pid ? pid : getpid()));
	len = file_read(AT_FDCWD, proc, text, sizeof(text));
	if (len < 0)
		return len == -ENOENT ? -ESRCH : (int)len;
	if (cg_proc_group(hier, text, group, sizeof(group)) < 0 ||
	    strncmp(group, hier->base, base) || (group[base] && group[base] != '/'))
		return -ENOENT;
	len = snprintf(ret_path, size, "%s", group + base + (group[base] == '/'));
	return len < (ssize_t)size ? 0 : -ENAMETOOLONG;
}

int cg_procs_runnable(struct cg *cg, const char *path, unsigned int *ret_n)
{
	const struct cg_hier *hier = cg_tracking(cg);
	struct id_list list = { .file = hier->version == 2 ? "cgroup.threads" : "tasks" };
	char group[CG_GROUP_MAX], state;
	unsigned int n = 0;
	int r = cg_group_check_path(path, NULL);

	if (r == 0)
		r = cg_group_of(hier, path, group);
	if (r == 0)
		r = procs_collect(hier, group, &list);
	for (size_t i = 0; r == 0 && i < list.n; i++)
		n += proc_look(list.id[i], &state, NULL) == 0 && state == 'R';
	free(list.id);
	if (r == 0)
		*ret_n = n;
	return r;
}
