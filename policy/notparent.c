// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * notparent - any partition except that of the job's parent process (JP11085547, claim 9)
 *
 * This policy is for work that must not disturb its parent. For a new job, the parent is the
 * process that asks. For a move, it is the process that asked for the job, and its present
 * partition counts. The claim does not say which of the other partitions is chosen. This policy
 * chooses the one with the lowest CPU utilisation, as leastcpu does.
 *
 * If the parent runs in no partition, a new job treats the first partition as the parent's, and a
 * move may go to any partition. A job stays if it could move only to its parent's partition. If no
 * other partition is up, the policy returns -1, and the daemon falls back to leastcpu and informs
 * the user.
 */
#include "policy/vc-policy.h"

static int notparent_place(const struct vc_view *view)
{
	int32_t leaving = vc_leaving(view);
	int32_t except = leaving >= 0 && vc_outside(view) ? -1 : view->parent;
	int to = vc_least_demand(view, except);

	return to < 0 && leaving != except ? leaving : to;
}

VC_POLICY(.name = "notparent", .summary = "the least busy one without the job's parent process",
	  .place = notparent_place);
