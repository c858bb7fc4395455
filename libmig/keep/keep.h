/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keep.h - the kernel objects of a frozen tree, kept for its next life (libmig's own)
 *
 * A descriptor that is made anew can come out different. So a move makes none anew that
 * it can keep: at the commit point the mover takes a duplicate of each open file
 * description of the frozen tree, and opens each mapped file, program and directory through the
 * kernel's own links to them. The images then name these objects, and not paths, and CRIU puts
 * the objects in place. Sockets keep their options, queues and owners, files their
 * offsets and locks, timers their time; and nobody can put another file into a path's place.
 */
#ifndef VC_LIBMIG_KEEP_H
#define VC_LIBMIG_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct keep;

/* A kept object, and our duplicate of it. */
struct keep_object {
	uint32_t id;  /* in the images */
	bool mapped;  /* CRIU asks for it by a name, which is its id; else its modules, by the id */
	int fd;       /* CLOEXEC */
	int home;     /* the same file in the group that the tree came from; -1: it is of none */
	pid_t leader; /* whose controlling terminal it is; 0: nobody's */
};

/* A dead process of the tree that its parent has not waited for. */
struct keep_ended {
	int32_t pid, code;       /* as wait(2) has it */
	uint32_t uid[3], gid[3]; /* real, effective, saved */
};

/* The path in the target's groups of one in the source's; false: it is in none of these. */
typedef bool keep_follow_fn(const char *path, char *ret, size_t size, void *ctx);

struct keep_tree {
	const pid_t *pids;
	size_t n_pids;
	const pid_t *numbers; /* pids_numbers(): of its threads and groups too */
	size_t n_numbers;
	keep_follow_fn *follow; /* NULL: there are no groups */
	void *follow_ctx;
};

/*
 * Takes what the frozen tree has, and changes the images in dirfd so that
 * a restore asks for it. To be called once, when the images are complete and nothing has
 * read them. On success the images are of use only as long as *ret lives. -errno, with err: an
 * object could not be taken; the images must not be used then.
 */
int keep_take(int dirfd, const struct keep_tree *tree, struct keep **ret, struct vc_err *err);
void keep_free(struct keep *keep); /* NULL is accepted */

size_t keep_count(const struct keep *keep); /* NULL: 0 */
const struct keep_object *keep_object(const struct keep *keep, size_t i);

size_t keep_count_ended(const struct keep *keep); /* NULL: 0 */
const struct keep_ended *keep_ended(const struct keep *keep, size_t i);

/* Whether the memory behind a descriptor was sealed against writable mappings made from now on
 * (F_SEAL_FUTURE_WRITE); and how that sentence goes on. */
bool keep_map_is_sealed(int fd);
#define KEEP_SEALED                                                                                \
	"was sealed afterwards (F_SEAL_FUTURE_WRITE), so it cannot be mapped writable again, and " \
	"cannot be carried; unmap it, or make it read-only before it is sealed"

/* The tree does not go to another place after all: its files of groups are those that it had. */
void keep_stay(struct keep *keep);
void keep_set_leader(struct keep *keep, size_t i, pid_t leader);

/*
 * For the restored tree, before it runs: the owners of its files, who get SIGIO and the like, are
 * processes of the tree again where they were, with the user ids that they had.
 */
int keep_owner_put_back(const struct keep *keep, struct vc_err *err);

#endif
