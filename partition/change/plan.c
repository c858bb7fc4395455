// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * plan.c - events become changes of partitions
 *
 * An event comes into force together with its shape: the journal of the change also has the new
 * text of events.json. Several events may be in force. Each goes back to the shapes that it found.
 * So revert them in reverse order, or give the shapes before in the configuration.
 */
#include "partition/change/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/statedir.h"
#include "partition/change/reshape.h"
#include "partition/instance.h"

static void plan_trigger_done(struct plan_trigger *trigger)
{
	free(trigger->at);
	free(trigger->when);
	free(trigger->failover);
}

static void plan_free_patches(struct spec_patch *patches, size_t n)
{
	for (size_t i = 0; patches && i < n; i++)
		spec_patch_done(&patches[i]);
	free(patches);
}

static void plan_event_done(struct plan_event *event)
{
	plan_trigger_done(&event->fire);
	plan_trigger_done(&event->revert);
	plan_free_patches(event->before, event->n_before);
	plan_free_patches(event->after, event->n_after);
	plan_free_patches(event->found, event->n_found);
	*event = (struct plan_event){ .in_force = false };
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; plan->events && i < plan->n; i++)
		plan_event_done(&plan->events[i]);
	free(plan->events);
	free(plan);
}

void plan_free_specs(struct partition_spec *specs, size_t n)
{
	for (size_t i = 0; specs && i < n; i++)
		spec_done(&specs[i]);
	free(specs);
}

const char *plan_way_name(enum plan_way way)
{
	return way == PLAN_FIRE ? "fire" : "revert";
}

struct plan_event *plan_find(const struct plan *plan, const char *name, struct vc_err *err)
{
	for (size_t i = 0; i < plan->n; i++) {
		if (!strcmp(plan->events[i].name, name))
			return &plan->events[i];
	}
	err_set(err, ENOENT, "there is no event '%s'; 'vcctl event list' shows them", name);
	return NULL;
}

struct specs {
	struct partition_spec *spec;
	size_t n;
};

static void plan_specs_done(struct specs *specs)
{
	plan_free_specs(specs->spec, specs->n);
}

/* Returns the partition in the set, and adds it with its present shape if it is missing. */
static int plan_specs_get(struct specs *specs, const struct instance *in, const char *name,
			  struct partition_spec **ret, struct vc_err *err)
{
	struct partition_spec *next;
	int at = instance_find(in, name);

	for (size_t i = 0; i < specs->n; i++) {
		if (!strcmp(specs->spec[i].name, name)) {
			*ret = &specs->spec[i];
			return 0;
		}
	}
	if (at < 0)
		return err_set(err, ENOENT, "there is no partition '%s'", name);
	next = array_add(&specs->spec, &specs->n);
	if (!next || spec_copy(&in->config->parts[at], next) < 0)
		return err_sys(err, ENOMEM, "event");
	*ret = next;
	return 0;
}

static int plan_specs_apply(struct specs *specs, const struct instance *in,
			    const struct spec_patch *patches, size_t n, struct vc_err *err)
{
	for (size_t i = 0; i < n; i++) {
		struct partition_spec *spec = NULL;
		int r = plan_specs_get(specs, in, patches[i].name, &spec, err);

		if (r == 0 && spec_patch_apply(spec, &patches[i]) < 0)
			r = err_sys(err, ENOMEM, "event");
		if (r < 0)
			return r;
	}
	return 0;
}

int plan_target(const struct instance *in, const struct plan_event *event, enum plan_way way,
		struct partition_spec **ret, size_t *ret_n, struct vc_err *err)
{
	_cleanup_(plan_specs_done) struct specs specs = { .n = 0 };
	int r;

	if (way == PLAN_FIRE) {
		r = plan_specs_apply(&specs, in, event->after, event->n_after, err);
	} else if (!event->in_force && event->n_before == 0) {
		r = err_set(err, EALREADY, "it is not in force: there is nothing to go back to");
	} else {
		r = plan_specs_apply(&specs, in, event->found, event->n_found, err);
		if (r == 0)
			r = plan_specs_apply(&specs, in, event->before, event->n_before, err);
	}
	if (r < 0)
		return err_add(err, "event %s", event->name);
	*ret = steal_ptr(specs.spec);
	*ret_n = specs.n;
	specs.n = 0;
	return 0;
}

/* Notes the present shapes of the partitions that firing changes. */
static int plan_note_found(const struct instance *in, struct plan_event *event, struct vc_err *err)
{
	struct spec_patch *found = calloc(event->n_after ? event->n_after : 1, sizeof(*found));

	if (!found)
		return err_sys(err, ENOMEM, "event");
	for (size_t i = 0; i < event->n_after; i++) {
		const struct spec_patch *after = &event->after[i];
		int at = instance_find(in, after->name);

		if (spec_patch_back(after, &in->config->parts[at], &found[i]) < 0) {
			plan_free_patches(found, i);
			return err_sys(err, ENOMEM, "event");
		}
	}
	plan_free_patches(event->found, event->n_found);
	event->found = found;
	event->n_found = event->n_after;
	return 0;
}

/* Sets the fields that the event has after going that way. */
static int plan_advance(const struct instance *in, struct plan_event *event,
			const struct plan_order *order, struct vc_err *err)
{
	bool anew = order->way == PLAN_FIRE && !event->in_force;
	int r = anew ? plan_note_found(in, event, err) : 0;

	if (r < 0)
		return r;
	if (anew || plan_rank(order->cause) > plan_rank(event->by))
		event->by = order->cause;
	event->in_force = order->way == PLAN_FIRE;
	event->changed_usec = clock_real_usec();
	event->last = (struct plan_last){ .at_usec = event->changed_usec,
					  .way = order->way,
					  .cause = order->cause };
	return 0;
}

static bool plan_is_so(const struct instance *in, const struct specs *specs)
{
	for (size_t i = 0; i < specs->n; i++) {
		int at = instance_find(in, specs->spec[i].name);

		if (at < 0 || !spec_equal(&in->config->parts[at], &specs->spec[i]))
			return false;
	}
	return true;
}

static int plan_go_event(struct instance *in, struct cg *cg, const struct plan *plan,
			 struct plan_event *event, const struct plan_order *order,
			 const struct reshape_how *how, struct reshape_report *ret,
			 struct vc_err *err)
{
	_cleanup_(plan_specs_done) struct specs after = { .n = 0 };
	_cleanup_free_ char *text = NULL;
	struct reshape_report report;
	char cause[PARTITION_NAME_MAX + 32];
	struct reshape_how event_how = *how;
	int r = plan_target(in, event, order->way, &after.spec, &after.n, err);

	/* The event is in force and its shapes are unchanged, so nothing is to be done. */
	if (r == 0 && order->way == PLAN_FIRE && event->in_force &&
	    order->cause != PLAN_BY_COMMAND && plan_is_so(in, &after)) {
		*ret = (struct reshape_report){ .n_changed = 0 };
		return 0;
	}
	if (r == 0)
		r = plan_advance(in, event, order, err);
	if (r < 0)
		return r;
	text = plan_json_format(plan);
	if (!text)
		return err_sys(err, ENOMEM, "event %s", event->name);
	snprintf(cause, sizeof(cause), "%s event %s", plan_way_name(order->way), event->name);
	event_how.cause = cause;
	event_how.file = STATE_EVENTS;
	event_how.text = text;
	r = reshape_run(in, cg, after.spec, after.n, &event_how, &report, err);
	if (r == 0 && report.n_changed == 0)
		r = plan_json_write(in, plan, err);
	if (r == 0)
		*ret = report;
	else
		err_add(err, "event %s", event->name);
	return r;
}

/* in_force and found are unchanged. */
void plan_note_failure(const struct instance *in, const struct plan_order *order,
		       const struct vc_err *why)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct plan_event *event;

	if (plan_json_read(in, &plan, NULL) < 0)
		return;
	event = plan_find(plan, order->event, NULL);
	if (!event)
		return;
	event->last = (struct plan_last){ .at_usec = clock_real_usec(),
					  .way = order->way,
					  .cause = order->cause };
	event->last.put_off = why->code == EAGAIN;
	snprintf(event->last.reason, sizeof(event->last.reason), "%s", why->text);
	plan_json_write(in, plan, NULL);
}

void plan_note_again(const struct instance *in, const char *name)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct plan_event *event;

	if (plan_json_read(in, &plan, NULL) < 0)
		return;
	event = plan_find(plan, name, NULL);
	if (!event || !event->retry_msec || !*event->last.reason || event->last.put_off)
		return;
	event->last.again = true;
	plan_json_write(in, plan, NULL);
}

int plan_go(struct instance *in, struct cg *cg, const struct plan_order *order,
	    const struct reshape_how *how, struct reshape_report *ret, struct vc_err *err)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct plan_event *event;
	struct vc_err own;
	int r;

	err = err ? err : &own;
	r = plan_json_read(in, &plan, err);
	if (r < 0)
		return r;
	event = plan_find(plan, order->event, err);
	if (!event)
		return -ENOENT;
	r = plan_rank_may_go(plan, order, clock_real_usec(), err);
	if (r == 0)
		r = plan_go_event(in, cg, plan, event, order, how, ret, err);
	else
		err_add(err, "event %s", event->name);
	if (r < 0 && r != -EALREADY && r != -ECANCELED)
		plan_note_failure(in, order, err);
	/* There is nothing to go back to, but an earlier failure is forgotten. */
	if (r == -EALREADY && event->last.again) {
		event->last.again = false;
		plan_json_write(in, plan, NULL);
	}
	return r;
}

int plan_check(const struct instance *in, const struct plan *plan,
	       const struct plan_event **ret_event, struct vc_err *err)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct plan_event *event = &plan->events[i];
		_cleanup_(plan_specs_done) struct specs specs = { .n = 0 };
		int r = plan_specs_apply(&specs, in, event->before, event->n_before, err);

		if (r == 0)
			r = reshape_check(in, specs.spec, specs.n, err);
		if (r == 0)
			r = plan_specs_apply(&specs, in, event->after, event->n_after, err);
		if (r == 0)
			r = reshape_check(in, specs.spec, specs.n, err);
		if (r < 0) {
			*ret_event = event;
			return r;
		}
	}
	return 0;
}
