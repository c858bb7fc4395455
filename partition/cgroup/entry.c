// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * entry.c - moving a process into a group
 *
 * cgroup.procs moves a process with all its threads. The files are opened beforehand, so that a
 * child between fork and exec only has to write to them.
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
#include "common/file.h"
#include "partition/cgroup/priv.h"

struct cg_entry {
	int unified; /* O_PATH of the group in the unified hierarchy, for clone3(2); or -1 */
	size_t n;
	struct {
		int version;
		int procs; /* cgroup.procs moves a process with all its threads */
		int tasks; /* v1's tasks moves one thread; -1 on v2 */
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

/* A child with one thread enters a v1 group through "tasks", for which the kernel does not stop all
 * forks. It enters the unified group at its birth. */
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
		/* ENOSYS and EPERM come from a seccomp filter. */
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
