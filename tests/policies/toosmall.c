// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * toosmall - a faulty policy: its struct ends before place()
 *
 * For tests/unit-policy-load.c: what the loader and policy_place() must not trust.
 */
#include "policy/vc-policy.h"

/* What an imaginary earlier header might have had. */
struct small_policy {
	uint32_t api;
	uint32_t size;
	const char *name;
};

extern VC_POLICY_EXPORT const struct small_policy vc_policy;
const struct small_policy vc_policy = {
	.api = VC_POLICY_API,
	.size = sizeof(struct small_policy),
	.name = "toosmall",
};
