// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * namespace.c - the namespaces of the processes and threads of a tree
 *
 * A process must share the mover's namespaces, and the IPC and UTS namespace of the tree's root.
 */
#include "libmig/inventory/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

/* For pid and time the namespace of the children is looked at. It shows the process's own one as
 * well, because no process can return to a namespace above. */
static const struct {
	const char *name;
	bool as_root; /* shared with the tree's root; else with the mover */
	const char *what;
} namespaces[] = {
	{ "mnt", false, "mount" },   { "pid_for_children", false, "pid" },
	{ "user", false, "user" },   { "time_for_children", false, "time" },
	{ "net", false, "network" }, { "cgroup", false, "cgroup" },
	{ "ipc", true, "IPC" },      { "uts", true, "UTS" },
};

static void namespace_read(int dirfd, const char *name, char ret[64])
{
	char path[32];
	ssize_t len;

	snprintf(path, sizeof(path), "ns/%s", name);
	len = readlinkat(dirfd, path, ret, 63);
	/* All processes have "" for a namespace that the kernel does not have. */
	ret[len < 0 ? 0 : len] = '\0';
}

int inventory_namespace_read_own(struct inventory_scan *scan)
{
	_cleanup_close_ int self = open("/proc/thread-self", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (self < 0)
		return err_sys(scan->err, errno, "/proc/thread-self");
	scan->own_ns = calloc(ARRAY_SIZE(namespaces), sizeof(*scan->own_ns));
	scan->root_ns = calloc(ARRAY_SIZE(namespaces), sizeof(*scan->root_ns));
	if (!scan->own_ns || !scan->root_ns)
		return inventory_out_of_memory(scan);
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
		namespace_read(self, namespaces[i].name, scan->own_ns[i]);
	return 0;
}

void inventory_namespace_done(struct inventory_scan *scan)
{
	free(scan->own_ns);
	free(scan->root_ns);
}

bool inventory_namespace_is_known(const struct inventory_scan *scan, const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
		if (!strcmp(text, namespaces[i].as_root ? scan->root_ns[i] : scan->own_ns[i]))
			return true;
	return false;
}

int inventory_namespace_check(struct inventory_scan *scan, const struct inventory_proc *proc)
{
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		const char *want = scan->own_ns[i];
		char has[64];

		namespace_read(proc->dirfd, namespaces[i].name, has);
		if (namespaces[i].as_root) {
			if (proc->pid == scan->root)
				memcpy(scan->root_ns[i], has, sizeof(has));
			want = scan->root_ns[i];
		}
		if (!strcmp(has, want))
			continue;
		/* Has the process ended, or does it not have the namespace yet? */
		if (has[0] == '\0') {
			namespace_read(proc->dirfd, "mnt", has);
			if (has[0] == '\0')
				return -ESRCH;
		}
		return inventory_refuse(scan, proc,
					"lives in a %s namespace other than %s, which cannot be "
					"carried; start the program without unshare, sandbox or "
					"container",
					namespaces[i].what,
					namespaces[i].as_root ? "the job's" : "the system's");
	}
	return 0;
}

/* A thread can have namespaces of its own, by unshare(2) or setns(2). */
int inventory_namespace_check_thread(struct inventory_scan *scan, const struct inventory_proc *proc,
				     pid_t tid)
{
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		const char *want = namespaces[i].as_root ? scan->root_ns[i] : scan->own_ns[i];
		char path[64], has[64];
		ssize_t len;

		snprintf(path, sizeof(path), "task/%d/ns/%s", (int)tid, namespaces[i].name);
		len = readlinkat(proc->dirfd, path, has, sizeof(has) - 1);
		if (len <= 0)
			continue;
		has[len] = '\0';
		if (strcmp(has, want))
			return inventory_refuse(
				scan, proc,
				"its thread %d is in another %s namespace, which cannot be "
				"carried; end the thread, or use a process instead",
				tid, namespaces[i].what);
	}
	return 0;
}
