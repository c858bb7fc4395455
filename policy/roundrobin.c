// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * roundrobin - each partition in turn (JP11085547, claim 12)
 *
 * The turn is on the load board, shared by all daemons. Therefore the order is the same wherever
 * vcrun is called. Only partitions that are up take part. If the turn skipped a partition that is
 * down, the next one would get twice as many jobs.
 *
 * Moves have a turn for each partition that jobs leave. Its order begins behind this partition.
 * Therefore each of the other partitions gets the same number of jobs from it, independent of
 * other moves. A job that is moved repeatedly visits the partitions in a circle.
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
