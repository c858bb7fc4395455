// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * roundrobin - one partition after the other (JP11085547, claim 12)
 *
 * The turn is counted on the load board for all daemons together, so that the
 * order holds wherever vcrun is called. It runs over the partitions that are up:
 * stepping past one that is down would give its neighbour a double share.
 *
 * Moves have a turn of their own for each partition that jobs leave, and its order begins
 * behind that one: so all others get as many jobs from there, whatever else moves. One job
 * that is moved again and again goes around.
 */
#include "policy/vc-policy.h"

static int roundrobin_place(const struct vc_view *view)
{
	uint32_t up = vc_count_up(view), nth;

	if (up == 0)
		return -1;
	nth = (uint32_t)(view->turn % up);
	for (int32_t i = 0; i < vc_leaving(view); i++)
		nth += vc_up(view, (uint32_t)i) ? 1 : 0;
	return vc_nth_up(view, nth % up);
}

VC_POLICY(.name = "roundrobin", .summary = "each one in turn", .place = roundrobin_place);
