/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inventory.h - what a process tree consists of, and what in it stands in a move's way
 *
 * Read from /proc while the job runs; nothing is frozen, nothing is changed. It
 * answers three questions: can CRIU carry this tree at all (if not: which
 * descriptor, mapping, socket, namespace of which process, and what to do about
 * it); which descriptors lead out of the job, and so must be handed to the
 * restore; which special treatment the dump needs.
 */
#ifndef VC_LIBMIG_INVENTORY_H
#define VC_LIBMIG_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

/* A descriptor whose other end, or whose open file, is shared with the outside. */
struct inventory_external {
	/* CRIU's names for it: dump_key for the dump's "external" list (NULL: none
	 * is needed), restore_key for the restore's inherit_fd. Examples:
	 *   pipe:    NULL,               "pipe:[1234]"
	 *   socket:  "unix[1234]",       "socket:[1234]"
	 *   pty:     "tty[8801:f]",      "tty[8801:f]"     (hex rdev:dev)
	 *   file:    NULL,               "tmp/out.log"      (path without the first slash)
	 */
	char *dump_key;
	char *restore_key; /* NULL: not handed over after all */
	int fd;            /* our own duplicate of it (pidfd_getfd), CLOEXEC; owned */
};

/* A file that the restore opens by its path, held in case that this leads elsewhere
 * by then. Of a descriptor, or (pid 0) a mapping, program or current directory. */
struct inventory_held {
	char *path;
	pid_t pid;
	int number;  /* of the descriptor in pid */
	bool writes; /* a mapping: it must be open for writing when it is handed over */
	int fd;      /* ours, CLOEXEC; owned */
};

/* What CRIU does not carry and the mover puts back, per thread. */
struct inventory_task {
	pid_t pid;
	pid_t tid;
	int ioprio;                   /* ioprio_get() */
	uint64_t timerslack_nsec;     /* /proc/PID/timerslack_ns of the thread; 0: unknown */
	unsigned int coredump_filter; /* per process */
	unsigned int
		n_cpus_allowed; /* of the CPUs of its cpuset; all of them: nothing to put back */
	uint32_t *cpu_index; /* positions, within the cpuset's sorted CPUs, of those allowed; NULL
				when all */
};

struct inventory {
	pid_t *pids; /* the tree, root first, zombies included */
	size_t n_pids;
	struct inventory_task *tasks; /* all threads that are not zombies */
	size_t n_tasks;
	size_t n_files, n_mappings; /* counted in each process */
	size_t n_computing; /* threads that had or wanted a CPU */
	struct inventory_external *externals;
	size_t n_externals;
	struct inventory_held *held;
	size_t n_held;
	uint64_t mem_bytes; /* to be dumped, about: anonymous + private file + shared memory of the
			       job's own */
	bool tcp_established; /* there are connected TCP sockets */
	uint16_t *tcp_ports;  /* local ports of these and of those that listen, sorted */
	size_t n_tcp_ports;
	bool file_locks;      /* the tree holds flock or POSIX locks or leases */
	uint64_t ghost_bytes; /* size of the largest unlinked file open or mapped; 0: none */
	bool link_remap;      /* unlinked files of which another link exists */
	bool ext_unix_sk; /* datagram sockets connected to named ones outside: CRIU connects anew */
	bool shell_job;   /* the session of the root is led from outside the tree */
};

/* A file, pipe, socket or terminal by fstat(). */
struct inventory_given {
	uint64_t dev, ino;
};

/* A file that may not come along to where the tree is to go. */
struct inventory_barred {
	uint64_t dev, ino;
	const char *what; /* "the region frames" */
	const char *why;  /* a half sentence, with the remedy */
};

/*
 * root: the tree's root (a session leader); uid: whose job it is. given: what the job was given at
 * its start and shares with the outside, n_given of them; it counts as external even when both ends
 * of it are in the tree.
 *
 * External are: pipes and named pipes given, or of which the tree holds one
 * direction only; unix sockets given or connected to the outside, and those in
 * the tree connected to such a one; terminals whose master is not in the tree;
 * given files, if the tree has one open file description of that path.
 *
 * Not seen: descriptors in flight in a unix socket, and an outsider's duplicate
 * of something that was not given and has both ends in the tree.
 *
 * 0: the tree can be moved and *ret is filled; free with inventory_free().
 * -EOPNOTSUPP: it cannot, or not right now; err names the process ("pid 123
 * (name)"), the thing and the remedy. -ESRCH: root has ended. Other: /proc could
 * not be read. Not thread-safe; needs root.
 */
int inventory_take(pid_t root, uid_t uid, const struct inventory_given *given, size_t n_given,
		   struct inventory **ret, struct vc_err *err);
void inventory_free(struct inventory *inv);

/*
 * For the frozen tree, its processes in pids: what has changed since the inventory
 * was taken. Duplicates of files that it has closed or replaced lose their
 * restore_key; descriptors that will be opened by path are held. With err:
 * -EAGAIN, it may not be moved now; -EOPNOTSUPP, a lock stands in the way.
 */
int inventory_check_frozen(struct inventory *inv, const pid_t *pids, size_t n, struct vc_err *err);

/* Lets go of the held descriptors: the tree is about to run, and might execute what it has
 * written. */
void inventory_let_go(struct inventory *inv);

/* -EOPNOTSUPP: one of the processes has a barred file open or mapped; err says which. */
int inventory_check_barred(const pid_t *pids, size_t n_pids, const struct inventory_barred *barred,
			   size_t n, struct vc_err *err);

/* All processes of the tree, root first, by /proc/…/children; for a frozen or
 * quiet tree. The caller frees *ret. */
int inventory_pids(pid_t root, pid_t **ret, size_t *ret_n, struct vc_err *err);

/* Puts back what the tasks lost; cpus is the new cpuset's list. Best effort per
 * task; -errno of the first failure, with err, after all were tried. */
int inventory_put_back(const struct inventory *inv, const char *cpus, struct vc_err *err);

#endif
