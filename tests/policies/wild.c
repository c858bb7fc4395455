// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * wild - a faulty policy: answers 99, and -7 when asked to rebalance
 *
 * For tests/unit-policy-load.c: what the loader and policy_place() must not trust.
 */
#include "policy/vc-policy.h"

static int wild_place(const struct vc_view *view)
{
	return 99;
}

static int wild_rebalance(const struct vc_view *view)
{
	return -7;
}

VC_POLICY(.name = "wild", .summary = "", .place = wild_place, .rebalance = wild_rebalance);
