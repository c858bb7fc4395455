/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keep.h - the kernel objects of a frozen tree, kept for the restored tree (libmig's own)
 *
 * A descriptor that is created again can be different. So a move creates only those that it cannot
 * keep. At the commit point the mover duplicates each open file description of the frozen tree, and
 * opens each mapped file, program and directory through the kernel's own links. The images then
 * name these objects instead of paths, and CRIU uses the objects. So sockets keep their options,
 * queues and owners, files their offsets and locks, and timers their time; and no process can
 * replace a file by changing a path.
 */
#ifndef VC_LIBMIG_KEEP_H
#define VC_LIBMIG_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/cleanup.h"
#include "common/err.h"

struct keep;

/* A kept object. */
struct keep_object {
	uint32_t id;  /* in the images */
	bool mapped;  /* CRIU gets it by a name with its id; otherwise its module fetches it by the
			 id */
	int fd;       /* the mover's duplicate, CLOEXEC */
	int home;     /* the same file in the source's group; -1: it is not a file of a group */
	pid_t leader; /* the process whose controlling terminal it is; 0: none */
};

/* A zombie of the tree. */
struct keep_ended {
	int32_t pid, code;       /* as in wait(2) */
	uint32_t uid[3], gid[3]; /* real, effective, saved */
};

/* Translates a path in the source's groups into one in the target's. Returns false for other paths.
 */
typedef bool keep_follow_fn(const char *path, char *ret, size_t size, void *ctx);

struct keep_tree {
	const pid_t *pids;
	size_t n_pids;
	const pid_t *numbers; /* by pids_numbers(): also of threads and process groups */
	size_t n_numbers;
	keep_follow_fn *follow; /* NULL: there are no control groups */
	void *follow_ctx;
};

/*
 * Keeps the objects of the frozen tree, and changes the images in dirfd so that a restore uses
 * them. To be called once, when the images are complete and nothing has read them. Afterwards the
 * images are valid only while *ret exists. Free it with keep_free(). Returns 0, or -errno with err:
 * an object cannot be kept, and the images must not be used.
 */
int keep_take(int dirfd, const struct keep_tree *tree, struct keep **ret, struct vc_err *err);
void keep_free(struct keep *keep); /* NULL is accepted */
DEFINE_CLEANUP(struct keep *, keep_freep, keep_free);

size_t keep_count(const struct keep *keep); /* NULL: 0 */
const struct keep_object *keep_object(const struct keep *keep, size_t i);

size_t keep_count_ended(const struct keep *keep); /* NULL: 0 */
const struct keep_ended *keep_ended(const struct keep *keep, size_t i);

/* Returns whether the memory behind a descriptor is sealed against new writable mappings
 * (F_SEAL_FUTURE_WRITE). KEEP_SEALED: the reason of the refusal, a half sentence. */
bool keep_map_is_sealed(int fd);
#define KEEP_SEALED                                                                                \
	"was sealed afterwards (F_SEAL_FUTURE_WRITE), so it cannot be mapped writable again, and " \
	"cannot be carried; unmap it, or make it read-only before it is sealed"

/* Puts back the files of the source's groups, because the tree stays in the source. */
void keep_stay(struct keep *keep);
/* Makes object number i the controlling terminal of a session leader. */
void keep_set_leader(struct keep *keep, size_t i, pid_t leader);

/* Sets the owners of files (F_SETOWN) that were processes of the tree, with the same user ids, in
 * the restored tree before it runs. Returns 0, or -errno with err. */
int keep_owner_put_back(const struct keep *keep, struct vc_err *err);

#endif
