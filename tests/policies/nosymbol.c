// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * nosymbol - a faulty policy: a library like any other
 *
 * For tests/unit-policy-load.c: what the loader and policy_place() must not trust.
 */
#include "policy/vc-policy.h"

extern VC_POLICY_EXPORT const int vc_police;
const int vc_police = 1;
