// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * html.c - parts of the page: text, numbers, tables, lists; access to the results
 */
#include "bench/report/html.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "common/cleanup.h"

void html_text(FILE *out, const char *text)
{
	static const char *const escapes[] = {
		['<'] = "&lt;", ['>'] = "&gt;", ['&'] = "&amp;", ['"'] = "&quot;"
	};

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ARRAY_SIZE(escapes) && escapes[c])
			fputs(escapes[c], out);
		else
			putc(c, out);
	}
}

/* 1234567 -> 1,234,567 */
static void html_number_group(const char *digits, char *buf, size_t size)
{
	size_t n = strlen(digits), at = 0;

	for (size_t i = 0; i < n && at + 2 < size; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			buf[at++] = ',';
		buf[at++] = digits[i];
	}
	buf[at] = '\0';
}

const char *html_number(double value)
{
	static char ring[8][32];
	static size_t next;
	char digits[32], *buf = ring[next++ % ARRAY_SIZE(ring)];

	if (!isfinite(value)) {
		snprintf(buf, sizeof(ring[0]), "-");
	} else if (value >= 999.5 && value < 1e15) {
		snprintf(digits, sizeof(digits), "%.0f", value);
		html_number_group(digits, buf, sizeof(ring[0]));
	} else if (value == floor(value)) {
		snprintf(buf, sizeof(ring[0]), "%.0f", value);
	} else {
		double decimals = fmin(fmax(2 - floor(log10(fabs(value))), 0), 4);

		snprintf(buf, sizeof(ring[0]), "%.*f", (int)decimals, value);
	}
	return buf;
}

double html_get(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *html_string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

struct estimate html_estimate(const json_t *object, const char *key)
{
	return estimate_load(json_object_get(object, key));
}

double html_median(const json_t *object, const char *key)
{
	return html_get(json_object_get(object, key), "median");
}

const json_t *html_next(const json_t *list, const json_t *element)
{
	size_t i = 0;

	while (element && json_array_get(list, i++) != element)
		;
	return json_array_get(list, i);
}

const json_t *html_find(const json_t *list, const char *key, const char *text)
{
	html_foreach(list, object)
		if (!strcmp(html_string(object, key), text))
			return object;
	return NULL;
}

void html_figure_begin(FILE *out, const char *id, const char *heading, const char *caption)
{
	fprintf(out, "<section id=\"%s\"><h2>%s</h2>\n<figure><figcaption>%s</figcaption>", id,
		heading, caption);
}

void html_details_begin(FILE *out, const char *name, const char *what)
{
	fputs("<details><summary><b>", out);
	html_text(out, name);
	fputs("</b>: ", out);
	html_text(out, what);
	fputs("</summary>\n", out);
}

void html_table_begin(FILE *out, const char *headings)
{
	fputs("<div class=\"scroll\"><table><thead><tr>", out);
	while (*headings) {
		size_t len = strcspn(headings, "|");

		fprintf(out, "<th scope=\"col\">%.*s</th>", (int)len, headings);
		headings += len + (headings[len] == '|');
	}
	fputs("</tr></thead><tbody>\n", out);
}

void html_row_begin(FILE *out)
{
	fputs("<tr>", out);
}

void html_row_end(FILE *out)
{
	fputs("</tr>\n", out);
}

void html_table_end(FILE *out)
{
	fputs("</tbody></table></div>\n", out);
}

void html_cell_text(FILE *out, const char *text)
{
	fputs("<td>", out);
	html_text(out, text);
	fputs("</td>", out);
}

void html_cell_number(FILE *out, double value)
{
	fprintf(out, "<td class=\"n\">%s</td>", html_number(value));
}

void html_cell_estimate(FILE *out, struct estimate estimate)
{
	if (estimate.n == 0)
		fputs("<td class=\"n\">-</td>", out);
	else
		fprintf(out, "<td class=\"n\">%s <small>%s to %s</small></td>",
			html_number(estimate.center), html_number(estimate.low),
			html_number(estimate.high));
}

void html_list_add(struct html_list *list, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (list->n++ > 0 && list->len + 3 < sizeof(list->text)) {
		list->last = list->len;
		strcpy(list->text + list->len, ", ");
		list->len += 2;
	}
	va_start(ap, fmt);
	n = vsnprintf(list->text + list->len, sizeof(list->text) - list->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		list->len = list->len + (size_t)n < sizeof(list->text) ? list->len + (size_t)n
								       : sizeof(list->text) - 1;
}

void html_list_ratio(struct html_list *more, struct html_list *less, const char *name,
		     struct estimate ratio)
{
	enum estimate_says says = estimate_says(ratio);

	if (says == SAYS_MORE || says == SAYS_LESS)
		html_list_add(says == SAYS_MORE ? more : less, "%s (%.2f)", name, ratio.center);
}

const char *html_list_end(struct html_list *list)
{
	size_t tail = list->last + 2;

	if (list->n == 0)
		return "none";
	if (list->n > 1 && list->len + 4 < sizeof(list->text)) {
		memmove(list->text + list->last + 5, list->text + tail, list->len - tail + 1);
		memcpy(list->text + list->last, " and ", 5);
	}
	return list->text;
}
