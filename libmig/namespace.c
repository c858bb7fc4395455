// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * namespace.c - the job's own namespaces, kept from one life to the next
 *
 * CRIU writes out a namespace that is not its own, and makes a new one at the
 * restore: 4 ms of a small job's downtime for an IPC and a UTS namespace (measured;
 * helpers are forked, every sysctl is read and set). A criu process that runs in the job's
 * namespaces takes them for shared, leaves them alone, and what it restores is
 * born in them. So both are entered by each criu process of a move, and live on
 * through it.
 *
 * Not so an IPC namespace with System V objects. CRIU carries mapped segments
 * only with their namespace; their memory should be charged to the target; and the
 * death of the old tree would undo semaphore operations (SEM_UNDO) that the new
 * one believes done. Such a namespace is written out and made anew. POSIX
 * message queues are no reason: CRIU has no eye for them, and keeping saves them. So a namespace
 * that has both cannot be carried.
 */
#include "libmig/namespace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

/* The namespace of root by that name; -1: it is ours too. */
static int namespaces_open_one(pid_t root, const char *name, int *ret, struct vc_err *err)
{
	_cleanup_close_ int fd = -1;
	struct stat theirs, ours;
	char path[64], self[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)root, name);
	snprintf(self, sizeof(self), "/proc/self/ns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &theirs) < 0 || stat(self, &ours) < 0)
		return err_sys(err, errno, "%s", path);
	if (theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev)
		return 0;
	*ret = steal_fd(&fd);
	return 0;
}

/* Whether System V objects live in the IPC namespace; 1, 0 or -errno. */
static int namespaces_ipc_used(int ipc)
{
	_cleanup_close_ int own = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
	struct shm_info shm;
	struct seminfo sem;
	struct msginfo msg;
	bool known;

	if (own < 0 || setns(ipc, CLONE_NEWIPC) < 0)
		return -errno;
	known = shmctl(0, SHM_INFO, (struct shmid_ds *)&shm) >= 0 &&
		semctl(0, 0, SEM_INFO, &sem) >= 0 &&
		msgctl(0, MSG_INFO, (struct msqid_ds *)&msg) >= 0;
	if (setns(own, CLONE_NEWIPC) < 0)
		return -errno;
	/* semusz and msgpool: how many sets and queues there are, in these two calls. */
	return !known || shm.used_ids > 0 || sem.semusz > 0 || msg.msgpool > 0;
}

/* The root of the namespace's file system of message queues, by a mount that is nowhere else. */
static int queues_open(void)
{
	_cleanup_close_ int context = (int)syscall(SYS_fsopen, "mqueue", 1 /* FSOPEN_CLOEXEC */);
	_cleanup_close_ int mount = -1;

	if (context < 0 ||
	    syscall(SYS_fsconfig, context, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0) < 0)
		return -errno;
	mount = (int)syscall(SYS_fsmount, context, 1 /* FSMOUNT_CLOEXEC */, 0);
	return openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Refuses a namespace that is to be made anew and has POSIX message queues. */
static int namespaces_check_queues(int ipc, struct vc_err *err)
{
	_cleanup_close_ int own = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;
	int root;

	if (own < 0 || setns(ipc, CLONE_NEWIPC) < 0)
		return err_sys(err, errno, "the job's IPC namespace");
	root = queues_open();
	if (setns(own, CLONE_NEWIPC) < 0)
		return err_sys(err, errno, "leave the job's IPC namespace");
	dir = root < 0 ? NULL : fdopendir(root);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			return err_set(
				err, EOPNOTSUPP,
				"it has the POSIX message queue /%s and System V IPC objects: its "
				"IPC namespace would be made anew for these, without the queue; "
				"remove one of the two for the move (mq_unlink, ipcrm)",
				entry->d_name);
	return 0;
}

bool namespaces_is_remade(pid_t root)
{
	_cleanup_close_ int ipc = -1;

	return namespaces_open_one(root, "ipc", &ipc, NULL) == 0 && ipc >= 0 &&
	       namespaces_ipc_used(ipc) != 0;
}

int namespaces_open(pid_t root, struct namespaces *ret, struct vc_err *err)
{
	struct namespaces ns = { .uts = -1, .ipc = -1, .remade = -1 };
	int r = namespaces_open_one(root, "uts", &ns.uts, err);

	if (r == 0)
		r = namespaces_open_one(root, "ipc", &ns.ipc, err);
	if (r == 0 && ns.ipc >= 0 && namespaces_ipc_used(ns.ipc) != 0)
		ns.remade = steal_fd(&ns.ipc);
	if (r == 0 && ns.remade >= 0)
		r = namespaces_check_queues(ns.remade, err);
	if (r < 0) {
		namespaces_close(&ns);
		return r;
	}
	*ret = ns;
	return 0;
}

void namespaces_close(struct namespaces *ns)
{
	if (ns->uts >= 0)
		close(steal_fd(&ns->uts));
	if (ns->ipc >= 0)
		close(steal_fd(&ns->ipc));
	if (ns->remade >= 0)
		close(steal_fd(&ns->remade));
}

int namespaces_enter(const struct namespaces *ns)
{
	if (ns->uts >= 0 && setns(ns->uts, CLONE_NEWUTS) < 0)
		return -errno;
	if (ns->ipc >= 0 && setns(ns->ipc, CLONE_NEWIPC) < 0)
		return -errno;
	return 0;
}

/* The network that we are in, at a number behind this one, which is to be another's. */
static int namespaces_open_net(int number)
{
	_cleanup_close_ int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, number + 1);
}

int namespaces_make_empty_net(int number)
{
	_cleanup_close_ int own = namespaces_open_net(number), made = -1;

	if (own < 0 || unshare(CLONE_NEWNET) < 0)
		return -errno;
	made = namespaces_open_net(number);
	if (made < 0 || setns(own, CLONE_NEWNET) < 0 || dup2(made, number) < 0)
		return -errno;
	return 0;
}

int namespaces_check(const struct namespaces *ns, struct vc_err *err)
{
	if (ns->ipc >= 0 && namespaces_ipc_used(ns->ipc) != 0)
		return err_set(err, EAGAIN,
			       "it made its first System V IPC object during the move; try again");
	return ns->remade >= 0 ? namespaces_check_queues(ns->remade, err) : 0;
}
