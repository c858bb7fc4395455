/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mig.h - moves a running process tree from one place to another on this machine
 *
 * A place is a set of cgroups, known here only by two callbacks. The caller is
 * the tree's parent and subreaper, and stays so. The move is a transaction:
 *
 *	check    what the tree consists of; refused here when CRIU cannot carry it
 *	prepare  image directory, memory, both criu processes started
 *	dump     the tree is frozen and written out
 *	verify   the images, which are complete, are compared with the frozen tree
 *	commit   from here on it is the images that count
 *	reap     the old tree is gone, its PIDs are free
 *	restore  in the target; on failure back in the source, from the same images
 *	         what CRIU does not carry is put back before it runs
 *	resume   it runs; images are removed
 *
 * Before commit every failure leaves the tree running where it was. After it,
 * images are removed only once the tree runs again.
 */
#ifndef VC_LIBMIG_MIG_H
#define VC_LIBMIG_MIG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "libmig/inventory/inventory.h"

#define MIG_STEPS(X)                                                                               \
	X(CHECK, "check")                                                                          \
	X(PREPARE, "prepare")                                                                      \
	X(DUMP, "dump")                                                                            \
	X(VERIFY, "verify")                                                                        \
	X(COMMIT, "commit")                                                                        \
	X(REAP, "reap")                                                                            \
	X(RESTORE, "restore")                                                                      \
	X(RESUME, "resume")

enum mig_step {
#define X(id, name) MIG_##id,
	MIG_STEPS(X)
#undef X
		MIG_N_STEPS
};

enum mig_result {
	MIG_REFUSED,  /* never frozen, or the dump failed: runs at the source */
	MIG_MOVED,    /* runs at the target */
	MIG_RETURNED, /* the restore failed: runs at the source again */
	MIG_PARKED,   /* runs nowhere; its images are kept, mig_unpark() tries again */
};

struct mig_place {
	const char *name;
	/* Enters the place's cgroups; called in a child between fork and exec. */
	int (*enter)(void *ctx);
	/* Ends whatever a failed restore left there. */
	void (*clear)(void *ctx);
	void *ctx;
	const char
		*freezer;  /* a directory with cgroup.freeze, of nobody but the tree; NULL: none */
	const char *cpus;  /* the place's CPUs, list form: affinities are mapped to them;
			    * NULL: nothing that CRIU loses is put back */
	const char *nodes; /* its memory nodes, list form; NULL: all */
	uint64_t room_bytes; /* memory that can be had there; UINT64_MAX: no limit */
};

/* What a move takes, as far as can be said while the tree runs. */
struct mig_estimate {
	uint64_t stop_usec;  /* for how long the tree would stand still */
	uint64_t model_usec; /* the same without the request's pace */
	uint64_t bytes;      /* of memory to be written: shared since a fork, once a process */
	size_t processes, threads, files, mappings;
};

struct mig_request {
	pid_t root; /* session leader, child of this process */
	uid_t uid;
	const struct inventory_barred *barred; /* files that the target may not have */
	size_t n_barred;
	struct mig_place source, target;
	const char *criu; /* NULL: criu_find() */
	/* Where the log of a CRIU that failed is kept, 64 KiB of it at most; NULL: nowhere. */
	const char *log;
	const char *images;     /* directory for this move's images, made and removed here */
	uint64_t max_stop_usec; /* refuse what is expected to take longer; 0: do not */
	double pace; /* by how much past moves took longer than their model_usec; 0: unknown */
	/* Called once, when the estimate is known and within max_stop_usec; NULL: nobody. */
	void (*on_estimate)(const struct mig_estimate *estimate, void *ctx);
	/* Called then, at each attempt, and for mig_estimate() too: whether there is room for
	 * images of this size. 0, or -errno with err: the move is refused. NULL: there is. */
	int (*make_room)(uint64_t bytes, void *ctx, struct vc_err *err);
	/* Called as each step begins, with criu's pids (0: not started, or ended);
	 * NULL: nobody listens. For logs, and for tests that break things at that point. */
	void (*on_step)(enum mig_step step, pid_t dump, pid_t restore, void *ctx);
	/* The path in the target's groups of a file in the source's; false: it is in none of these.
	 * NULL: there are no groups. */
	bool (*follow)(const char *path, char *ret, size_t size, void *ctx);
	/* Called after each second without a word of criu, which has this pid; NULL: nobody. */
	void (*on_wait)(enum mig_step step, pid_t criu, unsigned int silent_sec, void *ctx);
	void *ctx;
};

struct mig_report {
	enum mig_result result;
	uint64_t downtime_usec; /* from before the freeze until after the resume: an upper
				 * bound of the gap that the tree saw */
	uint64_t total_usec;
	uint64_t step_usec[MIG_N_STEPS];
	uint64_t image_bytes;
	struct vc_err lost; /* what a job that runs has lost, but for time costs nothing */
	struct mig_estimate estimate; /* made before the move; all 0: not made */
	char criu[512];               /* what CRIU said when it failed; "": nothing */
};

const char *mig_step_name(enum mig_step step);
/* "refused", "moved", "returned", "parked" */
const char *mig_result_name(enum mig_result result);

/* A move. A parked tree keeps it, with its images and descriptors. */
struct mig;

/*
 * Moves the tree. Returns 0 when it runs at the target. Otherwise -errno, err
 * says why, and report->result where the tree is now; *ret_parked is set when that
 * is MIG_PARKED. The root's PID does not change. -EKEYREJECTED: the images are not what
 * the kernel says of the tree; somebody has tried to change what it may do.
 */
int mig_move(const struct mig_request *req, struct mig_report *report, struct mig **ret_parked,
	     struct vc_err *err);

/*
 * Looks at the tree as mig_move() does first, and does nothing. 0 and *ret; -errno: a move would be
 * refused, and err says why; *ret is filled then too, as far as it is known.
 */
int mig_estimate(const struct mig_request *req, struct mig_estimate *ret, struct vc_err *err);
/* "2048 MiB of memory, 12 processes, 1000 threads"; returns buf. */
const char *mig_estimate_text(const struct mig_estimate *estimate, char *buf, size_t size);

/* Tries to restore a parked tree at its source. 0: it runs; parked, the images and the
 * memory are freed. Of the request it uses the source's callbacks and on_wait, with their ctx,
 * which must still be valid; all else that it needs was copied. */
int mig_unpark(struct mig *parked, struct vc_err *err);
/* Gives a parked tree up: its images are removed, parked is freed. */
void mig_drop(struct mig *parked);

/* Whether the images in a directory name a file, open or mapped, whose path ends so. True too when
 * that cannot be known: they are being written, or damaged. Images that were begun while the
 * tree lived are whole when it is gone. */
bool mig_images_name(int dirfd, const char *tail);

#endif
