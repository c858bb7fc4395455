/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * criu.h - one criu process that serves one request (libmig's own)
 *
 * criu_start() forks "criu swrk": the process then waits for its request, its
 * start-up already paid. That is why a move starts both of its criu processes
 * before it freezes anything.
 */
#ifndef VC_LIBMIG_CRIU_H
#define VC_LIBMIG_CRIU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct external;
struct hold;
struct inventory;
struct keep;
struct namespaces;
struct criu;

struct criu_start {
	const char *binary; /* NULL: criu_find() */
	/* Called in the child between fork and exec, to enter cgroups; 0 or -errno. NULL: none. */
	int (*enter)(void *ctx);
	void *ctx;
	/* The capabilities that it works with, bit by number, if it loads the module; 0: all. */
	uint64_t caps;
	/* Namespaces to be in; NULL: ours. */
	const struct namespaces *namespaces;
	/* It restores, and its sockets are to be where nobody finds them (module/net.h). */
	bool hides_sockets;
	/* Runs where this process may run: CRIU and what it dumps take turns a hundred
	 * times, and waking another CPU costs more than each turn. 0: anywhere. */
	pid_t beside;
	/* Our module in it (hold.h), which must outlive the criu; NULL: none. */
	struct hold *hold;
};

/* Served while criu is waited for: serve(ctx) whenever fd is readable. */
struct criu_aside {
	int fd;
	void (*serve)(void *ctx);
	void *ctx;
};

/* The criu to use: $VCRUN_CRIU, our private one, the system's. NULL: none found. */
const char *criu_find(void);

int criu_start(const struct criu_start *how, struct criu **ret, struct vc_err *err);
pid_t criu_pid(const struct criu *criu);
/* For how long it has said nothing while it was waited for. */
unsigned int criu_silent_sec(const struct criu *criu);
/* What its log says of its last error, "": nothing. *ret_known: the error explains it. */
const char *criu_said(const struct criu *criu, bool *ret_known);
/* Ends and reaps the process when it still lives; NULL is accepted. */
void criu_free(struct criu *criu);

/* Called at each notification of CRIU ("pre-dump", "post-dump", "post-restore",
 * "post-resume" …). A negative return is CRIU's order to fail. Called too after each second
 * in which criu has said nothing, with CRIU_WAITING; the return does not matter then. */
#define CRIU_WAITING "waiting"
typedef int criu_notify_fn(const char *script, void *ctx);

/* For the answer to the notification "query-ext-files": what the dump is to leave alone. Must
 * outlive the call that notifies. */
void criu_set_external(struct criu *criu, const struct external *external);

struct criu_images {
	int dirfd;
	const char *log; /* name of the log file in it */
};

/*
 * Dumps the tree of root. freezer: a group with cgroup.freeze, of nobody but the tree, by
 * which CRIU stops all of it at once, which takes it 100 ms; without (NULL) it stops one
 * thread after the other, and each of those that compute has to get a CPU first. On success the
 * tree is dead (zombies are the caller's to reap). On failure it runs on. err says why, in
 * our words.
 */
int criu_dump(struct criu *criu, pid_t root, const struct inventory *inv,
	      const struct criu_images *images, const char *freezer, criu_notify_fn *notify,
	      void *ctx, struct vc_err *err);
/*
 * Sends the request of a restore ahead. criu reads the images of the process tree (inventory,
 * pstree, ids, core), loads its module, and waits there for criu_restore_begin(). So these
 * images must have their final form, and the others need not. lazy: see aside below.
 */
int criu_restore_ask(struct criu *criu, const struct inventory *inv,
		     const struct criu_images *images, bool lazy, struct vc_err *err);
/*
 * Hands over what the tree keeps; sends the request first if that has not been done. criu reads
 * the other images and then, before it makes the first process, waits for criu_restore(). A criu
 * that is freed instead leaves no trace. So the images are read while the old tree still dies.
 * keep: what it puts in place instead of making it anew; NULL: nothing.
 * aside: somebody else (fill.h) restores the pages marked lazy; NULL: criu does.
 */
int criu_restore_begin(struct criu *criu, const struct inventory *inv, const struct keep *keep,
		       const struct criu_images *images, const struct criu_aside *aside,
		       struct vc_err *err);
/* Restores a tree as a child of this process, in the cgroups that the criu process
 * entered; begins it where that has not been done. */
int criu_restore(struct criu *criu, const struct inventory *inv, const struct keep *keep,
		 const struct criu_images *images, criu_notify_fn *notify, void *ctx,
		 pid_t *ret_root, struct vc_err *err);

/* The version as 40201 for 4.2.1. */
int criu_version(const char *binary, unsigned int *ret, struct vc_err *err);

/*
 * Where /run is no tmpfs CRIU does not keep its cache of kernel features
 * (/run/criu.kdat) and finds them out anew for every request. Makes that file
 * once a boot, in a mount namespace of its own. Success when nothing is to do.
 */
int criu_make_cache(const char *binary, struct vc_err *err);

#endif
