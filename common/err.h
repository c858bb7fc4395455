/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * err.h - one error: a code, and a text for people
 *
 * What can fail returns 0 or -errno and takes a struct vc_err last. The function that finds the
 * fault writes the text: what failed, on what, why, and what to do about it. Callers add context in
 * front ("move job 7 to vc1: ..."). The same error crosses the wire, and the command prints it
 * once.
 */
#ifndef VC_COMMON_ERR_H
#define VC_COMMON_ERR_H

struct vc_err {
	int code;        /* a positive errno, 0 when nothing failed */
	char text[1024]; /* one line, no control characters, "" when nothing failed */
};

/* Writes code and text. Returns -code. err may be NULL. */
int err_set(struct vc_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Does the same and appends ": " and the system's text for code. */
int err_sys(struct vc_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "fmt: " before the text. Returns -err->code, or -EIO when err is NULL. */
int err_add(struct vc_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
