/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * calendar.h - times of day and dates that come again, as systemd.time(7) writes them
 *
 *	[WEEKDAYS] [[YEAR-]MONTH-DAY] [HOUR:MINUTE[:SECOND]] [UTC]
 *
 *	22:00                     every day
 *	Mon..Fri *-*-* 06:30
 *	*-*-01 00:00:00           the first of each month
 *	*:0/15                    each quarter of an hour
 *	hourly daily weekly ...
 *
 * A part is "*", a number, a range A..B, each also with /STEP, or several separated by
 * commas. Not taken over from systemd: time zones other than the local one and UTC,
 * days counted from the month's end (~), and fractions of a second.
 */
#ifndef VC_PARTITION_CALENDAR_H
#define VC_PARTITION_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

#define CALENDAR_FIRST_YEAR 1970
#define CALENDAR_LAST_YEAR 2199

/* Which values of one part count; bit i of all words is first + i. */
struct calendar_set {
	uint64_t bits[4];
};

struct calendar {
	struct calendar_set weekday; /* from Monday, 0 */
	struct calendar_set year, month, day, hour, minute, second;
	bool utc;
};

/* -EINVAL, and what is wrong. */
int calendar_parse(const char *text, struct calendar *ret, struct vc_err *err);
/*
 * The first such time after another, in microseconds since 1970. -ENOENT: never again.
 * A local time that the clock jumps over counts as what mktime(3) makes of it, an hour
 * later; one that comes twice counts once.
 */
int calendar_next(const struct calendar *calendar, uint64_t after_usec, uint64_t *ret_usec);

#endif
