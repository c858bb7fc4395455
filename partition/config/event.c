// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * event.c - the event sections of vcrun.conf
 *
 * Whether an event is possible depends on all partitions. So it is checked after the file is read,
 * and the error names the line of the option that asks for too much.
 */
#include <errno.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "partition/change/calendar.h"
#include "partition/change/condition.h"
#include "partition/change/failure.h"
#include "partition/change/plan.h"
#include "partition/change/reshape.h"
#include "partition/config/priv.h"
#include "partition/instance.h"
#include "partition/topology.h"

#define LIST_TEXT 4096

static int event_check_at(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, 0);
	struct calendar calendar;
	struct vc_err err = { 0 };

	if (calendar_parse(text ? text : "", &calendar, &err) < 0)
		return fail(cfg, "%s: %s", opt->name, err.text);
	return 0;
}

static int event_check_when(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, 0);
	struct condition condition;
	struct vc_err err = { 0 };

	if (condition_parse(text ? text : "", &condition, &err) < 0)
		return fail(cfg, "%s: %s", opt->name, err.text);
	return config_line_note(cfg, opt);
}

static int event_check_failures(cfg_t *cfg, cfg_opt_t *opt)
{
	enum failure_kind kind;

	for (unsigned int i = 0; i < cfg_opt_size(opt); i++) {
		const char *word = cfg_opt_getnstr(opt, i);

		if (failure_parse(word ? word : "", &kind) < 0)
			return fail(cfg,
				    "failover-on: \"%s\" is none of cpus, freeze, kill, oom, crash",
				    word ? word : "");
	}
	return 0;
}

static int event_check_seconds(cfg_t *cfg, cfg_opt_t *opt)
{
	static const struct {
		const char *option;
		double least;
		const char *range;
	} limits[] = {
		{ "failover-freeze", 2, "2 to 86400 seconds" },
		{ "deadline", DBL_MIN, "more than 0 seconds, and at most 86400" },
		{ "retry", 1, "0, or 1 to 86400 seconds" },
		{ "hold", 0, "0 to 86400 seconds" },
	};
	double sec = cfg_opt_getnfloat(opt, 0);

	if (sec == 0 && !strcmp(opt->name, "retry"))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (!strcmp(opt->name, limits[i].option) &&
		    !(sec >= limits[i].least && sec <= 86400))
			return fail(cfg, "%s must be %s", opt->name, limits[i].range);
	return 0;
}

/* Called at the closing brace of an event. */
static int event_check(cfg_t *cfg, cfg_opt_t *opt)
{
	unsigned int n = cfg_opt_size(opt);
	cfg_t *section = cfg_opt_getnsec(opt, n - 1);
	const char *name = cfg_title(section);

	if (n > PLAN_EVENTS_MAX)
		return fail(cfg, "more than %d events", PLAN_EVENTS_MAX);
	if (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] ||
	    strlen(name) >= PARTITION_NAME_MAX)
		return fail(
			cfg,
			"\"%s\" is no event's name: small letters, digits and \"-\", at most %d",
			name, PARTITION_NAME_MAX - 1);
	if (cfg_size(section, "after") == 0)
		return fail(cfg, "event \"%s\" changes nothing: add after PARTITION { ... }", name);
	return 0;
}

void config_event_check(cfg_t *cfg)
{
	cfg_set_validate_func(cfg, "event", event_check);
	cfg_set_validate_func(cfg, "event|at", event_check_at);
	cfg_set_validate_func(cfg, "event|revert-at", event_check_at);
	cfg_set_validate_func(cfg, "event|when", event_check_when);
	cfg_set_validate_func(cfg, "event|revert-when", event_check_when);
	cfg_set_validate_func(cfg, "event|failover", config_line_note);
	cfg_set_validate_func(cfg, "event|failover-on", event_check_failures);
	cfg_set_validate_func(cfg, "event|failover-freeze", event_check_seconds);
	cfg_set_validate_func(cfg, "event|deadline", event_check_seconds);
	cfg_set_validate_func(cfg, "event|retry", event_check_seconds);
	cfg_set_validate_func(cfg, "event|hold", event_check_seconds);
	config_partition_check_shape(cfg, "event|before");
	config_partition_check_shape(cfg, "event|after");
}

static int event_fill_patch(cfg_t *section, struct spec_patch *patch, struct vc_err *err)
{
	char list[LIST_TEXT];
	enum memory_mode mode;
	int r = 0;

	*patch = (struct spec_patch){ .mode = -1, .exclusive = -1 };
	snprintf(patch->name, sizeof(patch->name), "%s", cfg_title(section));
	if (cfg_size(section, "cpus") > 0) {
		r = topology_check_cpus(cfg_getstr(section, "cpus"), list, sizeof(list), NULL, err);
		patch->cpus = r == 0 ? strdup(list) : NULL;
	}
	if (r == 0 && cfg_size(section, "mems") > 0) {
		r = topology_check_mems(cfg_getstr(section, "mems"), list, sizeof(list), err);
		patch->mems = r == 0 ? strdup(list) : NULL;
	}
	if (cfg_size(section, "memory") > 0)
		config_size_parse(cfg_getstr(section, "memory"), &patch->memory_bytes);
	if (cfg_size(section, "memory-mode") > 0 &&
	    spec_parse_mode(cfg_getstr(section, "memory-mode"), &mode) == 0)
		patch->mode = (int)mode;
	if (cfg_size(section, "exclusive") > 0)
		patch->exclusive = cfg_getbool(section, "exclusive");
	return r;
}

static int event_fill_patches(cfg_t *event, const char *option, const struct config *config,
			      struct spec_patch **ret, size_t *ret_n, struct vc_err *err)
{
	size_t n = cfg_size(event, option);

	*ret = calloc(n ? n : 1, sizeof(**ret));
	if (!*ret)
		return err_sys(err, ENOMEM, "cannot read the configuration");
	for (size_t i = 0; i < n; i++) {
		cfg_t *section = cfg_getnsec(event, option, (unsigned int)i);
		int r;

		if (config_find(config, cfg_title(section)) < 0) {
			config_line_fail(config_line_of(section, NULL),
					 "event \"%s\": there is no partition \"%s\"",
					 cfg_title(event), cfg_title(section));
			return -EINVAL;
		}
		*ret_n = i + 1;
		r = event_fill_patch(section, &(*ret)[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Checks the partition that a trigger watches. */
static int event_check_watched(cfg_t *section, const char *option, const struct config *config)
{
	const char *text = cfg_size(section, option) > 0 ? cfg_getstr(section, option) : NULL;
	struct condition condition;
	const char *name = text;

	if (!text)
		return 0;
	if (strcmp(option, "failover") != 0) {
		condition_parse(text, &condition, NULL);
		name = condition.partition;
	}
	if (config_find(config, name) >= 0)
		return 0;
	config_line_fail(config_line_of(section, option), "%s: there is no partition \"%s\"",
			 option, name);
	return -EINVAL;
}

static unsigned int event_fill_failures(cfg_t *section)
{
	unsigned int n = cfg_size(section, "failover-on"), bits = 0;
	enum failure_kind kind;

	for (unsigned int i = 0; i < n; i++)
		if (failure_parse(cfg_getnstr(section, "failover-on", i), &kind) == 0)
			bits |= FAILURE_BIT(kind);
	return n > 0 ? bits : failure_default_kinds();
}

static int event_fill_event(cfg_t *section, const struct config *config, struct plan_event *event,
			    struct vc_err *err)
{
	static const char *const watching[] = { "when", "revert-when", "failover" };
	int r = 0;

	snprintf(event->name, sizeof(event->name), "%s", cfg_title(section));
	event->deadline_msec = (unsigned int)(cfg_getfloat(section, "deadline") * 1000);
	event->retry_msec = (unsigned int)(cfg_getfloat(section, "retry") * 1000);
	event->fire.failures = event_fill_failures(section);
	event->fire.freeze_msec = (unsigned int)(cfg_getfloat(section, "failover-freeze") * 1000);
	event->hold_msec = (unsigned int)(cfg_getfloat(section, "hold") * 1000);
	if (config_copy_string(section, "at", &event->fire.at) < 0 ||
	    config_copy_string(section, "when", &event->fire.when) < 0 ||
	    config_copy_string(section, "failover", &event->fire.failover) < 0 ||
	    config_copy_string(section, "revert-at", &event->revert.at) < 0 ||
	    config_copy_string(section, "revert-when", &event->revert.when) < 0)
		return err_sys(err, ENOMEM, "cannot read the configuration");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(watching); i++)
		r = event_check_watched(section, watching[i], config);
	if (r == 0)
		r = event_fill_patches(section, "before", config, &event->before, &event->n_before,
				       err);
	if (r == 0)
		r = event_fill_patches(section, "after", config, &event->after, &event->n_after,
				       err);
	return r;
}

/* Returns the line of the last such option in the event's shapes, which together with earlier ones
 * asks for too much; 0: none has it. */
static int event_last_line(cfg_t *event, const char *option)
{
	int last = 0;

	for (unsigned int i = 0; i < cfg_size(event, "after"); i++) {
		cfg_t *section = cfg_getnsec(event, "after", i);
		int line = cfg_size(section, option) > 0 ? config_line_of(section, option) : 0;

		last = line > last ? line : last;
	}
	return last;
}

static int event_blamed_line(cfg_t *event, bool memory)
{
	int line = event_last_line(event, memory ? "memory" : "cpus");

	if (!line)
		line = event_last_line(event, "memory-mode");
	return line ? line : config_line_of(event, NULL);
}

int config_event_fill(cfg_t *cfg, struct config *config, struct vc_err *err)
{
	const struct instance in = { .config = config };
	unsigned int n = cfg_size(cfg, "event");
	const struct plan_event *event;
	struct vc_err why = { 0 };
	int r;

	config->plan = calloc(1, sizeof(*config->plan));
	if (config->plan)
		config->plan->events = calloc(n ? n : 1, sizeof(*config->plan->events));
	if (!config->plan || !config->plan->events)
		return err_sys(err, ENOMEM, "cannot read the configuration");
	for (unsigned int i = 0; i < n; i++) {
		config->plan->n = i + 1;
		r = event_fill_event(cfg_getnsec(cfg, "event", i), config, &config->plan->events[i],
				     err);
		if (r < 0)
			return r;
	}
	r = plan_check(&in, config->plan, &event, &why);
	if (r < 0) {
		config_line_fail(
			event_blamed_line(cfg_gettsec(cfg, "event", event->name), r == -E2BIG),
			"event \"%s\": %s", event->name, why.text);
		return -EINVAL;
	}
	return 0;
}
