/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * deny.h - whose device nodes a partition's jobs may not open
 *
 *	                     owned by a    owned by a, shared by b    shared by b, c
 *	jobs of a            may           may                        may not
 *	jobs of b            may not       may                        may
 *	jobs of c            may not       may not                    may
 *	the rest of the system may open all of them.
 *
 * Root's jobs are no exception. What was open before stays open.
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

/* Whether a partition's jobs may open the nodes of a device that some partition has. */
bool deny_spares(const struct partition_spec *spec, const char *device);
/* The nodes that the partition at index may not open, at most max, each once, sorted; root as in
 * device.h. A device that is gone has none. -E2BIG: they are more. */
int deny_list(int root, const struct config *config, size_t index, struct device_node *ret,
	      size_t max, size_t *ret_n);
/* Keeps that partition's jobs from them, and from no others, from now on. -EOPNOTSUPP: this
 * machine has no means, see cg_deny_nodes(). Cheap when all is so already. */
int deny_apply(struct cg *cg, const struct config *config, size_t index, struct vc_err *err);
/* The same for all partitions that there are, as far as possible: vcstat shows how far. */
void deny_apply_all(struct cg *cg, const struct config *config);
/* Whether that is so now. */
bool deny_is_applied(struct cg *cg, const struct config *config, size_t index);

#endif
