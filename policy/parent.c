// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * parent - the partition of the process that asks (JP11085547, claim 8)
 *
 * Programs that work together stay together: caches and memory are warm, IPC stays
 * inside. Outside any partition, the first one counts as the parent's. When the
 * parent's is down none is fit, and the daemon's fallback decides and says so.
 */
#include "policy/vc-policy.h"

static int parent_place(const struct vc_view *view)
{
	return vc_up(view, (uint32_t)view->parent) ? view->parent : -1;
}

VC_POLICY(.name = "parent", .summary = "the caller's own partition", .place = parent_place);
