/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * check.h - what can be said of a move while the tree runs (libmig's own)
 */
#ifndef VC_LIBMIG_CHECK_H
#define VC_LIBMIG_CHECK_H

#include "libmig/mig.h"

/*
 * Looks at the tree, and whether it can be moved as the request has it: what it
 * consists of, what the target may not have, memory, huge pages, and how long it would stand
 * still. 0: *ret_inv is the caller's, *ret has the estimate. Else -errno and err, as
 * inventory_take(); -ENOMEM: no room; -ETIME: it would stand still for longer than the
 * request allows. *ret is filled then too if the inventory could be taken.
 */
int check_move(const struct mig_request *req, struct inventory **ret_inv, struct mig_estimate *ret,
	       struct vc_err *err);

#endif
