/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inventory-priv.h - one inventory being taken, shared by the inventory-*.c files
 *
 * A scan visits each process once and notes every descriptor that might lead out
 * of the tree as an "end". What an end is (inside, external, a blocker) can only
 * be said when all are known, so the resolvers run after the last process.
 *
 *	inventory.c         the walk over the tree, the order of things
 *	inventory-task.c    one process: state, namespaces, threads; putting back
 *	inventory-fd.c      its descriptors; pipes, terminals and files resolved
 *	inventory-socket.c  sockets; unix sockets resolved
 *	inventory-lock.c    file locks, and who could take them
 *	inventory-frozen.c  the inventory held against the frozen tree
 *	inventory-limit.c   resource limits that leave CRIU no room
 *	inventory-map.c     mappings; memory shared with outsiders
 *	inventory-path.c    names that the restore removes or makes
 *
 * A process that ends while it is looked at is no error: it is left out.
 */
#ifndef VC_LIBMIG_INVENTORY_PRIV_H
#define VC_LIBMIG_INVENTORY_PRIV_H

#include <sys/stat.h>

#include "libmig/inventory.h"

#define INVENTORY_PID_LIMIT (1 << 22) /* the kernel's PID_MAX_LIMIT */

enum inventory_kind {
	INVENTORY_PIPE,
	INVENTORY_FIFO,
	INVENTORY_UNIX,
	INVENTORY_PTMX,
	INVENTORY_TTY,
	INVENTORY_FILE,
	INVENTORY_MEMFD,
	INVENTORY_ANON_SHARED, /* a mapping without a file, or /dev/zero */
	INVENTORY_SYSV,
};

/* A file lock of any kind, held by means of a descriptor. */
struct inventory_lock {
	pid_t pid;
	int fd;
	uint64_t dev, ino;
};

struct inventory_locks {
	struct inventory_lock *all;
	size_t n;
};

/* A descriptor (fd -1: a mapping) of one process that may have another end. */
struct inventory_end {
	enum inventory_kind kind;
	bool external;
	pid_t pid;
	int fd;
	unsigned int flags; /* open(2) */
	uint64_t dev, ino;
	uint64_t rdev;      /* TTY */
	unsigned int index; /* PTMX and TTY slaves: number in /dev/pts; UINT_MAX: none */
	char *path;         /* FILE, FIFO */
};

/* The process looked at. */
struct inventory_proc {
	pid_t pid;
	char name[64];
	char state;
	unsigned int n_threads;
	int dirfd; /* /proc/PID */
};

/* A private mapping too large for CRIU to restore as shared with a parent or child. */
struct inventory_huge {
	pid_t pid;
	uint64_t start;
};
#define INVENTORY_HUGE_MAX 16 /* looked at; a sanitizer has one in each process */

struct inventory_scan {
	struct inventory *inv;
	pid_t root;
	uid_t uid; /* whose job it is */
	const struct inventory_given *given;
	size_t n_given;
	uint8_t *in_tree; /* a bit a pid */
	struct inventory_end *ends;
	size_t n_ends, ends_size;
	struct inventory_locks locks;
	struct inventory_huge huge[INVENTORY_HUGE_MAX];
	size_t n_huge;
	char (*own_ns)[64], (*root_ns)[64]; /* indexed as inventory_ns[] */
	struct inventory_cpuset *cpuset;    /* the last one read */
	struct vc_err *err;
};

/* "pid 12 (name): " and the sentence; -EOPNOTSUPP. */
int inventory_refuse(struct inventory_scan *scan, const struct inventory_proc *proc,
		     const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int inventory_refuse_end(struct inventory_scan *scan, const struct inventory_end *end,
			 const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* What was refused may be gone in a moment: -EAGAIN, with the same err. */
int inventory_not_now(struct inventory_scan *scan);
int inventory_out_of_memory(struct inventory_scan *scan);

bool inventory_has_pid(const struct inventory_scan *scan, pid_t pid);
bool inventory_is_given(const struct inventory_scan *scan, uint64_t dev, uint64_t ino);
/* NULL without memory. */
struct inventory_end *inventory_add_end(struct inventory_scan *scan,
					const struct inventory_end *end);
/* Duplicates the end's descriptor and adds an external; the keys are copied.
 * -ESRCH: the descriptor is closed by now. */
int inventory_add_external(struct inventory_scan *scan, const struct inventory_end *end,
			   const char *dump_key, const char *restore_key);
/* Refuses a name that the restore will remove or make, in a directory that the
 * job's user could replace. what: "the socket". */
int inventory_check_path(struct inventory_scan *scan, pid_t pid, int fd, const char *what,
			 const char *path);
/* The process's descriptor duplicated: the new fd or -errno. */
int inventory_dup_fd(pid_t pid, int fd);
/* Holds a file; fd is taken over, also on failure: -ENOMEM. */
int inventory_hold(struct inventory *inv, const char *path, size_t len, pid_t pid, int number,
		   int fd);
/* A short proc file with one read(), which is all it takes: the length or -errno. */
ssize_t inventory_read(int dirfd, const char *path, char *buf, size_t size);

/* A directory of numbers, without the calls that a DIR costs on top. */
struct inventory_dir {
	int fd;
	size_t at, len;
	char buf[2048] __attribute__((aligned(8)));
};
int inventory_dir_open(struct inventory_dir *dir, int dirfd, const char *path);
const char *inventory_dir_next(struct inventory_dir *dir); /* NULL: at the end */
void inventory_dir_close(struct inventory_dir *dir);

/* The value of "key:" in a proc file's text; NULL: not there. */
const char *inventory_field(const char *text, const char *key);

/* Each returns 0, or -errno with the error written. */
int inventory_scan_process(struct inventory_scan *scan, pid_t pid);
int inventory_scan_fds(struct inventory_scan *scan, struct inventory_proc *proc);
int inventory_scan_socket(struct inventory_scan *scan, struct inventory_proc *proc, int fd,
			  uint64_t ino);
int inventory_scan_maps(struct inventory_scan *scan, struct inventory_proc *proc);
int inventory_scan_tasks(struct inventory_scan *scan, struct inventory_proc *proc);
int inventory_resolve_ends(struct inventory_scan *scan);
int inventory_resolve_sockets(struct inventory_scan *scan);
int inventory_resolve_memory(struct inventory_scan *scan);
/* For a frozen tree: a TCP socket must have one of the ports known, and no connection
 * waiting in its queue. 0, or -EAGAIN with err. */
int inventory_check_frozen_socket(const struct inventory *inv, pid_t pid, int fd,
				  struct vc_err *err);
/* Adds what the text of /proc/PID/fdinfo/N says of a lock, if anything; -ENOMEM. */
int inventory_note_lock(struct inventory_locks *list, const char *fdinfo, pid_t pid, int fd,
			const struct stat *st);
/* Whether the tree (pids) can be moved with these locks; -EOPNOTSUPP, with err. */
int inventory_check_locks(const struct inventory_lock *locks, size_t n, const pid_t *pids,
			  size_t n_pids, struct vc_err *err);
/* Refuses a process whose resource limits leave no room for what CRIU puts into it. */
int inventory_check_limits(struct inventory_scan *scan, const struct inventory_proc *proc);
int inventory_read_own_namespaces(struct inventory_scan *scan);
/* Whether a namespace ("net:[123]") is one the tree lives in. */
bool inventory_is_namespace(const struct inventory_scan *scan, const char *text);
void inventory_forget_tasks(struct inventory_scan *scan);
/* Notes an unlinked file (st) and what its dump will need. */
void inventory_note_unlinked(struct inventory_scan *scan, const struct stat *st);
/* Notes memory without a file once, and its size. */
int inventory_note_shared(struct inventory_scan *scan, enum inventory_kind kind, pid_t pid, int fd,
			  const struct stat *st);

#endif
