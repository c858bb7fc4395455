// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * log.c - messages of daemon, shim and commands on stderr
 *
 * One write() writes a whole line, so that lines of several processes with the same log file do not
 * mix.
 */
#include "common/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log-bound.h"
#include "common/text.h"

static const char *log_name = "vcrun";
static enum log_level log_max = LOG_LEVEL_WARN;
static bool log_is_bound;

void log_open(const char *name, enum log_level level)
{
	static const char *const names[] = {
		[LOG_LEVEL_ERROR] = "error",
		[LOG_LEVEL_WARN] = "warn",
		[LOG_LEVEL_INFO] = "info",
		[LOG_LEVEL_DEBUG] = "debug",
	};
	const char *env = getenv("VCRUN_LOG");

	log_name = name;
	log_max = level;
	for (int i = LOG_LEVEL_ERROR; env && i <= LOG_LEVEL_DEBUG; i++)
		if (!strcmp(env, names[i]))
			log_max = i;
}

__attribute__((format(printf, 1, 0))) static void log_vwrite(const char *fmt, va_list ap)
{
	char line[2048];
	int head = snprintf(line, sizeof(line), "%s[%d]: ", log_name, (int)getpid());
	int len = head + vsnprintf(line + head, sizeof(line) - head, fmt, ap);

	if (len > (int)sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len] = '\0';
	text_hide_controls(line);
	len = (int)strlen(line);
	line[len++] = '\n';
	/* A failure to write a log cannot be reported. */
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		return;
	if (log_is_bound)
		log_bound_file();
}

__attribute__((format(printf, 1, 2))) static void log_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vwrite(fmt, ap);
	va_end(ap);
}

void log_bound(void)
{
	log_is_bound = true;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	unsigned int left_out = 0;
	va_list ap;

	if (level > log_max)
		return;
	if (log_is_bound && log_max < LOG_LEVEL_DEBUG && !log_bound_admits(level, &left_out))
		return;
	if (left_out > 0)
		log_line("%u messages were left out, because there were too many", left_out);
	va_start(ap, fmt);
	log_vwrite(fmt, ap);
	va_end(ap);
}

void fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vwrite(fmt, ap);
	va_end(ap);
	exit(1);
}
