// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * verdict.c - prints the lines of a check
 */
#include "cli/vcctl/verdict.h"

#include <stdarg.h>
#include <stdio.h>

#include "cli/json.h"
#include "common/text.h"

void check_begin(struct check *check, bool json)
{
	*check = (struct check){ .json = json, .list = json_array() };
}

void check_line(struct check *check, enum verdict verdict, const char *what, const char *remedy,
		const char *fmt, ...)
{
	static const char *const words[] = { "ok", "warn", "fail" };
	char found[1200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(found, sizeof(found), fmt, ap);
	va_end(ap);
	text_hide_controls(found);
	if (verdict > check->worst)
		check->worst = verdict;
	json_array_append_new(check->list,
			      json_pack("{s:s, s:s, s:s, s:s*}", "check", what, "verdict",
					words[verdict], "found", found, "remedy", remedy));
	if (check->json)
		return;
	printf("%-4s  %-12s  %s\n", words[verdict], what, found);
	if (remedy)
		printf("                    -> %s\n", remedy);
	fflush(stdout);
}

int check_end(struct check *check)
{
	if (check->json)
		json_print(json_pack("{s:O}", "checks", check->list));
	json_decref(check->list);
	return check->worst == CHECK_FAIL;
}
