// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * plan.c - events become changes of partitions
 *
 * Whether an event is in force changes together with the shape: events.json's new
 * text goes through the change's journal. Several events may be in force at once; each
 * goes back to what it found itself, so revert them in reverse, or name the shapes
 * before in the configuration.
 */
#include "partition/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "partition/instance.h"
#include "partition/reshape.h"

DEFINE_CLEANUP(struct plan *, plan_freep, plan_free);

static void trigger_done(struct plan_trigger *trigger)
{
	free(trigger->at);
	free(trigger->when);
	free(trigger->failover);
}

static void free_patches(struct spec_patch *patches, size_t n)
{
	for (size_t i = 0; patches && i < n; i++)
		spec_patch_done(&patches[i]);
	free(patches);
}

void plan_event_done(struct plan_event *event)
{
	trigger_done(&event->fire);
	trigger_done(&event->revert);
	free_patches(event->before, event->n_before);
	free_patches(event->after, event->n_after);
	free_patches(event->found, event->n_found);
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

static void specs_done(struct specs *specs)
{
	plan_free_specs(specs->spec, specs->n);
}

/* The partition in the set, taken in as it is now if it is not there yet. */
static int specs_get(struct specs *specs, const struct instance *in, const char *name,
		     struct partition_spec **ret, struct vc_err *err)
{
	struct partition_spec *grown;
	int at = instance_find(in, name);

	for (size_t i = 0; i < specs->n; i++) {
		if (!strcmp(specs->spec[i].name, name)) {
			*ret = &specs->spec[i];
			return 0;
		}
	}
	if (at < 0)
		return err_set(err, ENOENT, "there is no partition '%s'", name);
	grown = reallocarray(specs->spec, specs->n + 1, sizeof(*grown));
	if (!grown)
		return err_sys(err, ENOMEM, "event");
	specs->spec = grown;
	if (spec_copy(&in->config->parts[at], &grown[specs->n]) < 0)
		return err_sys(err, ENOMEM, "event");
	*ret = &grown[specs->n++];
	return 0;
}

static int specs_apply(struct specs *specs, const struct instance *in,
		       const struct spec_patch *patches, size_t n, struct vc_err *err)
{
	for (size_t i = 0; i < n; i++) {
		struct partition_spec *spec = NULL;
		int r = specs_get(specs, in, patches[i].name, &spec, err);

		if (r == 0 && spec_apply(spec, &patches[i]) < 0)
			r = err_sys(err, ENOMEM, "event");
		if (r < 0)
			return r;
	}
	return 0;
}

int plan_target(const struct instance *in, const struct plan_event *event, enum plan_way way,
		struct partition_spec **ret, size_t *ret_n, struct vc_err *err)
{
	_cleanup_(specs_done) struct specs specs = { .n = 0 };
	int r;

	if (way == PLAN_FIRE) {
		r = specs_apply(&specs, in, event->after, event->n_after, err);
	} else if (!event->in_force && event->n_before == 0) {
		r = err_set(err, EALREADY, "it is not in force: there is nothing to go back to");
	} else {
		r = specs_apply(&specs, in, event->found, event->n_found, err);
		if (r == 0)
			r = specs_apply(&specs, in, event->before, event->n_before, err);
	}
	if (r < 0)
		return err_add(err, "event %s", event->name);
	*ret = steal_ptr(specs.spec);
	*ret_n = specs.n;
	specs.n = 0;
	return 0;
}

/* What firing will change, as it is now. */
static int note_found(const struct instance *in, struct plan_event *event, struct vc_err *err)
{
	struct spec_patch *found = calloc(event->n_after ? event->n_after : 1, sizeof(*found));

	if (!found)
		return err_sys(err, ENOMEM, "event");
	for (size_t i = 0; i < event->n_after; i++) {
		const struct spec_patch *after = &event->after[i];
		int at = instance_find(in, after->name);

		if (spec_patch_back(after, &in->config->parts[at], &found[i]) < 0) {
			free_patches(found, i);
			return err_sys(err, ENOMEM, "event");
		}
	}
	free_patches(event->found, event->n_found);
	event->found = found;
	event->n_found = event->n_after;
	return 0;
}

/* The event as it will be when it has gone that way. */
static int advance(const struct instance *in, struct plan_event *event, enum plan_way way,
		   struct vc_err *err)
{
	int r = way == PLAN_FIRE && !event->in_force ? note_found(in, event, err) : 0;

	if (r < 0)
		return r;
	event->in_force = way == PLAN_FIRE;
	event->last = (struct plan_last){ .at_usec = clock_real_usec(), .way = way };
	return 0;
}

static int go(struct instance *in, struct cg *cg, const struct plan *plan, struct plan_event *event,
	      enum plan_way way, const struct reshape_how *how, struct reshape_report *ret,
	      struct vc_err *err)
{
	_cleanup_(specs_done) struct specs after = { .n = 0 };
	_cleanup_free_ char *text = NULL;
	struct reshape_report report;
	char cause[PARTITION_NAME_MAX + 32];
	struct reshape_how event_how = *how;
	int r = plan_target(in, event, way, &after.spec, &after.n, err);

	if (r == 0)
		r = advance(in, event, way, err);
	if (r < 0)
		return r;
	text = plan_format(plan);
	if (!text)
		return err_sys(err, ENOMEM, "event %s", event->name);
	snprintf(cause, sizeof(cause), "%s event %s", plan_way_name(way), event->name);
	event_how.cause = cause;
	event_how.file = PLAN_FILE;
	event_how.text = text;
	if (!how->deadline_msec)
		event_how.deadline_msec = event->deadline_msec;
	r = reshape_run(in, cg, after.spec, after.n, &event_how, &report, err);
	if (r == 0 && report.n_changed == 0)
		r = plan_write(in, plan, err);
	if (r == 0)
		*ret = report;
	else
		err_add(err, "event %s", event->name);
	return r;
}

/* What failed is noted too; in_force and found are as they were. */
static void note_failure(const struct instance *in, const char *name, enum plan_way way,
			 const struct vc_err *why)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct plan_event *event;

	if (plan_read(in, &plan, NULL) < 0)
		return;
	event = plan_find(plan, name, NULL);
	if (!event)
		return;
	event->last = (struct plan_last){ .at_usec = clock_real_usec(), .way = way };
	snprintf(event->last.reason, sizeof(event->last.reason), "%s", why->text);
	plan_write(in, plan, NULL);
}

void plan_note_again(const struct instance *in, const char *name)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct plan_event *event;

	if (plan_read(in, &plan, NULL) < 0)
		return;
	event = plan_find(plan, name, NULL);
	if (!event || !event->retry_msec || !*event->last.reason)
		return;
	event->last.again = true;
	plan_write(in, plan, NULL);
}

int plan_go(struct instance *in, struct cg *cg, const char *name, enum plan_way way,
	    const struct reshape_how *how, struct reshape_report *ret, struct vc_err *err)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct plan_event *event;
	struct vc_err own;
	int r;

	err = err ? err : &own;
	r = plan_read(in, &plan, err);
	if (r < 0)
		return r;
	event = plan_find(plan, name, err);
	if (!event)
		return -ENOENT;
	r = go(in, cg, plan, event, way, how, ret, err);
	if (r < 0 && r != -EALREADY)
		note_failure(in, name, way, err);
	/* Nothing to go back from, but to be given up. */
	if (r == -EALREADY && event->last.again) {
		event->last.again = false;
		plan_write(in, plan, NULL);
	}
	return r;
}

int plan_check(const struct instance *in, const struct plan *plan,
	       const struct plan_event **ret_event, struct vc_err *err)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct plan_event *event = &plan->events[i];
		_cleanup_(specs_done) struct specs specs = { .n = 0 };
		int r = specs_apply(&specs, in, event->before, event->n_before, err);

		if (r == 0)
			r = reshape_check(in, specs.spec, specs.n, err);
		if (r == 0)
			r = specs_apply(&specs, in, event->after, event->n_after, err);
		if (r == 0)
			r = reshape_check(in, specs.spec, specs.n, err);
		if (r < 0) {
			*ret_event = event;
			return r;
		}
	}
	return 0;
}
