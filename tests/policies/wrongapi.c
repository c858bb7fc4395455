// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * wrongapi - a faulty policy: built for an API of another day
 *
 * For tests/unit-policy-load.c: what the loader and policy_place() must not trust.
 */
#include "policy/vc-policy.h"

static int first_place(const struct vc_view *view)
{
	return 0;
}

extern VC_POLICY_EXPORT const struct vc_policy vc_policy;
const struct vc_policy vc_policy = {
	.api = VC_POLICY_API + 1,
	.size = sizeof(struct vc_policy),
	.name = "wrongapi",
	.place = first_place,
};
