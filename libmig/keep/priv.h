/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - one tree's objects being taken, shared by the keep-*.c files
 *
 *	keep.c        the order of things; duplicates; what becomes of them
 *	kind.c        which kinds are kept, and which CRIU has to make anew
 *	map.c         mapped files, programs, directories
 *	image.c       the images, read and changed
 *	owner.c       who gets a file's signals
 *	follow.c files of processes and groups
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
	KEEP_NOT,  /* CRIU makes it anew, from what the images say of it */
	KEEP_KEPT, /* the very object */
};

/* An open file description, or a file that is mapped, executed, or a current directory. */
struct keep_file {
	uint32_t id; /* in the images */
	unsigned int type;
	pid_t pid;  /* who has a descriptor of it; 0: nobody */
	int number; /* which one */
	enum keep_how how;
	bool bound; /* who waits for it by epoll is bound to the old processes */
	bool mapped, directory;
	bool writable;       /* mapped: as by a descriptor that may write */
	bool written_shared; /* mapped so that writing to it changes the file */
	uint32_t twin;       /* of which it is the writable one; 0: it is in the images itself */
	char link[64];       /* mapped: the kernel's link to it */
	int fd;              /* ours; -1: not taken */
	int home;  /* it is of another group, and this is the one that it was of; -1: it is not */
	bool proc; /* of a process of the tree, in /proc */
	struct f_owner_ex owner;
	uid_t owner_uids[2];
	uint8_t *entry; /* in files.img */
	size_t len;
};

/* A table of descriptors, and a process that has it. */
struct keep_table {
	uint32_t number;
	pid_t pid;
	uint8_t *data; /* fdinfo-NUMBER.img */
	size_t size;
};

struct keep_scan {
	int dirfd;
	const pid_t *pids;
	size_t n_pids;
	const pid_t *numbers; /* of processes, threads and groups of the tree */
	size_t n_numbers;
	keep_follow_fn *follow;
	void *follow_ctx;
	struct keep_table *tables;
	size_t n_tables;
	struct keep_file *files; /* sorted by id up to n_sorted; those behind are twins */
	size_t n, n_sorted, size;
	uint32_t last_id;
	struct keep_ended *ended;
	size_t n_ended;
	uint8_t *data; /* files.img */
	size_t data_size;
	int pidfd; /* of the process that was looked at last */
	pid_t pidfd_pid;
	struct vc_err *err;
};

struct keep {
	struct keep_object *objects;
	struct keep_owner {
		int fd; /* of the object */
		struct f_owner_ex owner;
		uid_t uids[2]; /* real, effective, when it was set */
	} * owners;
	struct keep_ended *ended;
	size_t n, n_owners, n_ended;
};

/* The file of that id; NULL: none. Not the twins. */
struct keep_file *keep_find(const struct keep_scan *scan, uint32_t id);
/* Room for one more; NULL: no memory. It is valid until the next call. */
struct keep_file *keep_add(struct keep_scan *scan);
int keep_no_memory(const struct keep_scan *scan);
bool keep_is_of_tree(const struct keep_scan *scan, pid_t pid);

/* kind.c: what is to be done with a file of which we have a duplicate. 0, or -errno with
 * scan->err: it stands in the way. */
int keep_kind_decide(const struct keep_scan *scan, struct keep_file *file);
/* Whether the path behind our descriptor is one of /proc that ends with a process of the tree. */
bool keep_kind_is_proc_of_tree(const struct keep_scan *scan, int fd);
/* An epoll instance is kept if nothing in it is bound. After all are decided. */
void keep_kind_decide_epolls(struct keep_scan *scan);

/* image.c: each 0 or -errno with scan->err. */
int keep_image_read(struct keep_scan *scan);
int keep_image_write(struct keep_scan *scan);

/* map.c: notes what is mapped and changes the images of the mappings; then opens it. */
int keep_map_note(struct keep_scan *scan);
int keep_map_open(struct keep_scan *scan);

/* follow.c: the file of the same name in the group that the tree goes to, if it is one of a
 * group. Then whether criu may open the files of /proc again. Each 0 or -errno with scan->err. */
int keep_follow(struct keep_scan *scan, struct keep_file *file);
int keep_follow_check(const struct keep_scan *scan);
/* Where it is in /proc; false: it is not of a process of the tree. */
bool keep_follow_path(const struct keep_file *file, char ret[static PATH_MAX]);

/* ended.c: notes a dead process. 0 or -errno with scan->err. */
int keep_ended_note(struct keep_scan *scan, pid_t pid);

/* owner.c */
void keep_owner_read(struct keep_file *file);

#endif
