// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * calendar.c - times of day and dates that come again
 *
 * libsystemd does not export its parser. So this one reads the part of systemd.time(7) that is used
 * in practice. Each part of an expression becomes a set of bits. The search for the next time goes
 * through the years, months and days in their sets, and then to the first time of that day.
 */
#include "partition/change/calendar.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/cleanup.h"

#define TEXT_MAX 256

static const struct part {
	const char *name;
	size_t offset; /* of its set in struct calendar */
	int first, last;
} parts[] = {
#define PART(field, low, high)                                                                     \
	{                                                                                          \
		.name = #field, .offset = offsetof(struct calendar, field), .first = (low),        \
		.last = (high)                                                                     \
	}
	PART(year, CALENDAR_FIRST_YEAR, CALENDAR_LAST_YEAR),
	PART(month, 1, 12),
	PART(day, 1, 31),
	PART(hour, 0, 23),
	PART(minute, 0, 59),
	PART(second, 0, 59),
#undef PART
};

#define N_DATE 3 /* the first parts are the date */

static const struct shorthand {
	const char *name, *text;
} shorthands[] = {
	{ "minutely", "*-*-* *:*:00" },
	{ "hourly", "*-*-* *:00:00" },
	{ "daily", "*-*-* 00:00:00" },
	{ "weekly", "Mon *-*-* 00:00:00" },
	{ "monthly", "*-*-01 00:00:00" },
	{ "yearly", "*-01-01 00:00:00" },
	{ "annually", "*-01-01 00:00:00" },
	{ "quarterly", "*-01,04,07,10-01 00:00:00" },
	{ "semiannually", "*-01,07-01 00:00:00" },
};

static const char *const weekdays[] = { "Monday", "Tuesday",  "Wednesday", "Thursday",
					"Friday", "Saturday", "Sunday" };

static void calendar_set_add(struct calendar_set *set, int bit)
{
	set->bits[bit / 64] |= UINT64_C(1) << bit % 64;
}

static bool calendar_set_has(const struct calendar_set *set, int bit)
{
	return set->bits[bit / 64] >> bit % 64 & 1;
}

static struct calendar_set *calendar_set_of(struct calendar *calendar, const struct part *part)
{
	return (struct calendar_set *)(void *)((char *)calendar + part->offset);
}

/* Takes a number of one to four digits from *text. */
static bool calendar_take_number(const char **text, int *ret)
{
	size_t n = strspn(*text, "0123456789");

	if (n == 0 || n > 4)
		return false;
	*ret = atoi(*text);
	*text += n;
	return true;
}

/* Takes one of a part's list: "*", "3", "1..5", "0/15", "*" with a step. */
static bool calendar_take_range(const char **text, const struct part *part,
				struct calendar_set *set)
{
	int from = part->first, to = part->last, by = 1;
	bool range = true;

	if (**text == '*') {
		(*text)++;
	} else {
		if (!calendar_take_number(text, &from))
			return false;
		range = !strncmp(*text, "..", 2);
		if (range) {
			*text += 2;
			if (!calendar_take_number(text, &to))
				return false;
		}
	}
	if (**text == '/') {
		(*text)++;
		if (!calendar_take_number(text, &by) || by == 0)
			return false;
	} else if (!range) {
		to = from;
	}
	if (from < part->first || to > part->last || from > to)
		return false;
	for (int value = from; value <= to; value += by)
		calendar_set_add(set, value - part->first);
	return true;
}

static bool calendar_take_part(const char **text, const struct part *part,
			       struct calendar *calendar)
{
	struct calendar_set *set = calendar_set_of(calendar, part);

	for (;;) {
		if (!calendar_take_range(text, part, set))
			return false;
		if (**text != ',')
			return true;
		(*text)++;
	}
}

/* Reads "2026-11-22", "*-*-1" or "12-24", from the given part to the last one. */
static bool calendar_parse_parts(const char *word, size_t from, size_t to, char separator,
				 struct calendar *calendar)
{
	for (size_t i = from; i < to; i++) {
		if (i > from && *word++ != separator)
			return false;
		if (!calendar_take_part(&word, &parts[i], calendar))
			return false;
	}
	return !*word;
}

static int calendar_take_weekday(const char **text)
{
	size_t n = strcspn(*text, ",.");

	for (size_t i = 0; i < ARRAY_SIZE(weekdays); i++) {
		if ((n == 3 || n == strlen(weekdays[i])) && !strncasecmp(*text, weekdays[i], n)) {
			*text += n;
			return (int)i;
		}
	}
	return -1;
}

static bool calendar_parse_weekdays(const char *word, struct calendar *calendar)
{
	for (;;) {
		int from = calendar_take_weekday(&word), to = from;

		if (from >= 0 && !strncmp(word, "..", 2)) {
			word += 2;
			to = calendar_take_weekday(&word);
		}
		if (from < 0 || to < 0)
			return false;
		/* Fri..Mon wraps around. */
		for (int day = from;; day = (day + 1) % 7) {
			calendar_set_add(&calendar->weekday, day);
			if (day == to)
				break;
		}
		if (!*word)
			return true;
		if (*word++ != ',')
			return false;
	}
}

static size_t calendar_count(const char *word, char c)
{
	size_t n = 0;

	for (; *word; word++)
		n += *word == c;
	return n;
}

/* The words of an expression that were found so far. */
enum stage { AT_WEEKDAY, AT_DATE, AT_TIME, AT_ZONE, AT_END };

static bool calendar_parse_word(const char *word, enum stage *stage, struct calendar *calendar)
{
	if (*stage <= AT_TIME && calendar_count(word, ':') > 0) {
		*stage = AT_ZONE;
		return calendar_count(word, ':') <= 2 &&
		       calendar_parse_parts(word, N_DATE, N_DATE + 1 + calendar_count(word, ':'),
					    ':', calendar);
	}
	if (*stage <= AT_DATE && calendar_count(word, '-') > 0) {
		*stage = AT_TIME;
		return calendar_count(word, '-') <= 2 &&
		       calendar_parse_parts(word, 2 - calendar_count(word, '-'), N_DATE, '-',
					    calendar);
	}
	if (*stage == AT_WEEKDAY) {
		*stage = AT_DATE;
		return calendar_parse_weekdays(word, calendar);
	}
	if (*stage > AT_WEEKDAY && *stage < AT_END && !strcasecmp(word, "UTC")) {
		*stage = AT_END;
		return calendar->utc = true;
	}
	return false;
}

/* Sets the defaults: any weekday and date, midnight or the full minute. */
static void calendar_fill_in(struct calendar *calendar)
{
	static const struct calendar_set none;

	if (!memcmp(&calendar->weekday, &none, sizeof(none)))
		memset(&calendar->weekday, 0xff, sizeof(none));
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		struct calendar_set *set = calendar_set_of(calendar, &parts[i]);

		if (memcmp(set, &none, sizeof(none)) != 0)
			continue;
		if (i < N_DATE)
			memset(set, 0xff, sizeof(none));
		else
			calendar_set_add(set, 0);
	}
}

int calendar_parse(const char *text, struct calendar *ret, struct vc_err *err)
{
	struct calendar calendar = { .utc = false };
	enum stage stage = AT_WEEKDAY;
	char copy[TEXT_MAX], *save, *word;
	const char *full = text;
	bool good;

	for (size_t i = 0; i < ARRAY_SIZE(shorthands); i++) {
		if (!strcasecmp(text, shorthands[i].name))
			full = shorthands[i].text;
	}
	good = snprintf(copy, sizeof(copy), "%s", full) < (int)sizeof(copy);
	word = good ? strtok_r(copy, " \t", &save) : NULL;
	good = word != NULL;
	for (; good && word; word = strtok_r(NULL, " \t", &save))
		good = calendar_parse_word(word, &stage, &calendar);
	if (!good)
		return err_set(err, EINVAL,
			       "\"%s\" is no time: write \"22:00\", \"Mon..Fri 06:30\", "
			       "\"*-*-01 00:00:00\" or \"hourly\"",
			       text);
	calendar_fill_in(&calendar);
	*ret = calendar;
	return 0;
}

static time_t calendar_to_time(const struct calendar *calendar, struct tm *tm)
{
	tm->tm_isdst = -1;
	return calendar->utc ? timegm(tm) : mktime(tm);
}

static time_t calendar_at_time(const struct calendar *calendar, const struct tm *day, int hour,
			       int minute, int second)
{
	struct tm tm = *day;

	tm.tm_hour = hour;
	tm.tm_min = minute;
	tm.tm_sec = second;
	return calendar_to_time(calendar, &tm);
}

/* Returns the first time of a day that is later than after, or -1. Skips hours and minutes that
 * have passed as a whole. */
static time_t calendar_first_of_day(const struct calendar *calendar, const struct tm *day,
				    time_t after)
{
	for (int hour = 0; hour < 24; hour++) {
		if (!calendar_set_has(&calendar->hour, hour) ||
		    calendar_at_time(calendar, day, hour, 59, 59) <= after)
			continue;
		for (int minute = 0; minute < 60; minute++) {
			if (!calendar_set_has(&calendar->minute, minute) ||
			    calendar_at_time(calendar, day, hour, minute, 59) <= after)
				continue;
			for (int second = 0; second < 60; second++) {
				time_t at = calendar_at_time(calendar, day, hour, minute, second);

				if (calendar_set_has(&calendar->second, second) && at > after)
					return at;
			}
		}
	}
	return -1;
}

/* Goes to the beginning of the next day in the set. Noon as an intermediate step avoids the hours
 * that clocks skip. */
static void calendar_advance(const struct calendar *calendar, struct tm *day)
{
	if (!calendar_set_has(&calendar->year, day->tm_year + 1900 - CALENDAR_FIRST_YEAR)) {
		day->tm_year++;
		day->tm_mon = 0;
		day->tm_mday = 1;
	} else if (!calendar_set_has(&calendar->month, day->tm_mon)) {
		day->tm_mon++;
		day->tm_mday = 1;
	} else {
		day->tm_mday++;
	}
	day->tm_hour = 12;
	day->tm_min = day->tm_sec = 0;
	calendar_to_time(calendar, day);
}

int calendar_next(const struct calendar *calendar, uint64_t after_usec, uint64_t *ret_usec)
{
	time_t after = (time_t)(after_usec / 1000000);
	struct tm day;

	if (calendar->utc)
		gmtime_r(&after, &day);
	else
		localtime_r(&after, &day);
	for (; day.tm_year + 1900 <= CALENDAR_LAST_YEAR; calendar_advance(calendar, &day)) {
		time_t at;

		if (!calendar_set_has(&calendar->year, day.tm_year + 1900 - CALENDAR_FIRST_YEAR) ||
		    !calendar_set_has(&calendar->month, day.tm_mon) ||
		    !calendar_set_has(&calendar->day, day.tm_mday - 1) ||
		    !calendar_set_has(&calendar->weekday, (day.tm_wday + 6) % 7))
			continue;
		at = calendar_first_of_day(calendar, &day, after);
		if (at >= 0) {
			*ret_usec = (uint64_t)at * 1000000;
			return 0;
		}
	}
	return -ENOENT;
}
