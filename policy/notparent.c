// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * notparent - any partition but that of the process that asks (JP11085547, claim 9)
 *
 * For work that must not disturb its parent. The claim leaves open which of the
 * others: the one with the lowest CPU utilisation is taken, as leastcpu would. When
 * no other is up none is fit, and the daemon's fallback decides and says so.
 */
#include "policy/vc-policy.h"

static int notparent_place(const struct vc_view *view)
{
	return vc_least_demand(view, view->parent);
}

VC_POLICY(.name = "notparent",
	  .summary = "not the caller's partition; of the others the least busy",
	  .place = notparent_place);
