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
 * A part is "*", a number, a range A..B, each also with /STEP, or several of these separated by
 * commas. Not supported: time zones other than the local one and UTC, days counted from the end of
 * the month (~), and fractions of a second.
 */
#ifndef VC_PARTITION_CALENDAR_H
#define VC_PARTITION_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

#define CALENDAR_FIRST_YEAR 1970
#define CALENDAR_LAST_YEAR 2199

/* The values of one part; bit i of all words is first + i. */
struct calendar_set {
	uint64_t bits[4];
};

struct calendar {
	struct calendar_set weekday; /* 0 is Monday */
	struct calendar_set year, month, day, hour, minute, second;
	bool utc;
};

/* Returns 0, or -EINVAL with the reason in the error. */
int calendar_parse(const char *text, struct calendar *ret, struct vc_err *err);
/*
 * Returns the first such time after another one, in microseconds since 1970, or -ENOENT. A local
 * time that the clock skips counts as mktime(3) reads it, an hour later. A local time that comes
 * twice counts once.
 */
int calendar_next(const struct calendar *calendar, uint64_t after_usec, uint64_t *ret_usec);

#endif
