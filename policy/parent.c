// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * parent - the partition of the job's parent process (JP11085547, claim 8)
 *
 * For a new job that is the process that asks; for a move, the one that asked for the job,
 * wherever it is now. Programs that work together stay together: caches and memory are warm,
 * IPC stays inside. Outside any partition, the first one counts as the parent's. A job that is
 * there already stays. When the parent's is down none is fit, and the daemon's fallback
 * decides and says so.
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
