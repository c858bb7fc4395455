// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * columns.c - columns that are as wide as what stands in them
 *
 * Job names and arguments are a user's bytes and end on somebody else's terminal;
 * no control character gets there.
 */
#include "cli/columns.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

#define COLUMNS_MAX 16

struct columns {
	char *headings;
	const char *heading[COLUMNS_MAX];
	int right[COLUMNS_MAX];
	size_t columns;
	char **cells;
	size_t n_cells;
};

struct columns *columns_new(const char *headings)
{
	struct columns *table = calloc(1, sizeof(*table));
	char *rest = NULL, *word;

	if (table)
		table->headings = strdup(headings);
	if (!table || !table->headings) {
		fputs("out of memory\n", stderr);
		exit(1);
	}
	for (word = strtok_r(table->headings, "|", &rest); word && table->columns < COLUMNS_MAX;
	     word = strtok_r(NULL, "|", &rest)) {
		table->right[table->columns] = *word == '>';
		table->heading[table->columns++] = word + (*word == '>');
	}
	return table;
}

void columns_free(struct columns *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table->headings);
	free(table);
}

void columns_add(struct columns *table, const char *fmt, ...)
{
	char **grown = realloc(table->cells, (table->n_cells + 1) * sizeof(*grown));
	char *cell = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (!grown || vasprintf(&cell, fmt, ap) < 0) {
		fputs("out of memory\n", stderr);
		exit(1);
	}
	va_end(ap);
	text_hide_controls(cell);
	table->cells = grown;
	table->cells[table->n_cells++] = cell;
}

/* How many columns of a terminal it takes, if it is UTF-8 of narrow characters. */
static int columns_width(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static void columns_print_cell(const struct columns *table, size_t column, const char *text,
			       int width, FILE *out)
{
	const char *gap = column ? "  " : "";
	int fill = width - columns_width(text);

	if (table->right[column])
		fprintf(out, "%s%*s%s", gap, fill, "", text);
	else if (column + 1 == table->columns)
		fprintf(out, "%s%s", gap, text);
	else
		fprintf(out, "%s%s%*s", gap, text, fill, "");
}

void columns_print(const struct columns *table, FILE *out)
{
	int width[COLUMNS_MAX];

	for (size_t c = 0; c < table->columns; c++) {
		width[c] = columns_width(table->heading[c]);
		for (size_t i = c; i < table->n_cells; i += table->columns)
			if (columns_width(table->cells[i]) > width[c])
				width[c] = columns_width(table->cells[i]);
	}
	for (size_t c = 0; c < table->columns; c++)
		columns_print_cell(table, c, table->heading[c], width[c], out);
	fputc('\n', out);
	for (size_t i = 0; i < table->n_cells; i++) {
		columns_print_cell(table, i % table->columns, table->cells[i],
				   width[i % table->columns], out);
		if ((i + 1) % table->columns == 0)
			fputc('\n', out);
	}
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
