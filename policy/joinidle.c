// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * joinidle - a random partition with an idle CPU; if no CPU is idle, the least busy partition
 *
 * Y. Lu, Q. Xie, G. Kliot, A. Geller, J. R. Larus, A. Greenberg, "Join-Idle-Queue: A novel load
 * balancing algorithm for dynamically scalable web services", Performance Evaluation 68(11), 2011:
 * idle processors queue at the dispatcher, and an arriving job takes one of them out of the queue.
 *
 * Deviations from the paper:
 * - There is no queue. The board shows the idle CPUs, and each pending placement takes one of
 *   them.
 * - A processor of the paper is a CPU here, and not a partition. Therefore the probability of a
 *   partition is proportional to the number of its idle CPUs.
 * - The number of idle CPUs is rounded, because samples are never quite 0.
 * - If no processor is idle, the paper chooses any processor at random. Here leastcpu's choice is
 *   used, because the board has the data for it.
 */
#include "policy/vc-policy.h"

static uint32_t joinidle_idle_cpus(const struct vc_view *view, uint32_t i)
{
	const struct vc_load *load = vc_load_at(view, i);
	double cpus = vc_cpus(view, i), busy = load->cpu_pct * cpus / 100, idle;

	if (!vc_up(view, i))
		return 0;
	if (busy < load->runnable)
		busy = load->runnable;
	idle = cpus - busy - load->pending + 0.5;
	return idle >= 1 ? (uint32_t)idle : 0;
}

static int joinidle_place(const struct vc_view *view)
{
	uint64_t total = 0, draw;

	for (uint32_t i = 0; i < view->n; i++)
		total += joinidle_idle_cpus(view, i);
	if (total == 0)
		return vc_least_demand(view, -1);
	draw = vc_random(view, 0) % total;
	for (uint32_t i = 0; i < view->n; i++) {
		uint32_t idle = joinidle_idle_cpus(view, i);

		if (draw < idle)
			return (int)i;
		draw -= idle;
	}
	return -1;
}

VC_POLICY(.name = "joinidle", .summary = "a random one with an idle CPU, else the least busy",
	  .place = joinidle_place);
