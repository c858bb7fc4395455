// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * notparent - any partition but that of the job's parent process (JP11085547, claim 9)
 *
 * For work that must not disturb its parent. For a new job that is the process that asks; for
 * a move, the one that asked for the job, wherever it is now. The claim leaves open which of
 * the others: the one with the lowest CPU utilisation is taken, as leastcpu would.
 *
 * For a new job whose parent runs outside of all partitions, the first one counts as the
 * parent's. A move goes anywhere then: no partition has the parent. A job that could only
 * move to its parent's stays. When no other is up none is fit, and the daemon's fallback
 * decides and says so.
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
