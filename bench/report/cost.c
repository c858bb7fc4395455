// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * cost.c - the page's sections on starting, moving and changing partitions
 */
#include <math.h>
#include <string.h>

#include "bench/report/html.h"
#include "bench/report/plot.h"
#include "bench/report/report.h"
#include "common/cleanup.h"

static void spawn_table(FILE *out, const json_t *spawn)
{
	static const char *const keys[] = { "n", "median", "p90", "min", "max" };

	html_table_begin(out, "way|samples|median ms|p90 ms|min ms|max ms");
	html_foreach(spawn, way) {
		const json_t *msec = json_object_get(way, "msec");

		html_row_begin(out);
		html_cell_text(out, html_string(way, "way"));
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			html_cell_number(out, html_get(msec, keys[k]));
		html_row_end(out);
	}
	html_table_end(out);
}

static void spawn_read(FILE *out, const json_t *spawn)
{
	double base = NAN, ours = NAN;

	html_foreach(spawn, way) {
		double median = html_median(way, "msec");

		if (!strcmp(html_string(way, "way"), "fork+exec"))
			base = median;
		else if (!strncmp(html_string(way, "way"), "vcrun --policy", 14))
			ours = median;
	}
	fprintf(out,
		"<p class=\"reading\">fork and exec take %s ms (median), the same by vcrun with a "
		"policy %s ms: %s ms for choosing a partition, a group, namespaces and a "
		"supervisor of one's own. Lines go from the least to the 90th percentile.</p>\n",
		html_number(base), html_number(ours), html_number(ours - base));
}

/* "vcrun --policy=leastcpu" is wider than the place for it. */
static const char *spawn_short(const char *way)
{
	static const char *const names[][2] = { { "vcrun --policy", "vcrun" },
						{ "vcrun --on", "vcrun --on" },
						{ "vcrun --version", "--version" },
						{ "systemd-run", "systemd-run" } };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
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

	if (!spawn)
		return;
	html_foreach(spawn, way) {
		if (isnan(html_median(way, "msec")) || plot.n_rows == PLOT_ROWS)
			continue;
		plot.names[plot.n_rows] = spawn_short(html_string(way, "way"));
		plot.marks[plot.n_rows++][0] = plot_samples(0, json_object_get(way, "msec"));
	}
	html_figure_begin(out, "spawn", "Starting a program",
			  "/bin/true, from the start to the known exit");
	fputs("<div class=\"one\">\n", out);
	plot_rows_svg(out, &plot);
	fputs("</div>\n", out);
	spawn_read(out, spawn);
	fputs("</figure>\n<details><summary>All figures</summary>\n", out);
	spawn_table(out, spawn);
	fputs("</details></section>\n", out);
}

static void move_read(FILE *out, const json_t *move)
{
	const json_t *last = json_array_get(move, json_array_size(move) - 1);

	fputs("<p class=\"reading\">", out);
	html_foreach(move, size)
		if (size == json_array_get(move, 0) || size == last)
			fprintf(out,
				"A program of %.0f MiB stands still for %s ms (median) when vcmove "
				"moves it, and for %s ms by criu dump and criu restore: the first "
				"is %s times the second. ",
				html_get(size, "mib"),
				html_number(html_median(json_object_get(size, "vcmove_msec"),
							"downtime")),
				html_number(html_median(json_object_get(size, "criu_msec"),
							"downtime")),
				html_number(html_get(size, "downtime_ratio")));
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

	if (json_array_size(move) == 0)
		return;
	plot.series[1].class = 3;
	html_foreach(move, size) {
		double mib = html_get(size, "mib");

		if (plot.series[0].n == PLOT_POINTS)
			break;
		plot.series[0].points[plot.series[0].n++] = plot_samples(
			mib, json_object_get(json_object_get(size, "vcmove_msec"), "downtime"));
		plot.series[1].points[plot.series[1].n++] = plot_samples(
			mib, json_object_get(json_object_get(size, "criu_msec"), "downtime"));
	}
	html_figure_begin(out, "move", "Moving a program", "How long it stands still");
	fputs("<p class=\"keys\">", out);
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

/* One size of the program: the changes, and beside them that nothing was changed. */
static void reshape_rows(FILE *out, const json_t *reshape, double mib)
{
	struct plot_rows plot = { .title = "Time of a change and the program's longest pause",
				  .label = "ms",
				  .log = true,
				  .reference = NAN,
				  .n_series = 2,
				  .classes = { 0, 1 } };

	html_foreach(reshape, change) {
		const char *name = html_string(change, "change");

		if (html_get(change, "mib") != mib || plot.n_rows == PLOT_ROWS)
			continue;
		plot.names[plot.n_rows] = name;
		plot.marks[plot.n_rows][0] =
			strcmp(name, "none")
				? plot_samples(0, json_object_get(change, "total_msec"))
				: (struct plot_point){ .y = NAN, .low = NAN, .high = NAN };
		plot.marks[plot.n_rows++][1] =
			plot_samples(0, json_object_get(change, "pause_msec"));
	}
	fprintf(out, "<div><h3>%.0f MiB</h3>\n", mib);
	plot_rows_svg(out, &plot);
	fputs("</div>\n", out);
}

static void reshape_read(FILE *out, const json_t *reshape)
{
	double mib = NAN;

	fputs("<p class=\"reading\">The time of vcctl set, and the longest gap that the program "
	      "in the partition saw meanwhile (medians).",
	      out);
	html_foreach(reshape, change) {
		const char *name = html_string(change, "change");
		const char *pause = html_number(html_median(change, "pause_msec"));
		double size = html_get(change, "mib");

		if (size != mib)
			fprintf(out, "%s Of %.0f MiB: ", isnan(mib) ? "" : ".", size);
		else
			fputs("; ", out);
		mib = size;
		if (!strcmp(name, "none"))
			fprintf(out, "when nothing is changed, a pause of %s ms", pause);
		else
			fprintf(out, "%s in %s ms with a pause of %s ms", name,
				html_number(html_median(change, "total_msec")), pause);
	}
	fputs(". Lines go from the least to the 90th percentile.</p>\n", out);
}

void report_reshape(FILE *out, const json_t *reshape)
{
	double mib = NAN;

	if (json_array_size(reshape) == 0)
		return;
	html_figure_begin(out, "reshape", "Changing a partition", "While a program runs in it");
	fputs("<p class=\"keys\">", out);
	plot_key(out, 0, "the change");
	plot_key(out, 1, "the program's longest pause");
	fputs("</p><div class=\"two\">\n", out);
	html_foreach(reshape, change) {
		if (html_get(change, "mib") == mib)
			continue;
		mib = html_get(change, "mib");
		reshape_rows(out, reshape, mib);
	}
	fputs("</div>\n", out);
	reshape_read(out, reshape);
	fputs("</figure>\n", out);
	report_other(out, NULL, reshape);
	fputs("</section>\n", out);
}
