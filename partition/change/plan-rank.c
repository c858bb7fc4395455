// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * plan-rank.c - which of two events comes first
 *
 * Failover comes before time, and time before load. A command has the rank of time and is never put
 * off, because its user sees what is in force. Loads come and go by themselves, and a change by an
 * event changes loads. So a changed partition is held against events by load for a while.
 */
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "partition/change/plan.h"
#include "partition/change/reshape.h"

static const struct {
	const char *name;
	enum reshape_rank rank;
} causes[] = {
#define X(id, name, rank) [PLAN_BY_##id] = { name, RESHAPE_RANK_##rank },
	PLAN_CAUSES(X)
#undef X
};

const char *plan_rank_cause_name(enum plan_cause cause)
{
	return causes[cause].name;
}

int plan_rank_parse_cause(const char *text, enum plan_cause *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
		if (!strcmp(causes[i].name, text)) {
			*ret = (enum plan_cause)i;
			return 0;
		}
	}
	return -EINVAL;
}

int plan_rank(enum plan_cause cause)
{
	return causes[cause].rank;
}

int plan_rank_claim(const struct instance *in, const struct plan_order *order,
		    unsigned int deadline_msec, struct reshape_claim *ret, struct vc_err *err)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	const struct plan_event *event;
	int r = plan_json_read(in, &plan, err);

	if (r < 0)
		return r;
	event = plan_find(plan, order->event, err);
	if (!event)
		return -ENOENT;
	if (!deadline_msec)
		deadline_msec = event->deadline_msec;
	*ret = (struct reshape_claim){
		.rank = plan_rank(order->cause),
		.deadline_usec = clock_mono_usec() + (uint64_t)deadline_msec * 1000,
	};
	return 0;
}

static bool plan_rank_patches_have(const struct spec_patch *patches, size_t n,
				   const char *partition)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(patches[i].name, partition))
			return true;
	}
	return false;
}

static bool plan_rank_event_sets(const struct plan_event *event, const char *partition)
{
	return plan_rank_patches_have(event->after, event->n_after, partition) ||
	       plan_rank_patches_have(event->before, event->n_before, partition);
}

/* Returns the first partition that both set; NULL: none. */
static const char *plan_rank_both_set(const struct plan_event *a, const struct plan_event *b)
{
	for (size_t i = 0; i < a->n_after; i++) {
		if (plan_rank_event_sets(b, a->after[i].name))
			return a->after[i].name;
	}
	for (size_t i = 0; i < a->n_before; i++) {
		if (plan_rank_event_sets(b, a->before[i].name))
			return a->before[i].name;
	}
	return NULL;
}

/* A clock that was set back holds nothing. */
static bool plan_rank_is_held(const struct plan_event *event, uint64_t now_usec)
{
	return event->changed_usec && now_usec >= event->changed_usec &&
	       now_usec - event->changed_usec < (uint64_t)event->hold_msec * 1000;
}

int plan_rank_may_go(const struct plan *plan, const struct plan_order *order, uint64_t now_usec,
		     struct vc_err *err)
{
	const struct plan_event *event = plan_find(plan, order->event, err);

	if (!event)
		return -ENOENT;
	for (size_t i = 0; order->cause != PLAN_BY_COMMAND && i < plan->n; i++) {
		const struct plan_event *other = &plan->events[i];
		const char *partition = plan_rank_both_set(event, other);

		if (!partition)
			continue;
		if (other != event && other->in_force &&
		    plan_rank(other->by) > plan_rank(order->cause))
			return err_set(err, EAGAIN,
				       "put off: event %s comes first, is in force, and has set %s",
				       other->name, partition);
		if (order->cause == PLAN_BY_LOAD && plan_rank_is_held(other, now_usec))
			return err_set(err, EAGAIN,
				       "put off: event %s has changed %s less than %g s ago",
				       other->name, partition, other->hold_msec / 1e3);
	}
	return 0;
}
