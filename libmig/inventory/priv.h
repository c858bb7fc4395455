/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - one inventory being taken, shared by the inventory-*.c files
 *
 * A scan visits each process once. Memory without a file of a name is noted as an "end":
 * whether somebody outside has it too can only be said when all processes are known.
 *
 *	inventory.c         the walk over the tree, the order of things
 *	task.c              one process: state, namespaces, threads; putting back
 *	fd.c                its descriptors
 *	object.c            descriptors whose state decides
 *	lock.c              file locks, and who could take them
 *	frozen.c            locks of the frozen tree
 *	reach.c             files that root is refused
 *	limit.c             resource limits that leave CRIU no room
 *	share.c             what processes share, and threads do not
 *	timer.c             timers that cannot be made again
 *	serve.c             file systems that the tree serves itself
 *	map.c               mappings; memory shared with outsiders
 *
 * A process that ends while it is looked at is no error: it is left out.
 */
#ifndef VC_LIBMIG_INVENTORY_PRIV_H
#define VC_LIBMIG_INVENTORY_PRIV_H

#include <sys/stat.h>

#include "libmig/inventory/inventory.h"

#define INVENTORY_PID_LIMIT (1 << 22) /* the kernel's PID_MAX_LIMIT */

enum inventory_kind {
	INVENTORY_MEMFD,
	INVENTORY_ANON_SHARED, /* a mapping without a file, or /dev/zero */
	INVENTORY_SYSV,
};

/* A POSIX lock, which goes with any descriptor of the file in its process. */
struct inventory_lock {
	pid_t pid;
	int fd;
	uint64_t dev, ino;
};

struct inventory_locks {
	struct inventory_lock *all;
	size_t n;
};

/* A descriptor (fd -1: a mapping) of one process. */
struct inventory_end {
	enum inventory_kind kind;
	pid_t pid;
	int fd;
	uint64_t dev, ino;
};

/* The process looked at. */
struct inventory_proc {
	pid_t pid;
	char name[64];
	char state;
	unsigned int n_threads;
	bool long_status; /* its status is longer than most: it belongs to many groups */
	int dirfd;        /* /proc/PID */
};

/* A private mapping too large for CRIU to restore as shared with a parent or child. */
struct inventory_huge {
	pid_t pid;
	uint64_t start;
};
#define INVENTORY_HUGE_MAX 16 /* looked at; a sanitizer has one in each process */

/* A terminal that was opened once, of which there may be so many. */
struct inventory_terminal {
	dev_t rdev;
	pid_t pid;
	int fd;
};
#define INVENTORY_TERMINALS_MAX 64

/* A connection to FUSE. */
struct inventory_served {
	pid_t pid;
	unsigned int minor; /* of the file system; 0: not known */
};

struct inventory_scan {
	struct inventory *inv;
	pid_t root;
	uint8_t *in_tree; /* a bit a pid */
	struct inventory_end *ends;
	size_t n_ends, ends_size;
	struct inventory_locks locks;
	struct inventory_huge huge[INVENTORY_HUGE_MAX];
	size_t n_huge;
	struct inventory_terminal terminals[INVENTORY_TERMINALS_MAX];
	size_t n_terminals;
	struct inventory_served served[16];
	size_t n_served;
	char (*own_ns)[64], (*root_ns)[64]; /* indexed as inventory_ns[] */
	char *root_groups;                  /* the root's control groups */
	struct inventory_cpuset *cpuset;    /* the last one read */
	pid_t last;                         /* the process looked at before; 0: none */
	struct vc_err *err;
};

/* "pid 12 (name): " and the sentence; -EOPNOTSUPP. */
int inventory_refuse(struct inventory_scan *scan, const struct inventory_proc *proc,
		     const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int inventory_refuse_end(struct inventory_scan *scan, const struct inventory_end *end,
			 const char *fmt, ...) __attribute__((format(printf, 3, 4)));
struct refusal;
/* The same for a descriptor; link: what is behind it. */
int inventory_fd_refuse(struct inventory_scan *scan, const struct inventory_proc *proc, int fd,
			const char *link, const struct refusal *why);
int inventory_out_of_memory(struct inventory_scan *scan);

bool inventory_has_pid(const struct inventory_scan *scan, pid_t pid);
/* NULL without memory. */
struct inventory_end *inventory_add_end(struct inventory_scan *scan,
					const struct inventory_end *end);
/* A short proc file with one read(), which is all it takes: the length or -errno. */
ssize_t inventory_read(int dirfd, const char *path, char *buf, size_t size);

/* Each returns 0, or -errno with the error written. */
int inventory_process_scan(struct inventory_scan *scan, pid_t pid);
int inventory_fd_scan(struct inventory_scan *scan, struct inventory_proc *proc);
/* A descriptor (fds: the process's, as a directory) with this text behind it. */
int inventory_object_check(struct inventory_scan *scan, const struct inventory_proc *proc, int fds,
			   int fd, const char *link);
int inventory_object_check_directory(struct inventory_scan *scan, const struct inventory_proc *proc,
				     int fd, const char *link);
int inventory_timer_check(struct inventory_scan *scan, const struct inventory_proc *proc);
/* Notes a descriptor of /dev/fuse; then looks for files of what is served by it. */
int inventory_serve_note(struct inventory_scan *scan, const struct inventory_proc *proc, int fd);
int inventory_serve_check(struct inventory_scan *scan);
int inventory_map_scan(struct inventory_scan *scan, struct inventory_proc *proc);
int inventory_task_scan(struct inventory_scan *scan, struct inventory_proc *proc);
int inventory_map_resolve(struct inventory_scan *scan);
/* Adds what the text of /proc/PID/fdinfo/N says of a lock, if anything; -ENOMEM. */
int inventory_lock_note(struct inventory_locks *list, const char *fdinfo, pid_t pid, int fd,
			const struct stat *st);
/* Whether the tree (pids) can be moved with these locks; -EOPNOTSUPP, with err. */
int inventory_lock_check(const struct inventory_lock *locks, size_t n, const pid_t *pids,
			 size_t n_pids, struct vc_err *err);
/* Refuses a file that could not be looked at, by the errno of that; 0: no reason to. what: "fd 3"
 */
int inventory_reach_check(struct inventory_scan *scan, const struct inventory_proc *proc,
			  const char *what, const char *path, int error);
/* Refuses a process whose resource limits leave no room for what CRIU puts into it. */
int inventory_limit_check(struct inventory_scan *scan, const struct inventory_proc *proc);
/* Refuses a process that shares with another one what CRIU does not let it share. */
int inventory_share_check(struct inventory_scan *scan, const struct inventory_proc *proc);
/* Refuses a process that is in another control group than the root. */
int inventory_share_check_groups(struct inventory_scan *scan, const struct inventory_proc *proc);
/* Refuses a process whose end is told to its parent by another signal than SIGCHLD. */
int inventory_share_check_exit_signal(struct inventory_scan *scan,
				      const struct inventory_proc *proc);
/* Refuses a process with a thread that does not share what CRIU takes for shared. */
int inventory_share_check_thread(struct inventory_scan *scan, const struct inventory_proc *proc,
				 pid_t tid);
/* Refuses a file whose path is longer than max bytes. what: "a file that it has open" */
int inventory_reach_refuse_length(struct inventory_scan *scan, const struct inventory_proc *proc,
				  const char *what, int max);
/* Longer ones the kernel does not tell, and of those in a line of maps CRIU reads no more. */
#define INVENTORY_PATH_MAX 4095
#define INVENTORY_MAP_PATH_MAX 4000
/* Refuses a program that could not be executed any more. */
int inventory_reach_check_program(struct inventory_scan *scan, const struct inventory_proc *proc);
int inventory_namespace_read_own(struct inventory_scan *scan);
/* Whether a namespace ("net:[123]") is one the tree lives in. */
bool inventory_namespace_is_known(const struct inventory_scan *scan, const char *text);
void inventory_forget_tasks(struct inventory_scan *scan);
/* Notes memory without a file once, and its size. */
int inventory_map_note_shared(struct inventory_scan *scan, enum inventory_kind kind, pid_t pid,
			      int fd, const struct stat *st);

#endif
