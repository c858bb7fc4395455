/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * html.h - what the sections of the page are written with
 */
#ifndef VC_BENCH_REPORT_HTML_H
#define VC_BENCH_REPORT_HTML_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "bench/estimate.h"

void html_text(FILE *out, const char *text);
/* "12.3", "1,234", "0.0042": three digits that count; "-" when it is not finite. */
const char *html_number(double value, char *buf, size_t size);
/* The number with that key, or NAN. */
double html_get(const json_t *object, const char *key);
/* The text with that key, or "". */
const char *html_string(const json_t *object, const char *key);
/* The estimate with that key; n 0: there is none. */
struct estimate html_estimate(const json_t *object, const char *key);
/* The first object of a list whose text with that key is this one, or NULL. */
const json_t *html_find(const json_t *list, const char *key, const char *text);

/* What is folded away: a name, and what it is. Its end is "</details>". */
void html_details_begin(FILE *out, const char *name, const char *what);
/* A table that scrolls on its own when it is too wide. Headings by '|'. */
void html_table_begin(FILE *out, const char *headings);
void html_cell_text(FILE *out, const char *text);
void html_cell_number(FILE *out, double value);
void html_cell_estimate(FILE *out, const struct estimate *estimate);
void html_row_begin(FILE *out);
void html_row_end(FILE *out);
void html_table_end(FILE *out);

/* Words with commas and "and" between them: "a, b and c". */
struct html_list {
	char text[2048];
	size_t len, last, n; /* last: where the separator before the last word stands */
};
void html_list_add(struct html_list *list, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Puts "and" where it belongs; "none" when the list is empty. */
const char *html_list_end(struct html_list *list);

#endif
