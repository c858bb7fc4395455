// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * log.c - what daemon, shim and commands say on stderr
 *
 * A line is built first and written with one write(), so that lines of several
 * processes that share a log file do not mix.
 */
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *log_name = "vcrun";
static enum log_level log_max = LOG_LEVEL_WARN;

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
	line[len++] = '\n';
	/* Nothing can be done about a log that cannot be written. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	if (level > log_max)
		return;
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
