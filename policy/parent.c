// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * parent - the partition of the job's parent process (JP11085547, claim 8)
 *
 * For a new job, the parent is the process that asks. For a move, it is the process that asked for
 * the job, and its present partition counts. Programs that communicate stay in one partition,
 * where caches and memory are warm. If the parent runs in no partition, the first partition counts
 * as the parent's. A job that is in the parent's partition stays there. If that partition is down,
 * the policy returns -1, and the daemon falls back to leastcpu and informs the user.
 */
#include "policy/vc-policy.h"

static int parent_place(const struct vc_view *view)
{
	if (view->parent == vc_leaving(view))
		return view->parent;
	return vc_up(view, (uint32_t)view->parent) ? view->parent : -1;
}

VC_POLICY(.name = "parent", .summary = "the partition of the job's parent process",
	  .place = parent_place);
