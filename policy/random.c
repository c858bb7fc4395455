// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * random - any partition that is up, with equal probability (JP11085547, claim 11)
 *
 * This policy uses no samples, so an old sample cannot mislead it. Better policies are compared
 * with it.
 */
#include "policy/vc-policy.h"

static int random_place(const struct vc_view *view)
{
	uint32_t up = vc_count_up(view);

	return up > 0 ? vc_nth_up(view, (uint32_t)(vc_random(view, 0) % up)) : -1;
}

VC_POLICY(.name = "random", .summary = "a random one", .place = random_place);
