// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * chosendown - a faulty policy: answers a partition that is down
 *
 * For tests/unit-policy-load.c: what the loader and policy_place() must not trust.
 */
#include "policy/vc-policy.h"

static int chosendown_place(const struct vc_view *view)
{
	for (uint32_t i = 0; i < view->n; i++)
		if (!vc_up(view, i))
			return (int)i;
	return 0;
}

VC_POLICY(.name = "chosendown", .summary = "", .place = chosendown_place);
