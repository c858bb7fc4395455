// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * procs.c - the processes of our groups: enter, list, count, kill
 *
 * A process of ours is in the group of the same path in every hierarchy, so one
 * hierarchy is enough to find it: the unified one where there is one. Entering
 * goes through cgroup.procs, which moves a process with all its threads.
 */
#include "partition/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/proc.h"
#include "partition/cgroup/priv.h"

#define PROCS_MAX (64u << 20) /* bytes of a cgroup.procs: millions of processes */

struct cg_entry {
	int unified; /* O_PATH of the group itself, for clone3(); -1: none */
	size_t n;
	struct {
		int version;
		int procs; /* cgroup.procs: a process with all its threads */
		int tasks; /* v1's tasks: one thread; -1 on v2 */
	} at[CG_HIERS_MAX];
};

static int entry_add(struct cg_entry *entry, const struct cg_hier *hier, const char *group)
{
	size_t i = entry->n++;

	entry->at[i].version = hier->version;
	entry->at[i].tasks = -1;
	entry->at[i].procs = cg_file_open(hier, group, "cgroup.procs", O_WRONLY);
	if (entry->at[i].procs < 0)
		return entry->at[i].procs;
	if (hier->version == 1) {
		entry->at[i].tasks = cg_file_open(hier, group, "tasks", O_WRONLY);
		return entry->at[i].tasks < 0 ? entry->at[i].tasks : 0;
	}
	entry->unified = cg_file_open(hier, group, ".", O_PATH | O_DIRECTORY);
	return entry->unified < 0 ? entry->unified : 0;
}

int cg_entry_open(struct cg *cg, const char *path, struct cg_entry **ret, struct vc_err *err)
{
	struct cg_entry *entry;
	int r = cg_group_check_path(path, err);

	if (r < 0)
		return r;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return err_sys(err, ENOMEM, "cannot open the group \"%s\"", path);
	entry->unified = -1;
	for (size_t i = 0; i < cg->n; i++) {
		char group[CG_GROUP_MAX];

		r = cg_group_of(&cg->hier[i], path, group);
		if (r == 0)
			r = entry_add(entry, &cg->hier[i], group);
		if (r < 0) {
			cg_entry_free(entry);
			return err_sys(err, -r, "cannot open the group \"%s\" in %s", path,
				       cg->hier[i].mount);
		}
	}
	*ret = entry;
	return 0;
}

int cg_entry_enter(const struct cg_entry *entry)
{
	for (size_t i = 0; i < entry->n; i++) {
		if (write(entry->at[i].procs, "0", 1) < 0)
			return -errno;
	}
	return 0;
}

/* A child of one thread enters a v1 group through "tasks", which the kernel does
 * without stopping forks everywhere, and the unified group at its birth. */
pid_t cg_entry_fork(const struct cg_entry *entry, int *ret_entered)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)entry->unified,
	};
	pid_t pid = -1;
	bool born = false;

	if (entry->unified >= 0) {
		pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
		born = pid >= 0;
		/* Kept from us by a filter; anything else is an answer. */
		if (pid < 0 && errno != ENOSYS && errno != EPERM)
			return -errno;
	}
	if (!born)
		pid = fork();
	if (pid != 0)
		return pid < 0 ? -errno : pid;
	*ret_entered = 0;
	for (size_t i = 0; i < entry->n; i++) {
		bool v1 = entry->at[i].version == 1;

		if (!v1 && born)
			continue;
		if (write(v1 ? entry->at[i].tasks : entry->at[i].procs, "0", 1) < 0) {
			*ret_entered = -errno;
			break;
		}
	}
	return 0;
}

void cg_entry_free(struct cg_entry *entry)
{
	if (!entry)
		return;
	for (size_t i = 0; i < entry->n; i++) {
		closep(&entry->at[i].procs);
		closep(&entry->at[i].tasks);
	}
	closep(&entry->unified);
	free(entry);
}

static void entry_put_back(struct cg *cg, size_t n, const char *before, const char *pid)
{
	for (size_t i = 0; i < n; i++) {
		char group[CG_GROUP_MAX];

		if (cg_proc_group(&cg->hier[i], before, group, sizeof(group)) == 0)
			cg_file_write(&cg->hier[i], group, "cgroup.procs", pid);
	}
}

int cg_entry_attach(struct cg *cg, const char *path, pid_t pid, struct vc_err *err)
{
	_cleanup_(cg_entry_freep) struct cg_entry *entry = NULL;
	_cleanup_free_ char *before = NULL;
	char number[16], proc[64];
	int r = cg_entry_open(cg, path, &entry, err);
	ssize_t len;

	if (r < 0)
		return r;
	if (pid == 0)
		pid = getpid();
	snprintf(number, sizeof(number), "%d", (int)pid);
	snprintf(proc, sizeof(proc), "/proc/%d/cgroup", (int)pid);
	len = file_read_all(AT_FDCWD, proc, CG_PROC_MAX, &before);
	if (len < 0)
		return err_set(err, ESRCH, "there is no process %d", (int)pid);
	for (size_t i = 0; i < entry->n; i++) {
		if (write(entry->at[i].procs, number, strlen(number)) >= 0)
			continue;
		r = errno;
		entry_put_back(cg, i, before, number);
		return err_sys(err, r, "cannot put process %d into the group \"%s\" in %s",
			       (int)pid, path, cg->hier[i].mount);
	}
	return 0;
}

struct id_list {
	const char *file;
	pid_t *id;
	size_t n, room;
};

static int procs_add_ids(struct id_list *list, const char *text)
{
	for (const char *p = text; *p;) {
		char *end;
		long id = strtol(p, &end, 10);

		if (end == p)
			break;
		p = end + (*end == '\n');
		/* 0: a process outside this PID namespace; nothing that we could address. */
		if (id <= 0)
			continue;
		if (list->n == list->room) {
			size_t room = list->room ? list->room * 2 : 64;
			pid_t *grown = reallocarray(list->id, room, sizeof(*grown));

			if (!grown)
				return -ENOMEM;
			list->id = grown;
			list->room = room;
		}
		list->id[list->n++] = (pid_t)id;
	}
	return 0;
}

static int procs_collect(const struct cg_hier *hier, const char *group, struct id_list *list);

static int procs_collect_child(const struct cg_hier *hier, const char *group, const char *name,
			       void *arg)
{
	char child[CG_GROUP_MAX];
	int r;

	if (snprintf(child, sizeof(child), "%s/%s", group, name) >= (int)sizeof(child))
		return -ENAMETOOLONG;
	r = procs_collect(hier, child, arg);
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

static int procs_collect(const struct cg_hier *hier, const char *group, struct id_list *list)
{
	_cleanup_free_ char *text = NULL;
	char name[CG_GROUP_MAX + 64];
	ssize_t len;
	int r;

	snprintf(name, sizeof(name), "%s/%s", group, list->file);
	len = file_read_all(hier->fd, name, PROCS_MAX, &text);
	if (len < 0)
		return (int)len;
	r = procs_add_ids(list, text);
	return r < 0 ? r : cg_group_each_child(hier, group, procs_collect_child, list);
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

bool cg_group_follow_path(const struct cg *cg, const char *from, const char *to, const char *path,
			  char *ret, size_t size)
{
	for (size_t i = 0; i < cg->n; i++) {
		char old[CG_GROUP_MAX], new[CG_GROUP_MAX];
		const char *at, *rest;
		int n;

		if (cg_group_of(&cg->hier[i], from, old) < 0 ||
		    cg_group_of(&cg->hier[i], to, new) < 0)
			continue;
		at = strstr(path, old);
		rest = at ? at + strlen(old) : "";
		if (!at || at == path || at[-1] != '/' || (*rest && *rest != '/'))
			continue;
		n = snprintf(ret, size, "%.*s%s%s", (int)(at - path), path, new, rest);
		return n > 0 && (size_t)n < size;
	}
	return false;
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

/* Signals all, in every hierarchy: an attach that was cut short may have left a
 * process in some only. Returns how many there were, or -errno. */
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
		/* Atomic, also against a process that forks faster than we signal. */
		if (n > 0 && cg->hier[i].version == 2)
			cg_file_write(&cg->hier[i], group, "cgroup.kill", "1");
		for (size_t k = 0; k < n; k++)
			kill(pids[k], SIGKILL);
		total += n;
	}
	return total > 0;
}

int cg_group_freezer(struct cg *cg, const char *path, char *ret, size_t size)
{
	const struct cg_hier *hier = cg_tracking(cg);
	char group[CG_GROUP_MAX];
	int r = hier->version == 2 ? cg_group_of(hier, path, group) : -ENOENT;

	ret[0] = '\0';
	if (r == 0 && !cg_file_exists(hier, group, "cgroup.freeze"))
		r = -ENOENT;
	if (r == 0 && snprintf(ret, size, "%s/%s", hier->mount, group) >= (int)size) {
		ret[0] = '\0';
		r = -ENAMETOOLONG;
	}
	return r;
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
