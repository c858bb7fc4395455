// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * twochoices - the less busy of two random partitions
 *
 * M. Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", IEEE Trans. Parallel
 * and Distributed Systems 12(10), 2001: the second choice reduces the longest queue from O(log n /
 * log log n) to O(log log n). Old samples do less harm, because not all callers choose the same
 * best partition: same author, "How Useful Is Old Information?", same journal 11(1), 2000.
 *
 * Deviations from the paper:
 * - The two partitions are different. The paper draws with replacement, and with few partitions
 *   the same one would often be drawn twice.
 * - The load is the expected CPU utilisation, as in leastcpu, and not the length of a queue.
 * - vc_tie() decides between equal partitions, and not a random bit.
 */
#include "policy/vc-policy.h"

static int twochoices_place(const struct vc_view *view)
{
	uint32_t up = vc_count_up(view), first, second;
	int a, b;
	double diff_pct;

	if (up < 2)
		return vc_nth_up(view, 0);
	first = (uint32_t)(vc_random(view, 0) % up);
	second = (uint32_t)(vc_random(view, 1) % (up - 1));
	if (second >= first)
		second++;
	a = vc_nth_up(view, first);
	b = vc_nth_up(view, second);
	diff_pct = vc_demand_pct(view, (uint32_t)a) - vc_demand_pct(view, (uint32_t)b);
	if (diff_pct < -VC_SAME_PCT)
		return a;
	if (diff_pct > VC_SAME_PCT)
		return b;
	return vc_tie(view, (uint32_t)a, (uint32_t)b) < 0 ? a : b;
}

VC_POLICY(.name = "twochoices", .summary = "the less busy of two random ones",
	  .place = twochoices_place);
