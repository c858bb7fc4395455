// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * err.c - one error: a code, and a text for people
 *
 * A text that does not fit is cut at its end. Its beginning says where and what failed, which is
 * more important than the last detail.
 */
#include "common/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

__attribute__((format(printf, 3, 0))) static int err_vset(struct vc_err *err, int code,
							  const char *fmt, va_list ap)
{
	if (err) {
		err->code = code;
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		/* It may quote a file's name or a user's word. */
		text_hide_controls(err->text);
	}
	return -code;
}

int err_set(struct vc_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(err, code, fmt, ap);
	va_end(ap);
	return -code;
}

int err_sys(struct vc_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(err, code, fmt, ap);
	va_end(ap);
	if (err) {
		size_t len = strlen(err->text);

		snprintf(err->text + len, sizeof(err->text) - len, ": %s", strerror(code));
	}
	return -code;
}

int err_add(struct vc_err *err, const char *fmt, ...)
{
	char context[sizeof(err->text)], old[sizeof(err->text)];
	va_list ap;

	if (!err)
		return -EIO; /* without err the caller only needs a failure */
	va_start(ap, fmt);
	vsnprintf(context, sizeof(context), fmt, ap);
	va_end(ap);
	memcpy(old, err->text, sizeof(old));
	/* Cut at the end on purpose: see the top of this file. */
	if (snprintf(err->text, sizeof(err->text), "%s: %s", context, old) < 0)
		err->text[0] = '\0';
	text_hide_controls(err->text);
	return -err->code;
}
