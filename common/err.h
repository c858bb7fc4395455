/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * err.h - one error: a code, and a sentence for the person who reads it
 *
 * What can fail returns 0 or -errno and takes a struct vc_err last. The
 * function that finds the fault writes the sentence: what failed, on what, why,
 * and what to do about it. Callers add context in front ("move job 7 to vc1: …").
 * The same error crosses the wire and is printed once, by the command.
 */
#ifndef VC_COMMON_ERR_H
#define VC_COMMON_ERR_H

struct vc_err {
	int code;        /* a positive errno, 0 when nothing failed */
	char text[1024]; /* one line, no control characters, "" when nothing failed */
};

/* Writes code and sentence; returns -code. err may be NULL. */
int err_set(struct vc_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set(), and appends ": " and the system's words for code. */
int err_sys(struct vc_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "fmt: " before the sentence that stands; returns -err->code,
 * or -EIO without an err. */
int err_add(struct vc_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
