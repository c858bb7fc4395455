// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * plan-json.c - events.json
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/statedir.h"

#include "common/cleanup.h"
#include "common/file.h"
#include "common/trust.h"
#include "partition/change/failure.h"
#include "partition/change/plan.h"
#include "partition/instance.h"

#define PLAN_BYTES_MAX (4u << 20)

static json_t *plan_json_put_patches(const struct spec_patch *patches, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, spec_patch_to_json(&patches[i]));
	return list;
}

static json_t *plan_json_put_last(const struct plan_last *last)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:b, s:b}", "at_usec", (json_int_t)last->at_usec,
			 "way", plan_way_name(last->way), "cause",
			 plan_rank_cause_name(last->cause), "reason", last->reason, "again",
			 last->again, "put-off", last->put_off);
}

static json_t *plan_json_put_failures(const struct plan_trigger *trigger)
{
	json_t *list = json_array();

	for (int i = 0; i < FAILURE_N_KINDS; i++)
		if (trigger->failures & FAILURE_BIT(i))
			json_array_append_new(list,
					      json_string(failure_name((enum failure_kind)i)));
	return list;
}

static int plan_json_get_failures(const json_t *list, struct plan_trigger *trigger)
{
	trigger->failures = list ? 0 : failure_default_kinds();
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *word = json_string_value(json_array_get(list, i));
		enum failure_kind kind;

		if (!word || failure_parse(word, &kind) < 0)
			return -EINVAL;
		trigger->failures |= FAILURE_BIT(kind);
	}
	return 0;
}

static json_t *plan_json_put_event(const struct plan_event *event)
{
	return json_pack(
		"{s:s, s:s*, s:s*, s:s*, s:o, s:i, s:s*, s:s*, s:i, s:i, s:i, s:o, s:o, s:b, s:s, "
		"s:I, s:o, s:o}",
		"name", event->name, "at", event->fire.at, "when", event->fire.when, "failover",
		event->fire.failover, "failover-on", plan_json_put_failures(&event->fire),
		"failover-freeze-msec", (int)event->fire.freeze_msec, "revert-at", event->revert.at,
		"revert-when", event->revert.when, "deadline-msec", (int)event->deadline_msec,
		"retry-msec", (int)event->retry_msec, "hold-msec", (int)event->hold_msec, "before",
		plan_json_put_patches(event->before, event->n_before), "after",
		plan_json_put_patches(event->after, event->n_after), "in-force", event->in_force,
		"by", plan_rank_cause_name(event->by), "changed_usec",
		(json_int_t)event->changed_usec, "found",
		plan_json_put_patches(event->found, event->n_found), "last",
		plan_json_put_last(&event->last));
}

char *plan_json_format(const struct plan *plan)
{
	json_auto_t *root = NULL;
	json_t *list = json_array();

	for (size_t i = 0; i < plan->n; i++)
		json_array_append_new(list, plan_json_put_event(&plan->events[i]));
	root = json_pack("{s:o}", "events", list);
	return root && json_array_size(list) == plan->n ? json_dumps(root, JSON_INDENT(1)) : NULL;
}

int plan_json_write(const struct instance *in, const struct plan *plan, struct vc_err *err)
{
	_cleanup_free_ char *text = plan_json_format(plan);
	int r = text ? file_replace(in->dirfd, STATE_EVENTS, text, strlen(text), 0644) : -ENOMEM;

	return r < 0 ? err_sys(err, -r, "cannot write %s/" STATE_EVENTS, in->dir) : 0;
}

static int plan_json_get_patches(json_t *list, struct spec_patch **ret, size_t *ret_n,
				 json_error_t *why)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > PARTITIONS_MAX)
		return -EINVAL;
	*ret = calloc(n ? n : 1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int r = spec_patch_from_json(json_array_get(list, i), &(*ret)[i], why);

		if (r < 0)
			return r;
		*ret_n = i + 1;
	}
	return 0;
}

static int plan_json_copy(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

static int plan_json_get_last(json_t *root, struct plan_last *ret, json_error_t *why)
{
	const char *way, *reason, *cause = NULL;
	json_int_t at;
	int again, put_off = 0;

	if (json_unpack_ex(root, why, 0, "{s:I, s:s, s?s, s:s, s:b, s?b}", "at_usec", &at, "way",
			   &way, "cause", &cause, "reason", &reason, "again", &again, "put-off",
			   &put_off) < 0)
		return -EINVAL;
	if (cause && plan_rank_parse_cause(cause, &ret->cause) < 0)
		return -EINVAL;
	ret->put_off = put_off;
	ret->again = again;
	ret->at_usec = at > 0 ? (uint64_t)at : 0;
	ret->way = strcmp(way, plan_way_name(PLAN_REVERT)) ? PLAN_FIRE : PLAN_REVERT;
	snprintf(ret->reason, sizeof(ret->reason), "%s", reason);
	return 0;
}

/* On failure the caller frees what is filled in. */
static int plan_json_get_event(json_t *root, struct plan_event *event, json_error_t *why)
{
	const char *name, *at = NULL, *when = NULL, *failover = NULL, *back_at = NULL;
	const char *back_when = NULL;
	json_t *before, *after, *found, *last, *failures = NULL;
	const char *by = NULL;
	json_int_t changed = 0;
	int in_force, deadline, retry, hold = 0, freeze = 0, r;

	if (json_unpack_ex(root, why, 0,
			   "{s:s, s?s, s?s, s?s, s?o, s?i, s?s, s?s, s:i, s:i, s?i, s:o, s:o, s:b, "
			   "s?s, s?I, "
			   "s:o, s:o}",
			   "name", &name, "at", &at, "when", &when, "failover", &failover,
			   "failover-on", &failures, "failover-freeze-msec", &freeze, "revert-at",
			   &back_at, "revert-when", &back_when, "deadline-msec", &deadline,
			   "retry-msec", &retry, "hold-msec", &hold, "before", &before, "after",
			   &after, "in-force", &in_force, "by", &by, "changed_usec", &changed,
			   "found", &found, "last", &last) < 0 ||
	    deadline < 0 || retry < 0 || hold < 0 || freeze < 0 ||
	    plan_json_get_failures(failures, &event->fire) < 0 || changed < 0 ||
	    (by && plan_rank_parse_cause(by, &event->by) < 0) ||
	    snprintf(event->name, sizeof(event->name), "%s", name) >= (int)sizeof(event->name))
		return -EINVAL;
	event->deadline_msec = (unsigned int)deadline;
	event->retry_msec = (unsigned int)retry;
	event->hold_msec = (unsigned int)hold;
	event->fire.freeze_msec = (unsigned int)freeze;
	event->in_force = in_force;
	event->changed_usec = (uint64_t)changed;
	if (plan_json_copy(at, &event->fire.at) < 0 ||
	    plan_json_copy(when, &event->fire.when) < 0 ||
	    plan_json_copy(failover, &event->fire.failover) < 0 ||
	    plan_json_copy(back_at, &event->revert.at) < 0 ||
	    plan_json_copy(back_when, &event->revert.when) < 0)
		return -ENOMEM;
	r = plan_json_get_last(last, &event->last, why);
	if (r == 0)
		r = plan_json_get_patches(before, &event->before, &event->n_before, why);
	if (r == 0)
		r = plan_json_get_patches(after, &event->after, &event->n_after, why);
	if (r == 0)
		r = plan_json_get_patches(found, &event->found, &event->n_found, why);
	return r;
}

static int plan_json_get(json_t *root, struct plan *plan, json_error_t *why)
{
	const json_t *list = json_object_get(root, "events");
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > PLAN_EVENTS_MAX)
		return -EINVAL;
	plan->events = calloc(n ? n : 1, sizeof(*plan->events));
	if (!plan->events)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int r;

		plan->n = i + 1;
		r = plan_json_get_event(json_array_get(list, i), &plan->events[i], why);
		if (r < 0)
			return r;
	}
	return 0;
}

int plan_json_read(const struct instance *in, struct plan **ret, struct vc_err *err)
{
	_cleanup_(plan_freep) struct plan *plan = calloc(1, sizeof(*plan));
	_cleanup_free_ char *text = NULL;
	json_error_t why = { .text = "a field of the wrong kind" };
	json_auto_t *root = NULL;
	ssize_t len;
	int r = 0;

	if (!plan)
		return err_sys(err, ENOMEM, "events");
	len = trust_read_all(in->dirfd, STATE_EVENTS, PLAN_BYTES_MAX, &text);
	if (len < 0 && len != -ENOENT)
		return err_sys(err, (int)-len, "cannot read %s/" STATE_EVENTS, in->dir);
	if (len >= 0) {
		root = json_loadb(text, (size_t)len, 0, &why);
		r = root ? plan_json_get(root, plan, &why) : -EINVAL;
	}
	if (r < 0)
		return err_set(err, -r, "%s/" STATE_EVENTS " is damaged (%s)", in->dir, why.text);
	*ret = steal_ptr(plan);
	return 0;
}
