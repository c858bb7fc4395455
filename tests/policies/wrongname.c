// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * wrongname - a faulty policy: calls itself otherwise than its file
 *
 * For tests/unit-policy-load.c: what the loader and policy_place() must not trust.
 */
#include "policy/vc-policy.h"

static int first_place(const struct vc_view *view)
{
	return 0;
}

VC_POLICY(.name = "other", .summary = "", .place = first_place);
