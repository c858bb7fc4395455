// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * event.c - fires and reverts events by command
 */
#include "admin/priv.h"

#include <errno.h>
#include <string.h>

static int event_once(const struct admin *admin, const struct plan_order *order,
		      const struct reshape_claim *claim, struct vc_err *err)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	_cleanup_(cg_freep) struct cg *cg = NULL;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_close_ int lock = -1;
	struct shape_order change = { .event = order, .claim = claim };
	struct partition_spec *after;
	const struct plan_event *event;
	int r = shape_open(admin, claim, &in, &cg, &lock, err);

	if (r == 0)
		r = plan_json_read(in, &plan, err);
	if (r < 0)
		return r;
	event = plan_find(plan, order->event, err);
	if (!event)
		return -ENOENT;
	r = plan_target(in, event, order->way, &after, &change.n, err);
	if (r < 0)
		return r;
	change.after = after;
	change.lock = lock;
	r = shape_change(admin, in, cg, &change, err);
	plan_free_specs(after, change.n);
	return r;
}

int admin_event(const struct admin *admin, const struct plan_order *order, struct vc_err *err)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	struct reshape_claim claim;
	int r = instance_open(admin->state_dir, &in, err);

	if (r == 0)
		r = plan_rank_claim(in, order, admin->deadline_msec, &claim, err);
	if (r < 0)
		return r;
	claim.cancel = cancel_flag();
	do
		r = event_once(admin, order, &claim, err);
	while (r == -ECANCELED);
	return r;
}

int admin_failover(const struct admin *admin, const char *partition, struct vc_err *err)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	size_t found = 0;
	int r = instance_open(admin->state_dir, &in, err);

	if (r == 0)
		r = plan_json_read(in, &plan, err);
	if (r == 0 && instance_find(in, partition) < 0)
		r = err_set(err, ENOENT, "there is no partition '%s'; 'vcctl list' shows them",
			    partition);
	for (size_t i = 0; r == 0 && i < plan->n; i++) {
		const struct plan_event *event = &plan->events[i];
		const struct plan_order order = { .event = event->name,
						  .way = PLAN_FIRE,
						  .cause = PLAN_BY_FAILOVER };

		if (!event->fire.failover || strcmp(event->fire.failover, partition) != 0)
			continue;
		found++;
		say(admin, "event %s:", event->name);
		r = admin_event(admin, &order, err);
	}
	if (r == 0 && found == 0)
		r = err_set(err, ENOENT,
			    "no event has failover = \"%s\": add one to vcrun.conf to say what "
			    "happens when partition %s fails",
			    partition, partition);
	return r;
}
