// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * condition.c - the load of a partition as the condition of an event
 */
#include "partition/change/condition.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

static const char *const metric_names[CONDITION_N_METRICS] = {
#define X(id, name) [CONDITION_##id] = name,
	CONDITION_METRICS(X)
#undef X
};

static const struct unit {
	const char *name;
	double sec;
} units[] = { { "", 1 }, { "s", 1 }, { "sec", 1 }, { "min", 60 }, { "m", 60 }, { "h", 3600 } };

static const char *condition_skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* Takes "vc0.cpu" from *text. */
static bool condition_take_metric(const char **text, struct condition *ret)
{
	size_t name = strcspn(*text, "."), metric;
	const char *what = *text + name + 1;

	if (name == 0 || name >= sizeof(ret->partition) || (*text)[name] != '.')
		return false;
	memcpy(ret->partition, *text, name);
	ret->partition[name] = '\0';
	metric = strspn(what, "abcdefghijklmnopqrstuvwxyz");
	for (size_t i = 0; i < ARRAY_SIZE(metric_names); i++) {
		if (strlen(metric_names[i]) == metric && !strncmp(what, metric_names[i], metric)) {
			ret->metric = (enum condition_metric)i;
			*text = condition_skip_blanks(what + metric);
			return true;
		}
	}
	return false;
}

static bool condition_take_number(const char **text, double *ret)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	*ret = strtod(*text, &end);
	*text = end;
	return *ret >= 0 && *ret < 1e9;
}

/* Reads "for 30s", or nothing. */
static bool condition_take_time(const char *text, struct condition *ret)
{
	double number;

	ret->for_usec = 0;
	if (!*text)
		return true;
	if (strncmp(text, "for", 3) != 0 || !isblank((unsigned char)text[3]))
		return false;
	text = condition_skip_blanks(text + 3);
	if (!condition_take_number(&text, &number))
		return false;
	text = condition_skip_blanks(text);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(text, units[i].name) != 0)
			continue;
		ret->for_usec = (uint64_t)(number * units[i].sec * 1e6);
		return true;
	}
	return false;
}

int condition_parse(const char *text, struct condition *ret, struct vc_err *err)
{
	struct condition condition = { .above = false };
	const char *rest = condition_skip_blanks(text);
	bool good = condition_take_metric(&rest, &condition) && (*rest == '>' || *rest == '<');

	if (good) {
		condition.above = *rest == '>';
		rest = condition_skip_blanks(rest + 1);
		good = condition_take_number(&rest, &condition.than);
	}
	if (good && *rest == '%') {
		good = condition.metric != CONDITION_JOBS && condition.metric != CONDITION_RUNNABLE;
		rest++;
	}
	if (!good || !condition_take_time(condition_skip_blanks(rest), &condition))
		return err_set(
			err, EINVAL,
			"\"%s\" is no condition: write \"vc0.cpu > 90%% for 30s\"; there are "
			"cpu, cpus, memory, jobs and runnable",
			text);
	*ret = condition;
	return 0;
}

bool condition_met(const struct condition *condition, struct condition_watch *watch, double value,
		   uint64_t now_usec)
{
	if (condition->above ? value <= condition->than : value >= condition->than) {
		*watch = (struct condition_watch){ .told = false };
		return false;
	}
	if (watch->since_usec == 0)
		watch->since_usec = now_usec;
	if (watch->told || now_usec - watch->since_usec < condition->for_usec)
		return false;
	return watch->told = true;
}
