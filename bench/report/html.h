/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * html.h - parts of the page: text, numbers, tables, lists; access to the results
 */
#ifndef VC_BENCH_REPORT_HTML_H
#define VC_BENCH_REPORT_HTML_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "bench/estimate.h"

void html_text(FILE *out, const char *text);
/* "12.3", "1,234", "0.0042": three significant digits; "-" if it is not finite. The text is valid
 * until eight further calls. */
const char *html_number(double value);
/* The number with that key, or NAN. */
double html_get(const json_t *object, const char *key);
/* The median of the samples with that key, or NAN. */
double html_median(const json_t *object, const char *key);
/* The text with that key, or "". */
const char *html_string(const json_t *object, const char *key);
/* The estimate with that key; n 0: there is none. */
struct estimate html_estimate(const json_t *object, const char *key);
/* The first object of a list whose text with that key is this one, or NULL. */
const json_t *html_find(const json_t *list, const char *key, const char *text);
/* The element after this one, or NULL; NULL: the first. */
const json_t *html_next(const json_t *list, const json_t *element);
#define html_foreach(list, element)                                                                \
	for (const json_t *element = NULL; (element = html_next(list, element));)

/* Begins a section with a figure in it, up to the figure's caption. */
void html_figure_begin(FILE *out, const char *id, const char *heading, const char *caption);
/* Begins a part that is folded away: a name and an explanation. It ends with "</details>". */
void html_details_begin(FILE *out, const char *name, const char *what);
/* A table that scrolls if it is too wide. Headings are separated by '|'. */
void html_table_begin(FILE *out, const char *headings);
void html_cell_text(FILE *out, const char *text);
void html_cell_number(FILE *out, double value);
void html_cell_estimate(FILE *out, struct estimate estimate);
void html_row_begin(FILE *out);
void html_row_end(FILE *out);
void html_table_end(FILE *out);

/* Words with commas and "and" between them: "a, b and c". */
struct html_list {
	char text[2048];
	size_t len, last, n; /* last: the separator before the last word */
};
void html_list_add(struct html_list *list, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Adds the name to one of the lists if the ratio says more or less than 1. */
void html_list_ratio(struct html_list *more, struct html_list *less, const char *name,
		     struct estimate ratio);
/* The text with its "and"; "none" if the list is empty. */
const char *html_list_end(struct html_list *list);

#endif
