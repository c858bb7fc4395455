// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * inventory-fd.c - the descriptors of a tree: those that stand in the way of a move
 *
 * Almost every descriptor is kept as the object that it is (keep.h), whoever else has
 * it. What is refused here is bound to the processes that die, or CRIU does not get its dump past
 * it.
 *
 * The text behind /proc/PID/fd/N says most of what is to be known, so a
 * descriptor costs one readlink, and more only where its kind asks for it.
 */
#include "libmig/inventory-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "libmig/reopen.h"

/* Descriptors without a file. What is not listed is refused by its own name. */
static const struct {
	const char *name;
	const char *thing; /* NULL: carried */
	const char *remedy;
} inventory_anon[] = {
	{ "[eventfd]", NULL, NULL },
	{ "[eventpoll]", NULL, NULL },
	{ "[signalfd]", NULL, NULL },
	{ "[timerfd]", NULL, NULL },
	{ "inotify", NULL, NULL },
	{ "[io_uring]", "an io_uring instance",
	  "have the program use epoll or threads instead (programs built on libuv: "
	  "UV_USE_IO_URING=0 in the environment)" },
	{ "[userfaultfd]", "a userfaultfd", "end what handles page faults there" },
	{ "[perf_event]", "a performance counter", "end the profiler or counter" },
	{ "[fanotify]", "a fanotify group", "watch with inotify, or close it for the move" },
	{ "bpf-map", "a BPF map", "close it for the move" },
	{ "bpf-prog", "a BPF program", "close it for the move" },
	{ "bpf_link", "a BPF link", "close it for the move" },
	{ "seccomp notify", "a seccomp listener", "end the supervisor that holds it" },
	{ "kvm-vm", "a virtual machine of KVM", "run virtual machines outside of jobs" },
};

static int inventory_read_fdinfo(const struct inventory_proc *proc, int fd, char *buf, size_t size)
{
	char path[32];

	snprintf(path, sizeof(path), "fdinfo/%d", fd);
	return inventory_read(proc->dirfd, path, buf, size) < 0 ? -ESRCH : 0;
}

static unsigned int inventory_fdinfo_flags(const char *fdinfo)
{
	const char *field = inventory_field(fdinfo, "flags");

	return field ? (unsigned int)strtoul(field, NULL, 8) : 0;
}

static int inventory_scan_pidfd(struct inventory_scan *scan, struct inventory_proc *proc, int fd)
{
	char fdinfo[512];
	const char *field;
	int pid;

	if (inventory_read_fdinfo(proc, fd, fdinfo, sizeof(fdinfo)) < 0)
		return 0;
	field = inventory_field(fdinfo, "Pid");
	/* -1: the process has been reaped, and CRIU makes a dead one again. */
	if (!field || sscanf(field, "%d", &pid) != 1 || pid == -1)
		return 0;
	if (inventory_fdinfo_flags(fdinfo) & O_EXCL)
		return inventory_refuse(scan, proc,
					"fd %d is a pidfd of a single thread, which cannot be "
					"carried; close it for the move",
					fd);
	if (inventory_has_pid(scan, pid))
		return 0;
	return inventory_refuse(scan, proc,
				"fd %d is a pidfd of pid %d outside the job, which cannot be "
				"carried; close it for the move",
				fd, pid);
}

static int inventory_scan_anon(struct inventory_scan *scan, struct inventory_proc *proc, int fd,
			       const char *name)
{
	if (!strcmp(name, "[pidfd]"))
		return inventory_scan_pidfd(scan, proc, fd);
	for (size_t i = 0; i < ARRAY_SIZE(inventory_anon); i++) {
		if (strcmp(name, inventory_anon[i].name))
			continue;
		if (!inventory_anon[i].thing)
			return 0;
		return inventory_refuse(scan, proc, "fd %d is %s, which cannot be carried; %s", fd,
					inventory_anon[i].thing, inventory_anon[i].remedy);
	}
	return inventory_refuse(scan, proc,
				"fd %d is a kernel object (%s) that cannot be carried; close it "
				"for the move",
				fd, name);
}

static int inventory_scan_pipe(struct inventory_scan *scan, struct inventory_proc *proc, int fd)
{
	char fdinfo[512];

	if (inventory_read_fdinfo(proc, fd, fdinfo, sizeof(fdinfo)) < 0 ||
	    !(inventory_fdinfo_flags(fdinfo) & O_DIRECT))
		return 0;
	return inventory_refuse(scan, proc,
				"fd %d is a pipe in packet mode (O_DIRECT), which cannot "
				"be carried; use a socket pair of type SOCK_SEQPACKET",
				fd);
}

/* What CRIU dumps: memory devices and terminals. */
static bool inventory_is_known_device(unsigned int maj, unsigned int min)
{
	if (maj == 4 || maj == 5 || maj == 188 || (maj >= 136 && maj <= 143))
		return true;
	if (maj != 1)
		return false;
	switch (min) {
	case 3:  /* null */
	case 5:  /* zero */
	case 7:  /* full */
	case 8:  /* random */
	case 9:  /* urandom */
	case 11: /* kmsg */
		return true;
	default:
		return false;
	}
}

static int inventory_scan_regular(struct inventory_scan *scan, struct inventory_proc *proc, int fd,
				  const struct stat *st, const char *path)
{
	char fdinfo[4096];

	/* /proc/locks would tell of all files at once, but makes its reader wait
	 * milliseconds for an RCU grace period. */
	if (inventory_read_fdinfo(proc, fd, fdinfo, sizeof(fdinfo)) < 0)
		return 0;
	if (inventory_note_lock(&scan->locks, fdinfo, proc->pid, fd, st) < 0)
		return inventory_out_of_memory(scan);
	return strncmp(path, "/memfd:", 7)
		       ? 0
		       : inventory_note_shared(scan, INVENTORY_MEMFD, proc->pid, fd, st);
}

/* A file of a process of the tree, which criu has to open again. */
static int inventory_scan_proc_file(struct inventory_scan *scan, struct inventory_proc *proc,
				    int fd, const char *path)
{
	char fdinfo[512];
	const char *reason;

	if (inventory_read_fdinfo(proc, fd, fdinfo, sizeof(fdinfo)) < 0)
		return 0;
	reason = reopen_proc_refusal(proc->pid, path, (int)inventory_fdinfo_flags(fdinfo));
	if (!reason)
		return 0;
	return inventory_refuse(scan, proc, "fd %d is %s, which %s; close it for the move", fd,
				path, reason);
}

static int inventory_scan_path(struct inventory_scan *scan, struct inventory_proc *proc, int fd,
			       const struct stat *st, const char *path)
{
	if (!strncmp(path, "/proc/", 6) && inventory_has_pid(scan, atoi(path + 6)))
		return inventory_scan_proc_file(scan, proc, fd, path);
	if (!strncmp(path, "/secretmem", 10) && (path[10] == '\0' || path[10] == ' '))
		return inventory_refuse(scan, proc,
					"fd %d is secret memory (memfd_secret), which nobody else "
					"can read; close and unmap it for the move",
					fd);
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return inventory_scan_regular(scan, proc, fd, st, path);
	case S_IFCHR:
		if (inventory_is_known_device(major(st->st_rdev), minor(st->st_rdev)))
			return 0;
		return inventory_refuse(scan, proc,
					"fd %d is the device %s, whose state is in its driver and "
					"cannot be carried; close it for the move",
					fd, path);
	case S_IFBLK:
		return inventory_refuse(scan, proc,
					"fd %d is the block device %s, which cannot be carried; "
					"close it for the move",
					fd, path);
	default:
		return 0;
	}
}

static int inventory_scan_fd(struct inventory_scan *scan, struct inventory_proc *proc, int dirfd,
			     const char *name)
{
	char link[PATH_MAX];
	struct stat st;
	int fd = atoi(name);
	ssize_t len = readlinkat(dirfd, name, link, sizeof(link) - 1);

	if (len < 0)
		return 0;
	link[len] = '\0';
	/* The commonest of all. */
	if (!strcmp(link, "/dev/null"))
		return 0;
	if (!strncmp(link, "socket:[", 8))
		return inventory_scan_socket(scan, proc, fd);
	if (!strncmp(link, "anon_inode:", 11))
		return inventory_scan_anon(scan, proc, fd, link + 11);
	if (!strncmp(link, "pipe:[", 6))
		return inventory_scan_pipe(scan, proc, fd);
	if (link[0] == '/') {
		char what[32];

		if (fstatat(dirfd, name, &st, 0) == 0)
			return inventory_scan_path(scan, proc, fd, &st, link);
		snprintf(what, sizeof(what), "fd %d", fd);
		return inventory_check_reach(scan, proc, what, link, errno);
	}
	if (inventory_is_namespace(scan, link))
		return 0;
	return inventory_refuse(scan, proc,
				"fd %d is %s, which cannot be carried; close it for the move", fd,
				link);
}

int inventory_scan_fds(struct inventory_scan *scan, struct inventory_proc *proc)
{
	_cleanup_(inventory_dir_close) struct inventory_dir dir;
	const char *name;
	int r = 0;

	dir.fd = -1;
	if (inventory_dir_open(&dir, proc->dirfd, "fd") < 0)
		return -ESRCH;
	for (; r == 0 && (name = inventory_dir_next(&dir)); scan->inv->n_files++)
		r = inventory_scan_fd(scan, proc, dir.fd, name);
	return r;
}
