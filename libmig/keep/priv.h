/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - the objects of a tree while they are taken, shared by the files of keep/
 *
 *	keep.c        the order of all steps; duplicates of descriptors
 *	kind.c        which kinds are kept, and which ones CRIU creates again
 *	map.c         mapped files, programs, directories
 *	image.c       the images, read and changed
 *	owner.c       the processes that get a file's signals
 *	follow.c      files of processes and control groups
 *	ended.c       zombies
 */
#ifndef VC_LIBMIG_KEEP_PRIV_H
#define VC_LIBMIG_KEEP_PRIV_H

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "libmig/image/priv.h"
#include "libmig/keep/keep.h"

/* CRIU's numbers of the types of files, in FileEntry and FdinfoEntry */
enum keep_type {
	KEEP_REG = 1,
	KEEP_EVENTPOLL = 7,
	KEEP_SIGNALFD = 9,
	KEEP_EXT = 16,
	KEEP_PIDFD = 20,
};

enum keep_how {
	KEEP_NOT,  /* CRIU creates it again from the images */
	KEEP_KEPT, /* the object itself is kept */
};

/* An open file description, or a file that is mapped, executed, or a current or root directory. */
struct keep_file {
	uint32_t id; /* in the images */
	unsigned int type;
	pid_t pid;  /* a process that has a descriptor of it; 0: none */
	int number; /* of this descriptor */
	enum keep_how how;
	bool bound; /* an epoll instance with it is bound to the old processes */
	bool mapped, directory;
	bool writable;       /* mapped from a descriptor for writing */
	bool written_shared; /* a mapping of it writes to the file */
	uint32_t twin;       /* id of the file of which this is the writable twin; 0: none */
	char link[64];       /* mapped: the kernel's link */
	int fd;              /* the mover's duplicate; -1: none */
	int home;  /* the file of the source's group, if fd is that of the target's; -1: none */
	bool proc; /* a file in /proc of a process of the tree */
	struct f_owner_ex owner;
	uid_t owner_uids[2];
	uint8_t *entry; /* in files.img */
	size_t len;
};

/* A table of descriptors, and a process that uses it. */
struct keep_table {
	uint32_t number;
	pid_t pid;
	struct image fds; /* fdinfo-NUMBER.img */
};

struct keep_scan {
	int dirfd;
	const pid_t *pids;
	size_t n_pids;
	const pid_t *numbers; /* of processes, threads and process groups of the tree */
	size_t n_numbers;
	keep_follow_fn *follow;
	void *follow_ctx;
	struct keep_table *tables;
	size_t n_tables;
	struct keep_file *files; /* n_sorted files sorted by id, then twins */
	size_t n, n_sorted;
	uint32_t last_id;
	struct keep_ended *ended;
	size_t n_ended;
	struct image image; /* files.img */
	int pidfd;          /* of the last process */
	pid_t pidfd_pid;
	struct vc_err *err;
};

struct keep {
	struct keep_object *objects;
	struct keep_owner {
		int fd; /* the object's */
		struct f_owner_ex owner;
		uid_t uids[2]; /* real and effective, of the process that set it */
	} * owners;
	struct keep_ended *ended;
	size_t n, n_owners, n_ended;
};

/* Returns the file with that id, but no twin; NULL: there is none. */
struct keep_file *keep_find(const struct keep_scan *scan, uint32_t id);
/* Adds a file. It is valid until the next call. NULL without memory. */
struct keep_file *keep_add(struct keep_scan *scan);
/* Writes the error. Returns -ENOMEM. */
int keep_no_memory(const struct keep_scan *scan);
/* Returns whether it is the number of a process, thread or process group of the tree. */
bool keep_is_of_tree(const struct keep_scan *scan, pid_t pid);

/* Each of the following with a result returns 0, or -errno with scan->err. */

/* Decides whether a file with a duplicate is kept. -EOPNOTSUPP: it prevents the move. */
int keep_kind_decide(const struct keep_scan *scan, struct keep_file *file);
/* Returns whether the descriptor is of a file in /proc of a process of the tree. */
bool keep_kind_is_proc_of_tree(const struct keep_scan *scan, int fd);
/* Decides about epoll instances, when all other files are decided. */
void keep_kind_decide_epolls(struct keep_scan *scan);

int keep_image_read(struct keep_scan *scan);
int keep_image_write(struct keep_scan *scan);

/* Notes mapped files, and changes the images of the mappings. */
int keep_map_note(struct keep_scan *scan);
/* Opens the mapped files. */
int keep_map_open(struct keep_scan *scan);

/* Replaces a file of the source's control group by that of the target's. */
int keep_follow(struct keep_scan *scan, struct keep_file *file);
/* Checks that criu may open the files in /proc again. */
int keep_follow_check(const struct keep_scan *scan);
/* Reads the path of a file in /proc. Returns false when it is not of a process of the tree. */
bool keep_follow_path(const struct keep_file *file, char ret[static PATH_MAX]);

/* Notes a zombie. */
int keep_ended_note(struct keep_scan *scan, pid_t pid);

void keep_owner_read(struct keep_file *file);

#endif
