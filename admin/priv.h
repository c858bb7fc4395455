/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - what admin/'s files share
 */
#ifndef VC_ADMIN_PRIV_H
#define VC_ADMIN_PRIV_H

#include <signal.h>

#include "admin/admin.h"
#include "common/cleanup.h"
#include "partition/cgroup/cgroup.h"

/* The board and the table of IPC objects have room for this many partitions more than there are, so
 * that partitions can be added. */
#define ADMIN_SPARE_SLOTS 16

/* say.c */
void say(const struct admin *admin, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void say_warning(const struct admin *admin, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Says for which partitions the kernel could not grant dedicated CPUs or fixed memory. */
void say_obtained(const struct admin *admin, struct cg *cg, const struct partition_spec *specs,
		  size_t n);

/* cancel.c */
/* From now on SIGHUP, SIGINT and SIGTERM are only noted. */
void cancel_catch(void);
/* Whether one of them came, noted or blocked. */
bool cancel_wanted(void);
/* Nonzero once one of them is noted. */
const volatile sig_atomic_t *cancel_flag(void);

/* daemons.c */
/* Starts the daemons that do not run, all at once, and waits until they are ready. If one fails,
 * all that this call started are ended. */
int daemons_start(const struct admin *admin, const struct instance *in, size_t *ret_started,
		  struct vc_err *err);
/* Ends a daemon if it runs; its jobs keep running. */
int daemons_end(const struct instance *in, const char *partition, struct vc_err *err);
int daemons_end_all(const struct instance *in, struct vc_err *err);

/* down.c */
/* Ends daemons and shims, removes groups, files and mounts. Jobs must have ended. cg may be NULL,
 * and in may be incomplete. */
int down_clear(struct instance *in, struct cg *cg, struct vc_err *err);
/* Unmounts whatever is mounted at name in the state directory. */
int down_unmount(const struct instance *in, const char *name, int flags, struct vc_err *err);

/* ipc-dir.c: the table of IPC objects and the directory for their files */
int ipc_dir_make(const struct instance *in, struct vc_err *err);
int ipc_dir_clear(const struct instance *in, struct vc_err *err);
/* Moves the openers that belong to no job from a partition to another one. Its daemon must have
 * ended. */
int ipc_dir_hand_over(const struct instance *in, const char *partition, struct vc_err *err);

/* jobs.c */
struct found_job {
	char partition[PARTITION_NAME_MAX];
	unsigned int id;
	bool ending; /* its program has ended */
};
/* The jobs that have processes or are parked, without asking a daemon. The caller frees *ret. */
int jobs_find(const struct instance *in, struct cg *cg, struct found_job **ret, size_t *ret_n,
	      struct vc_err *err);

/* shape.c */
/* What a command claims of the lock on the partitions' shape: its rank, and a deadline from now. */
struct reshape_claim shape_claim(const struct admin *admin);
/* Opens the instance and takes that lock, unless this is a dry run. The caller frees *ret and
 * *ret_cg, and closes *ret_lock to release the lock. */
int shape_open(const struct admin *admin, const struct reshape_claim *claim, struct instance **ret,
	       struct cg **ret_cg, int *ret_lock, struct vc_err *err);
/* One change. With an event, cause is made from it. */
struct shape_order {
	const struct partition_spec *after;
	size_t n;
	const char *cause;
	const struct plan_order *event; /* NULL: none */
	const struct reshape_claim *claim;
	int lock;
};
/* Makes the change and shows it. -ECANCELED: it gave way to another change; begin again with
 * shape_open(), because the partitions may have changed. */
int shape_change(const struct admin *admin, struct instance *in, struct cg *cg,
		 const struct shape_order *order, struct vc_err *err);

/* wish.c: puts the user's settings into a spec. */
int wish_apply(const struct admin_wish *wish, struct partition_spec *spec, struct vc_err *err);

#endif
