// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * columns.c - tables, printed by libsmartcols
 *
 * Job names and arguments are a user's bytes and end on another user's terminal. No control
 * character gets there.
 */
#include "cli/columns.h"

#include <libsmartcols.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

struct columns {
	struct libscols_table *table;
	struct libscols_line *line;
	size_t n_cells;
};

static void columns_check(bool ok)
{
	if (!ok) {
		fputs("out of memory\n", stderr);
		exit(1);
	}
}

struct columns *columns_new(const char *headings)
{
	struct columns *columns = calloc(1, sizeof(*columns));
	char *list = strdup(headings), *rest = NULL, *word;

	/* Texts are UTF-8 in every locale, and libsmartcols measures them by the locale. */
	setlocale(LC_CTYPE, "C.UTF-8");
	columns_check(columns && list && (columns->table = scols_new_table()));
	scols_table_set_column_separator(columns->table, "  ");
	for (word = strtok_r(list, "|", &rest); word; word = strtok_r(NULL, "|", &rest)) {
		int flags = *word == '>' ? SCOLS_FL_RIGHT : *word == '<' ? SCOLS_FL_TRUNC : 0;

		columns_check(
			scols_table_new_column(columns->table, word + (flags != 0), 0, flags));
	}
	free(list);
	return columns;
}

void columns_free(struct columns *columns)
{
	if (columns)
		scols_unref_table(columns->table);
	free(columns);
}

void columns_add(struct columns *columns, const char *fmt, ...)
{
	size_t column = columns->n_cells++ % scols_table_get_ncols(columns->table);
	char *cell = NULL;
	va_list ap;

	va_start(ap, fmt);
	columns_check(vasprintf(&cell, fmt, ap) >= 0);
	va_end(ap);
	text_hide_controls(cell);
	if (column == 0)
		columns_check((columns->line = scols_table_new_line(columns->table, NULL)));
	columns_check(scols_line_refer_data(columns->line, column, cell) == 0);
}

/* libsmartcols prints no headings for a table without rows. */
static void columns_print_headings(const struct columns *columns, FILE *out)
{
	for (size_t i = 0; i < scols_table_get_ncols(columns->table); i++)
		fprintf(out, "%s%s", i ? "  " : "",
			scols_column_get_name(scols_table_get_column(columns->table, i)));
	fputc('\n', out);
}

void columns_print(const struct columns *columns, FILE *out)
{
	if (columns->n_cells == 0) {
		columns_print_headings(columns, out);
		return;
	}
	scols_table_set_stream(columns->table, out);
	scols_print_table(columns->table);
}

const char *columns_bytes(uint64_t bytes, char *buf, size_t size)
{
	static const char units[] = "BKMGTP";
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 1024 && unit + 2 < sizeof(units); unit++)
		value /= 1024;
	snprintf(buf, size, value < 10 && unit > 0 ? "%.1f%c" : "%.0f%c", value, units[unit]);
	return buf;
}

const char *columns_usec(uint64_t usec, char *buf, size_t size)
{
	if (usec < 1000)
		snprintf(buf, size, "%uus", (unsigned)usec);
	else if (usec < 1000000)
		snprintf(buf, size, "%.1fms", (double)usec / 1e3);
	else
		snprintf(buf, size, "%.2fs", (double)usec / 1e6);
	return buf;
}
