// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * inventory-fd.c - the descriptors of a tree: carried, led outside, or in the way
 *
 * The text behind /proc/PID/fd/N says most of what is to be known, so a
 * descriptor costs one readlink, and more only where its kind asks for it.
 *
 * What leads out of the tree is restored from our own duplicate of it:
 *	a pipe      given to the job, or of which the tree holds one direction only
 *	a terminal  whose master is not in the tree; the duplicate must be read-write,
 *	            since CRIU uses one for all descriptors of a terminal
 *	a file      given to the job, so that its offset stays common with the outside.
 *	            CRIU finds it by path alone: a path with several open descriptions
 *	            or mappings is left to be opened anew, with an offset of its own,
 *	            and so is what the job may be about to execute
 */
#include "libmig/inventory-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/file.h"

#ifndef MQUEUE_MAGIC
#define MQUEUE_MAGIC 0x19800202
#endif

#define DELETED " (deleted)"
#define YOUNG_SEC 3600

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

static int inventory_add_pipe(struct inventory_scan *scan, struct inventory_proc *proc, int fd,
			      const struct stat *st, const char *path)
{
	struct inventory_end end = { .kind = path ? INVENTORY_FIFO : INVENTORY_PIPE,
				     .pid = proc->pid,
				     .fd = fd,
				     .dev = st->st_dev,
				     .ino = st->st_ino };
	char fdinfo[512];

	if (inventory_read_fdinfo(proc, fd, fdinfo, sizeof(fdinfo)) < 0)
		return 0;
	end.flags = inventory_fdinfo_flags(fdinfo);
	if (end.flags & O_DIRECT)
		return inventory_refuse(scan, proc,
					"fd %d is a pipe in packet mode (O_DIRECT), which cannot "
					"be carried; use a socket pair of type SOCK_SEQPACKET",
					fd);
	end.path = path ? strdup(path) : NULL;
	if ((path && !end.path) || !inventory_add_end(scan, &end))
		return inventory_out_of_memory(scan);
	return 0;
}

/* "/dev/pts/" number of a slave; UINT_MAX for other terminals. */
static unsigned int inventory_pts_index(uint64_t rdev)
{
	unsigned int maj = major(rdev);

	return maj >= 136 && maj <= 143 ? (maj - 136) * 256 + minor(rdev) : UINT_MAX;
}

/* Opened again by name, they are what they were. */
static bool inventory_is_plain_device(unsigned int maj, unsigned int min)
{
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

static int inventory_scan_char(struct inventory_scan *scan, struct inventory_proc *proc, int fd,
			       const struct stat *st, const char *path)
{
	struct inventory_end end = { .kind = INVENTORY_TTY,
				     .pid = proc->pid,
				     .fd = fd,
				     .dev = st->st_dev,
				     .ino = st->st_ino,
				     .rdev = st->st_rdev,
				     .index = inventory_pts_index(st->st_rdev) };
	unsigned int maj = major(st->st_rdev), min = minor(st->st_rdev);
	char fdinfo[512];
	const char *field;

	if (inventory_is_plain_device(maj, min))
		return 0;
	if (inventory_read_fdinfo(proc, fd, fdinfo, sizeof(fdinfo)) < 0)
		return 0;
	end.flags = inventory_fdinfo_flags(fdinfo);
	if (maj == 5 && min == 2) {
		end.kind = INVENTORY_PTMX;
		field = inventory_field(fdinfo, "tty-index");
		end.index = field ? (unsigned int)strtoul(field, NULL, 10) : UINT_MAX;
	} else if (end.index == UINT_MAX && maj != 4 && maj != 5 && maj != 188) {
		return inventory_refuse(scan, proc,
					"fd %d is the device %s, whose state is in its driver and "
					"cannot be carried; close it for the move",
					fd, path);
	}
	return inventory_add_end(scan, &end) ? 0 : inventory_out_of_memory(scan);
}

static int inventory_scan_regular(struct inventory_scan *scan, struct inventory_proc *proc, int fd,
				  const struct stat *st, const char *path)
{
	struct inventory_end end = { .kind = INVENTORY_FILE,
				     .pid = proc->pid,
				     .fd = fd,
				     .dev = st->st_dev,
				     .ino = st->st_ino };
	char fdinfo[4096];

	/* /proc/locks would tell of all files at once, but makes its reader wait
	 * milliseconds for an RCU grace period. */
	if (inventory_read_fdinfo(proc, fd, fdinfo, sizeof(fdinfo)) < 0)
		return 0;
	end.flags = inventory_fdinfo_flags(fdinfo);
	if (inventory_note_lock(&scan->locks, fdinfo, proc->pid, fd, st) < 0)
		return inventory_out_of_memory(scan);
	if (!strncmp(path, "/memfd:", 7))
		return inventory_note_shared(scan, INVENTORY_MEMFD, proc->pid, fd, st);
	if (strstr(path, DELETED)) {
		int r = inventory_check_path(scan, proc->pid, fd, "the unlinked file", path);

		if (r < 0)
			return r;
		inventory_note_unlinked(scan, st);
	}
	end.path = strdup(path);
	if (!end.path || !inventory_add_end(scan, &end))
		return inventory_out_of_memory(scan);
	return 0;
}

static bool inventory_is_mqueue(const struct inventory_proc *proc, int fd)
{
	struct statfs fs;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", proc->pid, fd);
	return statfs(path, &fs) == 0 && fs.f_type == MQUEUE_MAGIC;
}

static int inventory_scan_path(struct inventory_scan *scan, struct inventory_proc *proc, int fd,
			       const struct stat *st, const char *path)
{
	/* A queue has its name at the root of a file system of its own. */
	if (S_ISREG(st->st_mode) && !strchr(path + 1, '/') && inventory_is_mqueue(proc, fd))
		return inventory_refuse(scan, proc,
					"fd %d is the POSIX message queue %s, which cannot be "
					"carried; close it for the move",
					fd, path);
	if (!strncmp(path, "/secretmem", 10) && (path[10] == '\0' || path[10] == ' '))
		return inventory_refuse(scan, proc,
					"fd %d is secret memory (memfd_secret), which nobody else "
					"can read; close and unmap it for the move",
					fd);
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return inventory_scan_regular(scan, proc, fd, st, path);
	case S_IFIFO:
		return inventory_add_pipe(scan, proc, fd, st, path);
	case S_IFCHR:
		return inventory_scan_char(scan, proc, fd, st, path);
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
		return inventory_scan_socket(scan, proc, fd, strtoull(link + 8, NULL, 10));
	if (!strncmp(link, "anon_inode:", 11))
		return inventory_scan_anon(scan, proc, fd, link + 11);
	if (fstatat(dirfd, name, &st, 0) < 0)
		return 0;
	if (!strncmp(link, "pipe:[", 6))
		return inventory_add_pipe(scan, proc, fd, &st, NULL);
	if (link[0] == '/')
		return inventory_scan_path(scan, proc, fd, &st, link);
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

/* Whether two ends are one open file description (as after dup or fork), or one of them is gone. */
static bool inventory_same_description(const struct inventory_end *a, const struct inventory_end *b)
{
	return syscall(SYS_kcmp, a->pid, b->pid, KCMP_FILE, a->fd, b->fd) <= 0;
}

static bool inventory_same_file(const struct inventory_end *a, const struct inventory_end *b)
{
	return a->kind == b->kind && a->ino == b->ino && a->dev == b->dev;
}

static int inventory_resolve_pipe(struct inventory_scan *scan, struct inventory_end *end)
{
	bool reads = false, writes = false;
	char key[48];
	int r = -ESRCH;

	for (size_t i = 0; i < scan->n_ends; i++) {
		struct inventory_end *other = &scan->ends[i];

		if (!inventory_same_file(end, other))
			continue;
		reads = reads || (other->flags & O_ACCMODE) != O_WRONLY;
		writes = writes || (other->flags & O_ACCMODE) != O_RDONLY;
		/* One duplicate serves all: CRIU opens it anew for each end. */
		other->external = true;
	}
	if (reads && writes && !inventory_is_given(scan, end->dev, end->ino))
		return 0;
	snprintf(key, sizeof(key), "pipe:[%" PRIu64 "]", end->ino);
	for (size_t i = 0; r == -ESRCH && i < scan->n_ends; i++)
		if (inventory_same_file(end, &scan->ends[i]))
			r = inventory_add_external(scan, &scan->ends[i], NULL, key);
	return r == -ESRCH ? 0 : r;
}

/* Whether a path is mapped by a process of the tree. */
static bool inventory_is_mapped(struct inventory_scan *scan, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < scan->inv->n_pids; i++) {
		_cleanup_free_ char *text = NULL;
		char maps[32];

		snprintf(maps, sizeof(maps), "/proc/%d/maps", scan->inv->pids[i]);
		if (file_read_all(AT_FDCWD, maps, 1 << 26, &text) < 0)
			continue;
		for (const char *at = text; (at = strstr(at, path)); at += len)
			if (at > text && at[-1] == ' ' && at[len] == '\n')
				return true;
	}
	return false;
}

static bool inventory_is_locked(const struct inventory_scan *scan, const struct inventory_end *end)
{
	for (size_t i = 0; i < scan->locks.n; i++)
		if (scan->locks.all[i].ino == end->ino && scan->locks.all[i].dev == end->dev)
			return true;
	return false;
}

/* A file that is young, or can be executed already. */
static bool inventory_may_be_program(const struct inventory_end *end)
{
	struct statx stx;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", end->pid, end->fd);
	if (statx(AT_FDCWD, path, 0, STATX_MODE | STATX_BTIME, &stx) < 0)
		return false;
	return stx.stx_mode & 0111 || !(stx.stx_mask & STATX_BTIME) ||
	       stx.stx_btime.tv_sec > time(NULL) - YOUNG_SEC;
}

/*
 * A file or named pipe: by path, if that names one open description. Files that
 * were not given are handed over too where that can be: the job keeps the very
 * description, offset and locks included, and nobody can put another file into
 * the path's place meanwhile.
 *
 * Not so what a linker may be writing: while we have its description, so that somebody has it
 * open for writing, execve(2) fails with ETXTBSY.
 */
static int inventory_resolve_file(struct inventory_scan *scan, struct inventory_end *end,
				  bool given)
{
	_cleanup_free_ char *key = strdup(end->path + 1);
	bool fifo = end->kind == INVENTORY_FIFO, reads = false, writes = false;
	bool several = false, has_offset = false, is_deleted;
	char *deleted;
	size_t len;
	int r;

	if (!key)
		return inventory_out_of_memory(scan);
	len = strlen(key);
	deleted = len > strlen(DELETED) ? key + len - strlen(DELETED) : NULL;
	is_deleted = deleted && !strcmp(deleted, DELETED);
	if (is_deleted)
		*deleted = '\0';
	for (size_t i = 0; i < scan->n_ends; i++) {
		struct inventory_end *other = &scan->ends[i];

		if (other->kind != end->kind || strncmp(other->path + 1, key, strlen(key)) ||
		    (other->path[1 + strlen(key)] &&
		     strcmp(other->path + 1 + strlen(key), DELETED)))
			continue;
		other->external = true;
		reads = reads || (other->flags & O_ACCMODE) != O_WRONLY;
		writes = writes || (other->flags & O_ACCMODE) != O_RDONLY;
		several = several || !inventory_same_description(end, other);
		has_offset = has_offset ||
			     ((other->flags & O_ACCMODE) != O_RDONLY && !(other->flags & O_APPEND));
	}
	if (fifo && reads && writes && !inventory_is_given(scan, end->dev, end->ino))
		return 0;
	/* CRIU would fill a pipe that still holds its bytes a second time. */
	if (fifo && reads && several)
		return inventory_refuse_end(scan, end,
					    "fd %d is the named pipe %s, opened several times and "
					    "also from outside the job, which cannot be carried; "
					    "open it once",
					    end->fd, end->path);
	if (several || (!fifo && inventory_is_mapped(scan, end->path))) {
		if (fifo || !given || !has_offset)
			return 0;
		return inventory_refuse_end(
			scan, end,
			"fd %d is the file %s, which was given to the job and is "
			"opened a second time by it, so that its offset cannot be "
			"kept common with the outside; append to it (\">>\") or "
			"open it once",
			end->fd, end->path);
	}
	if (!fifo && !given && !is_deleted && has_offset && !inventory_is_locked(scan, end) &&
	    inventory_may_be_program(end))
		return 0;
	r = inventory_add_external(scan, end, NULL, key);
	return r == -ESRCH ? 0 : r;
}

/* All descriptors of a terminal will share one, so it must do what any of them can. */
static int inventory_make_rdwr(struct inventory_scan *scan)
{
	struct inventory_external *ext = &scan->inv->externals[scan->inv->n_externals - 1];
	char path[32];
	int fd;

	if ((fcntl(ext->fd, F_GETFL) & O_ACCMODE) == O_RDWR)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ext->fd);
	fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	/* A terminal hung up meanwhile: the duplicate will do for what is left of it. */
	if (fd < 0)
		return 0;
	close(ext->fd);
	ext->fd = fd;
	return 0;
}

static int inventory_resolve_tty(struct inventory_scan *scan, struct inventory_end *end)
{
	struct inventory_end *best = end;
	bool own = end->rdev == makedev(5, 0); /* /dev/tty: whichever terminal the session has */
	char key[64];
	int r;

	for (size_t i = 0; i < scan->n_ends; i++) {
		struct inventory_end *other = &scan->ends[i];

		if (other->kind == INVENTORY_PTMX && (own || other->index == end->index))
			return 0;
		if (other->kind != INVENTORY_TTY || other->rdev != end->rdev ||
		    other->dev != end->dev)
			continue;
		other->external = true;
		if ((other->flags & O_ACCMODE) == O_RDWR)
			best = other;
	}
	snprintf(key, sizeof(key), "tty[%" PRIx64 ":%" PRIx64 "]", end->rdev, end->dev);
	r = inventory_add_external(scan, best, key, key);
	if (r == 0)
		r = inventory_make_rdwr(scan);
	return r == -ESRCH ? 0 : r;
}

int inventory_resolve_ends(struct inventory_scan *scan)
{
	for (size_t i = 0; i < scan->n_ends; i++) {
		struct inventory_end *end = &scan->ends[i];
		bool given = inventory_is_given(scan, end->dev, end->ino);
		int r = 0;

		/* Marked: resolved already, together with another of the same thing. */
		if (end->external)
			continue;
		if (end->kind == INVENTORY_PIPE)
			r = inventory_resolve_pipe(scan, end);
		else if (end->kind == INVENTORY_FIFO || end->kind == INVENTORY_FILE)
			r = inventory_resolve_file(scan, end, given);
		else if (end->kind == INVENTORY_TTY)
			r = inventory_resolve_tty(scan, end);
		if (r < 0)
			return r;
	}
	return 0;
}
