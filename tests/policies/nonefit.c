// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * nonefit - a faulty policy: finds none fit
 *
 * For tests/unit-policy-load.c: what the loader and policy_place() must not trust.
 */
#include "policy/vc-policy.h"

static int nonefit_place(const struct vc_view *view)
{
	return -1;
}

VC_POLICY(.name = "nonefit", .summary = "", .place = nonefit_place);
