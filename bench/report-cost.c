// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * report-cost.c - the page's sections on starting and moving, and on all else
 */
#include <math.h>
#include <string.h>

#include "bench/report-html.h"
#include "bench/report-plot.h"
#include "bench/report.h"

static struct plot_point median_mark(double x, const json_t *samples)
{
	return (struct plot_point){ .x = x,
				    .y = html_get(samples, "median"),
				    .low = html_get(samples, "min"),
				    .high = html_get(samples, "p90") };
}

static void spawn_table(FILE *out, const json_t *spawn)
{
	static const char *const keys[] = { "n", "median", "p90", "min", "max" };
	const json_t *way;
	size_t i;

	html_table_begin(out, "way|samples|median ms|p90 ms|min ms|max ms");
	json_array_foreach(spawn, i, way)
	{
		const json_t *msec = json_object_get(way, "msec");

		html_row_begin(out);
		html_cell_text(out, html_string(way, "way"));
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			html_cell_number(out, html_get(msec, keys[k]));
		html_row_end(out);
	}
	html_table_end(out);
}

static void spawn_read(FILE *out, const json_t *spawn)
{
	double base = NAN, ours = NAN;
	const json_t *way;
	char buf[3][32];
	size_t i;

	json_array_foreach(spawn, i, way)
	{
		double median = html_get(json_object_get(way, "msec"), "median");

		if (!strcmp(html_string(way, "way"), "fork+exec"))
			base = median;
		else if (!strncmp(html_string(way, "way"), "vcrun --policy", 14))
			ours = median;
	}
	fprintf(out,
		"<p class=\"reading\">fork and exec take %s ms (median), the same by vcrun with a "
		"policy %s ms: %s ms for choosing a partition, a group, namespaces and a "
		"supervisor of one's own. Lines go from the least to the 90th percentile.</p>\n",
		html_number(base, buf[0], sizeof(buf[0])),
		html_number(ours, buf[1], sizeof(buf[1])),
		html_number(ours - base, buf[2], sizeof(buf[2])));
}

/* "vcrun --policy=leastcpu" is wider than the place for it. */
static const char *spawn_short(const char *way)
{
	static const char *const names[][2] = { { "vcrun --policy", "vcrun" },
						{ "vcrun --on", "vcrun --on" },
						{ "vcrun --version", "--version" },
						{ "systemd-run", "systemd-run" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strncmp(way, names[i][0], strlen(names[i][0])))
			return names[i][1];
	return way;
}

void report_spawn(FILE *out, const json_t *spawn)
{
	struct plot_rows plot = { .title = "Time to start and end /bin/true, by way",
				  .label = "ms from the start to the known exit",
				  .reference = NAN,
				  .n_series = 1 };
	const json_t *way;
	size_t i;

	if (!spawn)
		return;
	json_array_foreach(spawn, i, way)
	{
		if (isnan(html_get(json_object_get(way, "msec"), "median")) ||
		    plot.n_rows == PLOT_ROWS)
			continue;
		plot.names[plot.n_rows] = spawn_short(html_string(way, "way"));
		plot.marks[plot.n_rows++][0] = median_mark(0, json_object_get(way, "msec"));
	}
	fputs("<section id=\"spawn\"><h2>Starting a program</h2>\n<figure><figcaption>/bin/true, "
	      "from the start to the known exit</figcaption><div class=\"one\">\n",
	      out);
	plot_rows_svg(out, &plot);
	fputs("</div>\n", out);
	spawn_read(out, spawn);
	fputs("</figure>\n<details><summary>All figures</summary>\n", out);
	spawn_table(out, spawn);
	fputs("</details></section>\n", out);
}

static void move_read(FILE *out, const json_t *move)
{
	const json_t *first = json_array_get(move, 0);
	const json_t *last = json_array_get(move, json_array_size(move) - 1);
	const json_t *sizes[] = { first, last };
	size_t n = first == last ? 1 : 2;

	fputs("<p class=\"reading\">", out);
	for (size_t i = 0; i < n; i++) {
		const json_t *ours =
			json_object_get(json_object_get(sizes[i], "vcmove_msec"), "downtime");
		const json_t *criu =
			json_object_get(json_object_get(sizes[i], "criu_msec"), "downtime");
		char buf[3][32];

		fprintf(out,
			"A program of %.0f MiB stands still for %s ms (median) when vcmove moves "
			"it, and for %s ms by criu dump and criu restore: %s of it. ",
			html_get(sizes[i], "mib"),
			html_number(html_get(ours, "median"), buf[0], sizeof(buf[0])),
			html_number(html_get(criu, "median"), buf[1], sizeof(buf[1])),
			html_number(html_get(sizes[i], "downtime_ratio"), buf[2], sizeof(buf[2])));
	}
	fputs("It is the program's own clock that says so. Lines go from the least to the 90th "
	      "percentile.</p>\n",
	      out);
}

void report_move(FILE *out, const json_t *move)
{
	struct plot_curves plot = { .title = "Downtime by size, vcmove and criu",
				    .heading = "Downtime",
				    .x_label = "MiB of memory",
				    .y_label = "ms",
				    .log_x = true,
				    .log_y = true,
				    .y_least = NAN,
				    .n_series = 2 };
	const json_t *size;
	size_t i;

	if (json_array_size(move) == 0)
		return;
	plot.series[1].class = 3;
	json_array_foreach(move, i, size)
	{
		double mib = html_get(size, "mib");

		if (plot.series[0].n == PLOT_POINTS)
			break;
		plot.series[0].points[plot.series[0].n++] = median_mark(
			mib, json_object_get(json_object_get(size, "vcmove_msec"), "downtime"));
		plot.series[1].points[plot.series[1].n++] = median_mark(
			mib, json_object_get(json_object_get(size, "criu_msec"), "downtime"));
	}
	fputs("<section id=\"move\"><h2>Moving a program</h2>\n<figure><figcaption>How long it "
	      "stands still</figcaption><p class=\"keys\">",
	      out);
	plot_key(out, 0, "vcmove");
	plot_key(out, 3, "criu dump + criu restore");
	fputs("</p><div class=\"one\">\n", out);
	plot_curves_svg(out, &plot);
	fputs("</div>\n", out);
	move_read(out, move);
	fputs("</figure>\n", out);
	report_other(out, NULL, move);
	fputs("</section>\n", out);
}

/* Objects within objects become columns with both names. */
static void other_headings(FILE *out, const json_t *object, const char *prefix)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
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

	json_object_foreach((json_t *)object, key, value)
	{
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

	json_array_foreach(list, i, row)
	{
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
		json_object_foreach((json_t *)figures, key, value)
		{
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
