// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * other.c - the page's tables of whatever was measured
 */
#include "bench/report/report.h"

#include "bench/report/html.h"

/* Objects within objects become columns with both names. */
static void other_headings(FILE *out, const json_t *object, const char *prefix)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value) {
		char name[256];

		snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? " " : "", key);
		if (json_is_object(value)) {
			other_headings(out, value, name);
		} else if (!json_is_array(value)) {
			fputs("<th scope=\"col\">", out);
			html_text(out, name);
			fputs("</th>", out);
		}
	}
}

static void other_cells(FILE *out, const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value) {
		if (json_is_object(value))
			other_cells(out, value);
		else if (json_is_number(value))
			html_cell_number(out, json_number_value(value));
		else if (json_is_string(value))
			html_cell_text(out, json_string_value(value));
		else if (!json_is_array(value))
			html_cell_text(out, json_is_true(value) ? "yes" : "-");
	}
}

/* Rows that have the same shape as the one before share its headings. */
static void other_list(FILE *out, const json_t *list)
{
	const json_t *row, *last = NULL;
	size_t i;

	json_array_foreach(list, i, row) {
		if (!json_is_object(row))
			continue;
		if (!last || json_object_size(row) != json_object_size(last)) {
			if (last)
				html_table_end(out);
			fputs("<div class=\"scroll\"><table><thead><tr>", out);
			other_headings(out, row, "");
			fputs("</tr></thead><tbody>\n", out);
		}
		html_row_begin(out);
		other_cells(out, row);
		html_row_end(out);
		last = row;
	}
	if (last)
		html_table_end(out);
}

void report_other(FILE *out, const char *name, const json_t *figures)
{
	const char *key;
	json_t *value;

	if (name) {
		fprintf(out, "<section id=\"%s\"><h2>", name);
		html_text(out, name);
		fputs("</h2>\n", out);
	}
	fputs("<details><summary>All figures</summary>\n", out);
	if (json_is_array(figures)) {
		other_list(out, figures);
	} else if (json_is_object(figures)) {
		json_t *row = json_pack("[O]", figures);

		other_list(out, row);
		json_decref(row);
		json_object_foreach((json_t *)figures, key, value) {
			if (!json_is_array(value))
				continue;
			fputs("<h3>", out);
			html_text(out, key);
			fputs("</h3>\n", out);
			other_list(out, value);
		}
	}
	fputs("</details>\n", out);
	if (name)
		fputs("</section>\n", out);
}
