/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * state.h - attributes of processes that CRIU does not carry (libmig's own)
 *
 * Those of mappings are read while the job runs, all others from the frozen tree, while criu holds
 * it (hold.h): from /proc, or by system calls in the tree's own threads where only they are told.
 * Put back into the restored tree before it runs, by calls in its threads too, so with the rights
 * of the job and no others. What a call returns in a register is the kernel's word; what it returns
 * in memory is at worst the job's, and can get the job nothing that it could not have asked for
 * itself.
 *
 * An attribute is either one that must be put back, since it confines the job, or one whose
 * loss costs nothing but time.
 */
#ifndef VC_LIBMIG_STATE_H
#define VC_LIBMIG_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"

struct hold;
struct state;

/*
 * Both take the processes of the tree, root first. -EOPNOTSUPP: it has an attribute that
 * cannot be carried; err names the process, the attribute and the remedy.
 *
 * The tree runs: what is costly to read is read.
 */
int state_look(const pid_t *pids, size_t n, struct state **ret, struct vc_err *err);
/* The tree is frozen and held: the rest is read. */
int state_take(struct state *state, struct hold *hold, const pid_t *pids, size_t n,
	       struct vc_err *err);
void state_free(struct state *state); /* NULL is accepted */

/* Before the images are used for a restore. */
void state_maps_adapt(const struct state *state, int dirfd);

/* Whether a restored tree that was not held would lack something that it must have. */
bool state_is_needed(const struct state *state);

/* The tree is restored and held. -errno with err: it lacks something that it must have, and
 * must not run. ret_lost is set when it lacks something else. */
int state_put_back(const struct state *state, struct hold *hold, struct vc_err *ret_lost,
		   struct vc_err *err);

#endif
