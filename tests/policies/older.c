// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * older - a sound policy whose struct ends with place()
 *
 * As if built before rebalance() was appended: what lies behind its end must not be
 * called. For tests/unit-policy-load.c.
 */
#include "policy/vc-policy.h"

static int older_place(const struct vc_view *view)
{
	return (int)view->n - 1;
}

struct older_policy {
	uint32_t api;
	uint32_t size;
	const char *name;
	const char *summary;
	int (*place)(const struct vc_view *view);
};

extern VC_POLICY_EXPORT const struct older_policy vc_policy;
const struct older_policy vc_policy = {
	.api = VC_POLICY_API,
	.size = sizeof(struct older_policy),
	.name = "older",
	.place = older_place,
};
