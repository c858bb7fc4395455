// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * notpolicy - a faulty policy: the symbol is there, but is something else
 *
 * For tests/unit-policy-load.c: what the loader and policy_place() must not trust.
 */
#include "policy/vc-policy.h"

extern VC_POLICY_EXPORT const int vc_policy;
const int vc_policy = VC_POLICY_API;
