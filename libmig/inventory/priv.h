/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - an inventory while it is taken, shared by the files of inventory/
 *
 * A scan visits each process once. Memory without a named file is noted as an "end": only when all
 * processes are known it is clear whether a process outside the tree has it too.
 *
 *	inventory.c         the order of all steps
 *	tree.c              the processes of the tree
 *	process.c           one process: its state, the order of its checks
 *	task.c              its threads; their attributes that CRIU does not carry
 *	cpuset.c            the CPUs of its cpuset
 *	namespace.c         namespaces
 *	fd.c                descriptors
 *	object.c            descriptors whose state decides
 *	flight.c            descriptors that wait in sockets
 *	lock.c              file locks, and processes that could take them
 *	reach.c             files that root cannot read
 *	limit.c             resource limits that leave CRIU no room
 *	share.c             what processes share, and threads do not
 *	timer.c             timers that cannot be created again
 *	serve.c             file systems that the tree serves itself
 *	map.c               mappings; memory shared with other processes
 *	frozen.c            checks of the frozen tree
 *	barred.c            files that the target may not use
 *
 * A process that ends during the scan is left out.
 */
#ifndef VC_LIBMIG_INVENTORY_PRIV_H
#define VC_LIBMIG_INVENTORY_PRIV_H

#include <sys/stat.h>

#include "libmig/inventory/inventory.h"

#define INVENTORY_PID_LIMIT (1 << 22) /* the kernel's PID_MAX_LIMIT */
#define INVENTORY_STATUS 4096         /* bytes of a status without a long list of groups */

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

/* The process that is scanned. */
struct inventory_proc {
	pid_t pid;
	char name[64];
	char state;
	unsigned int n_threads;
	bool long_status; /* its list of groups is long */
	int dirfd;        /* /proc/PID */
};

/* A private mapping that is too large for CRIU if parent and child share it. */
struct inventory_huge {
	pid_t pid;
	uint64_t start;
};
#define INVENTORY_HUGE_MAX 16 /* a sanitizer has one in each process */

/* An open file description of a terminal. */
struct inventory_terminal {
	dev_t rdev;
	pid_t pid;
	int fd;
};
#define INVENTORY_TERMINALS_MAX 64

/* A connection to FUSE: the process serves a file system. */
struct inventory_served {
	pid_t pid;
	unsigned int minor; /* the file system's minor device number; 0: not known */
};

struct inventory_scan {
	struct inventory *inv;
	pid_t root;
	uint8_t *in_tree; /* a bit for each PID */
	struct inventory_end *ends;
	size_t n_ends;
	struct inventory_locks locks;
	struct inventory_huge huge[INVENTORY_HUGE_MAX];
	size_t n_huge;
	struct inventory_terminal terminals[INVENTORY_TERMINALS_MAX];
	size_t n_terminals;
	struct inventory_served served[16];
	size_t n_served;
	char (*own_ns)[64], (*root_ns)[64]; /* of namespace.c */
	char *root_groups;                  /* the root's control groups */
	struct inventory_cpuset *cpuset;    /* of cpuset.c: the last one read */
	pid_t last;                         /* the process before; 0: none */
	struct vc_err *err;
};

struct refusal;

/* Writes the error "pid 12 (name): " and the sentence. Returns -EOPNOTSUPP. */
int inventory_refuse(struct inventory_scan *scan, const struct inventory_proc *proc,
		     const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int inventory_refuse_end(struct inventory_scan *scan, const struct inventory_end *end,
			 const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same about a descriptor. link: the text of its link in /proc. */
int inventory_fd_refuse(struct inventory_scan *scan, const struct inventory_proc *proc, int fd,
			const char *link, const struct refusal *why);
/* Writes the error. Returns -ENOMEM. */
int inventory_out_of_memory(struct inventory_scan *scan);

bool inventory_has_pid(const struct inventory_scan *scan, pid_t pid);
/* Reads a short file of /proc with one read(), which is enough. Returns the length or -errno. */
ssize_t inventory_read(int dirfd, const char *path, char *buf, size_t size);

/* A bit for each PID: half a megabyte of address space of which a few pages are touched. NULL
 * without memory. */
uint8_t *inventory_tree_bits_new(void);
void inventory_tree_bits_free(uint8_t *bits); /* NULL is accepted */

/* Each of the following returns 0 or -errno with the error written, -EOPNOTSUPP if it refuses the
 * tree, and -ESRCH without an error if the process has ended. */

/* Scans a process. */
int inventory_process_scan(struct inventory_scan *scan, pid_t pid);
/* Reads the state of a thread. Refuses a thread that is traced. */
int inventory_process_read_thread(struct inventory_scan *scan, const struct inventory_proc *proc,
				  pid_t tid, char *ret_state);
/* Notes all threads of a process. */
int inventory_task_scan(struct inventory_scan *scan, const struct inventory_proc *proc);

int inventory_namespace_read_own(struct inventory_scan *scan);
int inventory_namespace_check(struct inventory_scan *scan, const struct inventory_proc *proc);
int inventory_namespace_check_thread(struct inventory_scan *scan, const struct inventory_proc *proc,
				     pid_t tid);
/* Returns whether the tree is in the namespace with this link ("net:[123]"). */
bool inventory_namespace_is_known(const struct inventory_scan *scan, const char *text);
void inventory_namespace_done(struct inventory_scan *scan);

int inventory_fd_scan(struct inventory_scan *scan, const struct inventory_proc *proc);
/* Checks a descriptor with this link. fds: the process's descriptors, as a directory. */
int inventory_object_check(struct inventory_scan *scan, const struct inventory_proc *proc, int fds,
			   int fd, const char *link);
int inventory_object_check_directory(struct inventory_scan *scan, const struct inventory_proc *proc,
				     int fd, const char *link);

int inventory_map_scan(struct inventory_scan *scan, const struct inventory_proc *proc);
/* Notes memory without a file once, and adds its size. */
int inventory_map_note_shared(struct inventory_scan *scan, enum inventory_kind kind, pid_t pid,
			      int fd, const struct stat *st);
/* Refuses memory that a process outside the tree has too, when all processes are scanned. */
int inventory_map_resolve(struct inventory_scan *scan);

/* Refuses a process whose resource limits leave no room for what CRIU puts into it. */
int inventory_limit_check(struct inventory_scan *scan, const struct inventory_proc *proc);
/* Refuses a process with a timer that cannot be created again. */
int inventory_timer_check(struct inventory_scan *scan, const struct inventory_proc *proc);

/* Refuses a process that shares with another one what CRIU cannot restore as shared. */
int inventory_share_check(struct inventory_scan *scan, const struct inventory_proc *proc);
/* Refuses a process that is in another control group than the root. */
int inventory_share_check_groups(struct inventory_scan *scan, const struct inventory_proc *proc);
/* Refuses a process that sends its parent another signal than SIGCHLD at its end. */
int inventory_share_check_exit_signal(struct inventory_scan *scan,
				      const struct inventory_proc *proc);
/* Refuses a thread that does not share what CRIU restores as shared. */
int inventory_share_check_thread(struct inventory_scan *scan, const struct inventory_proc *proc,
				 pid_t tid);

/* Longer paths are not shown by the kernel, or not read by CRIU in a line of maps. */
#define INVENTORY_PATH_MAX 4095
#define INVENTORY_MAP_PATH_MAX 4000
/* Refuses a file whose path is longer than max bytes. what: "a file that it has open" */
int inventory_reach_refuse_length(struct inventory_scan *scan, const struct inventory_proc *proc,
				  const char *what, int max);
/* Refuses a file by the errno of an access to it; 0: no reason to refuse. what: "fd 3" */
int inventory_reach_check(struct inventory_scan *scan, const struct inventory_proc *proc,
			  const char *what, const char *path, int error);
/* Refuses a program that cannot be executed any more. */
int inventory_reach_check_program(struct inventory_scan *scan, const struct inventory_proc *proc);

/* Notes a descriptor of /dev/fuse. */
void inventory_serve_note(struct inventory_scan *scan, const struct inventory_proc *proc, int fd);
/* Refuses files of the file systems that were noted. */
int inventory_serve_check(struct inventory_scan *scan);

/* Adds the POSIX lock that the text of /proc/PID/fdinfo/FD shows, if there is one. 0 or -ENOMEM. */
int inventory_lock_note(struct inventory_locks *list, const char *fdinfo, pid_t pid, int fd,
			const struct stat *st);
/* Refuses locks that a process outside the tree (pids) could take. */
int inventory_lock_check(const struct inventory_lock *locks, size_t n, const pid_t *pids,
			 size_t n_pids, struct vc_err *err);

/* Returns the CPUs of the process's cpuset, valid until the next call; NULL: not known. */
const struct cpu_mask *inventory_cpuset_of(struct inventory_scan *scan,
					   const struct inventory_proc *proc);

#endif
