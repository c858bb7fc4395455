// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * duration.c - durations as people write them
 *
 * Accepts a part of systemd.time(7)'s time spans, with the same meaning.
 */
#include "common/duration.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DURATION_MAX_USEC (UINT64_C(100) * 365 * 86400 * 1000000)

static const struct {
	const char *name;
	uint64_t usec;
} duration_units[] = {
	{ "us", 1 },         { "usec", 1 },        { "ms", 1000 },         { "msec", 1000 },
	{ "s", 1000000 },    { "sec", 1000000 },   { "second", 1000000 },  { "seconds", 1000000 },
	{ "m", 60000000 },   { "min", 60000000 },  { "minute", 60000000 }, { "minutes", 60000000 },
	{ "h", 3600000000 }, { "hr", 3600000000 }, { "hour", 3600000000 }, { "hours", 3600000000 },
};

static uint64_t duration_unit(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(duration_units) / sizeof(duration_units[0]); i++)
		if (strlen(duration_units[i].name) == len &&
		    !memcmp(duration_units[i].name, name, len))
			return duration_units[i].usec;
	return 0;
}

/* Reads digits with an optional fraction; strtod() would accept hexadecimals and infinity too. */
static bool duration_number(const char **at, double *ret)
{
	const char *begin = *at;
	double weight = 1;

	*ret = 0;
	for (; **at >= '0' && **at <= '9'; (*at)++)
		*ret = *ret * 10 + (**at - '0');
	if (*at == begin)
		return false;
	if (**at != '.')
		return true;
	begin = ++*at;
	for (; **at >= '0' && **at <= '9'; (*at)++)
		*ret += (**at - '0') * (weight /= 10);
	return *at > begin;
}

int duration_parse(const char *text, uint64_t *ret_usec)
{
	const char *at = text + strspn(text, " ");
	double sum = 0;

	if (!*at)
		return -EINVAL;
	for (size_t n = 0; *at; n++) {
		uint64_t unit;
		double number;
		size_t len;

		if (!duration_number(&at, &number))
			return -EINVAL;
		at += strspn(at, " ");
		len = strspn(at, "abcdefghijklmnopqrstuvwxyz");
		unit = duration_unit(at, len);
		at += len;
		at += strspn(at, " ");
		/* A single number is seconds; one among others is a mistake. */
		if (len == 0 && n == 0 && !*at)
			unit = 1000000;
		if (unit == 0)
			return -EINVAL;
		sum += number * (double)unit;
	}
	if (sum > (double)DURATION_MAX_USEC)
		return -ERANGE;
	*ret_usec = (uint64_t)(sum + 0.5);
	return 0;
}

const char *duration_about(uint64_t usec, char *buf, size_t size)
{
	if (usec < 1000000)
		snprintf(buf, size, "%" PRIu64 " ms", (usec + 999) / 1000);
	else if (usec < 120000000)
		snprintf(buf, size, "%" PRIu64 " s", (usec + 500000) / 1000000);
	else
		snprintf(buf, size, "%" PRIu64 " min", (usec + 30000000) / 60000000);
	return buf;
}
