/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * deny.h - the device nodes that a partition's jobs must not open
 *
 *	                     owned by a    owned by a, shared by b    shared by b, c
 *	jobs of a            may           may                        may not
 *	jobs of b            may not       may                        may
 *	jobs of c            may not       may not                    may
 *	the rest of the system may open all of them.
 *
 * This is true for root's jobs too. A node that is open already stays open.
 */
#ifndef VC_PARTITION_DENY_H
#define VC_PARTITION_DENY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

struct cg;
struct config;
struct device_node;
struct partition_spec;

/* Returns whether a partition's jobs may open the nodes of a device of some partition. */
bool deny_spares(const struct partition_spec *spec, const char *device);
/* Lists the nodes that the partition at index must not open, at most max, sorted and without
 * duplicates. root is as in device.h. A missing device has no nodes. Returns 0, or -E2BIG when
 * there are more. */
int deny_list(int root, const struct config *config, size_t index, struct device_node *ret,
	      size_t max, size_t *ret_n);
/* Denies these nodes, and no others, to the partition's jobs. Returns 0, or -EOPNOTSUPP when this
 * machine has no means, see cg_deny_nodes(). A call without a change is cheap. */
int deny_apply(struct cg *cg, const struct config *config, size_t index, struct vc_err *err);
/* Does the same for all partitions, as far as possible; vcstat shows how far. */
void deny_apply_all(struct cg *cg, const struct config *config);
/* Returns whether it is done. */
bool deny_is_applied(struct cg *cg, const struct config *config, size_t index);

#endif
