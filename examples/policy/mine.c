// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mine - a placement policy of your own: the partition with the most free memory
 *
 * In bytes, where leastmem goes by the fraction: fit for a few large programs in
 * partitions of unequal size. Start from this file; vc-policy(3) describes the rest.
 */
#include <vc-policy.h>

static uint64_t free_bytes(const struct vc_load *load)
{
	return load->mem_limit_bytes > load->mem_used_bytes
		       ? load->mem_limit_bytes - load->mem_used_bytes
		       : 0;
}

static int mine_place(const struct vc_view *view)
{
	int best = -1;

	for (uint32_t i = 0; i < view->n; i++) {
		if (!vc_up(view, i))
			continue;
		if (best < 0 ||
		    free_bytes(vc_load_at(view, i)) > free_bytes(vc_load_at(view, (uint32_t)best)))
			best = (int)i;
	}
	return best;
}

VC_POLICY(.name = "mine", .summary = "most free memory", .place = mine_place);
