/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * state.h - attributes of processes that CRIU does not carry (libmig's own)
 *
 * Attributes of mappings are read while the job runs. All others are read from the frozen tree
 * while criu holds it (hold.h): from /proc, or by system calls in the tree's own threads. Before
 * the restored tree runs, calls in its threads restore them, with the rights of the job. A value
 * that a call returns in a register comes from the kernel. A value that it returns in memory can be
 * forged by the job. It gives the job nothing that the job could not ask for itself.
 *
 * Some attributes confine the job and must be restored. The loss of the others costs only time.
 */
#ifndef VC_LIBMIG_STATE_H
#define VC_LIBMIG_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/cleanup.h"
#include "common/err.h"

struct hold;
struct state;

/*
 * Reads what takes long while the tree runs. pids: all its processes, root first. Free *ret with
 * state_free(). Returns 0, or -errno with err; -EOPNOTSUPP: an attribute cannot be carried, and err
 * names the process, the attribute and the remedy.
 */
int state_look(const pid_t *pids, size_t n, struct state **ret, struct vc_err *err);
/* Reads the rest, when the tree is frozen and held. Arguments and result are the same. */
int state_take(struct state *state, struct hold *hold, const pid_t *pids, size_t n,
	       struct vc_err *err);
void state_free(struct state *state); /* NULL is accepted */

/* Adapts the images, before a restore uses them. */
void state_maps_adapt(const struct state *state, int dirfd);

/* Returns whether a tree that is restored without hold would lack an attribute that confines it. */
bool state_is_needed(const struct state *state);

/* Restores the attributes when the restored tree is held. Returns 0, or -errno with err: an
 * attribute that confines the tree is lost, and the tree must not run. Sets ret_lost when another
 * one is lost. */
int state_put_back(const struct state *state, struct hold *hold, struct vc_err *ret_lost,
		   struct vc_err *err);

DEFINE_CLEANUP(struct state *, state_freep, state_free);

#endif
