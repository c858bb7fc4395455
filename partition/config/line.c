// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * line.c - the line of an error
 *
 * libconfuse knows the line only while it parses, and passes no pointer of ours to its callbacks.
 * So they note here, for the file that this thread reads, the lines of options, and the first
 * error. Later errors follow from it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "partition/config/priv.h"

#define LINES_MAX 2048 /* for later errors */

/* libconfuse's callbacks write here. */
static _Thread_local struct reading {
	const char *path;
	struct vc_err *err;
	bool failed;
	struct line {
		const cfg_t *section;
		const char *option;
		int line;
	} lines[LINES_MAX];
	size_t n_lines;
} reading;

void config_line_begin(const char *path, struct vc_err *err)
{
	reading = (struct reading){ .path = path, .err = err };
}

bool config_line_has_failed(void)
{
	return reading.failed;
}

int config_line_fail(int line, const char *fmt, ...)
{
	char sentence[512];
	va_list ap;

	if (reading.failed)
		return -1;
	reading.failed = true;
	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	err_set(reading.err, EINVAL, "%s:%d: %s", reading.path, line, sentence);
	return -1;
}

int config_line_note(cfg_t *section, cfg_opt_t *opt)
{
	if (reading.n_lines < LINES_MAX)
		reading.lines[reading.n_lines++] = (struct line){
			.section = section,
			.option = opt->name,
			.line = section->line,
		};
	return 0;
}

int config_line_of(const cfg_t *section, const char *option)
{
	for (size_t i = reading.n_lines; option && i > 0; i--) {
		const struct line *line = &reading.lines[i - 1];

		if (line->section == section && !strcmp(line->option, option))
			return line->line;
	}
	return section->line;
}
