// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * event.c - lists, shows, fires and reverts events
 */
#include "cli/vcctl/vcctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/columns.h"
#include "cli/json.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "partition/change/calendar.h"
#include "partition/change/plan.h"

/* Describes a trigger: "at 22:00". Returns buf. */
static const char *event_trigger(const struct plan_trigger *trigger, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s%s%s%s%s", trigger->at ? "at " : "",
		 trigger->at ? trigger->at : "", trigger->at && trigger->when ? ", " : "",
		 trigger->when ? trigger->when : "",
		 trigger->failover && (trigger->at || trigger->when) ? ", " : "",
		 trigger->failover ? "failover of " : "",
		 trigger->failover ? trigger->failover : "");
	if (!*buf)
		snprintf(buf, size, "by command");
	return buf;
}

static const char *event_time(uint64_t usec, char *buf, size_t size)
{
	time_t at = (time_t)(usec / 1000000);
	struct tm tm;

	strftime(buf, size, "%F %T", localtime_r(&at, &tm));
	return buf;
}

/* The next time of a trigger, in microseconds; 0: it has none. */
static uint64_t event_next(const struct plan_trigger *trigger)
{
	struct calendar calendar;
	uint64_t next;

	if (!trigger->at || calendar_parse(trigger->at, &calendar, NULL) < 0 ||
	    calendar_next(&calendar, clock_real_usec(), &next) < 0)
		return 0;
	return next;
}

static void event_list_json(const struct plan *plan)
{
	_cleanup_free_ char *text = plan_json_format(plan);
	json_t *root = text ? json_loads(text, 0, NULL) : NULL;

	for (size_t i = 0; root && i < plan->n; i++) {
		json_t *event = json_array_get(json_object_get(root, "events"), i);
		uint64_t next = event_next(&plan->events[i].fire);

		json_object_set_new(event, "next_usec",
				    next ? json_integer((json_int_t)next) : json_null());
	}
	json_print(root);
}

static void event_list(const struct plan *plan)
{
	struct columns *table = columns_new("EVENT|HAPPENS|NEXT|GOES BACK|STATE|LAST|RESULT");
	char text[512], at[32];

	for (size_t i = 0; i < plan->n; i++) {
		const struct plan_event *event = &plan->events[i];
		const struct plan_last *last = &event->last;
		uint64_t next = event_next(&event->fire);

		columns_add(table, "%s", event->name);
		columns_add(table, "%s", event_trigger(&event->fire, text, sizeof(text)));
		columns_add(table, "%s", next ? event_time(next, at, sizeof(at)) : "-");
		columns_add(table, "%s", event_trigger(&event->revert, text, sizeof(text)));
		columns_add(table, "%s", event->in_force ? "in force" : "-");
		columns_add(table, "%s",
			    last->at_usec ? event_time(last->at_usec, at, sizeof(at)) : "-");
		if (last->at_usec)
			columns_add(table, "%s: %s%s", plan_way_name(last->way),
				    *last->reason ? last->reason : "done",
				    last->again ? "; is tried again" : "");
		else
			columns_add(table, "-");
	}
	columns_print(table, stdout);
	columns_free(table);
}

/* Shows what firing and reverting the event would change now. */
static int event_show(const struct admin *admin, const struct instance *in,
		      const struct plan_event *event, struct vc_err *err)
{
	char fire[512], revert[512];
	struct partition_spec *after;
	size_t n;

	printf("%s: %s; goes back %s%s\n", event->name,
	       event_trigger(&event->fire, fire, sizeof(fire)),
	       event_trigger(&event->revert, revert, sizeof(revert)),
	       event->in_force ? "; in force" : "");
	for (enum plan_way way = PLAN_FIRE; way <= PLAN_REVERT; way++) {
		int r = plan_target(in, event, way, &after, &n, err);

		if (r == -EALREADY)
			continue;
		if (r < 0)
			return r;
		printf("\n%s:\n", plan_way_name(way));
		r = admin_preview(admin, in, after, n, err);
		plan_free_specs(after, n);
		if (r < 0)
			return r;
	}
	return 0;
}

static int event_look(const struct vcctl *opts, struct vc_err *err)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	const struct plan_event *event;
	int r = instance_open(opts->admin.state_dir, &in, err);

	if (r == 0)
		r = plan_json_read(in, &plan, err);
	if (r < 0)
		return r;
	if (opts->words[1]) {
		event = plan_find(plan, opts->words[1], err);
		return event ? event_show(&opts->admin, in, event, err) : -ENOENT;
	}
	if (opts->json)
		event_list_json(plan);
	else
		event_list(plan);
	return 0;
}

int vcctl_event(const struct vcctl *opts)
{
	const char *what = opts->words[0];
	bool list = !strcmp(what, "list"), fire = !strcmp(what, "fire");
	struct vc_err err = { 0 };
	int r;

	if ((!list && !fire && strcmp(what, "show") != 0 && strcmp(what, "revert") != 0) ||
	    list == !!opts->words[1]) {
		fputs("vcctl: 'event' takes list, or show, fire or revert and an event\n", stderr);
		return EXIT_USAGE_CODE;
	}
	if (list || !strcmp(what, "show"))
		r = event_look(opts, &err);
	else if (geteuid() != 0)
		r = err_set(&err, EPERM, "'event %s' needs root: it works on cgroups", what);
	else
		r = admin_event(&opts->admin,
				&(struct plan_order){ .event = opts->words[1],
						      .way = fire ? PLAN_FIRE : PLAN_REVERT,
						      .cause = PLAN_BY_COMMAND },
				&err);
	return vcctl_result(r, &err);
}

int vcctl_failover(const struct vcctl *opts)
{
	struct vc_err err = { 0 };

	return vcctl_result(admin_failover(&opts->admin, opts->words[0], &err), &err);
}
