// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * roundrobin - one partition after the other (JP11085547, claim 12)
 *
 * The turn is counted on the load board for all daemons together, so that the
 * order holds wherever vcrun is called. It runs over the partitions that are up:
 * stepping past one that is down would give its neighbour a double share.
 */
#include "policy/vc-policy.h"

static int roundrobin_place(const struct vc_view *view)
{
	uint32_t up = vc_count_up(view);

	return up > 0 ? vc_nth_up(view, (uint32_t)(view->turn % up)) : -1;
}

VC_POLICY(.name = "roundrobin", .summary = "one after the other", .place = roundrobin_place);
