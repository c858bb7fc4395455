// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * noplace - a faulty policy: place() is NULL
 *
 * For tests/unit-policy-load.c: what the loader and policy_place() must not trust.
 */
#include "policy/vc-policy.h"

VC_POLICY(.name = "noplace", .summary = "");
