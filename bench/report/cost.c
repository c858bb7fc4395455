// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * cost.c - the page's sections on starting, moving and changing partitions
 */
#include <math.h>
#include <string.h>

#include "bench/report/html.h"
#include "bench/report/plot.h"
#include "bench/report/report.h"

static void spawn_table(FILE *out, const json_t *spawn)
{
	static const char *const keys[] = { "n", "median", "p90", "min", "max" };
	const json_t *way;
	size_t i;

	html_table_begin(out, "way|samples|median ms|p90 ms|min ms|max ms");
	json_array_foreach(spawn, i, way) {
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

	json_array_foreach(spawn, i, way) {
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
	json_array_foreach(spawn, i, way) {
		if (isnan(html_get(json_object_get(way, "msec"), "median")) ||
		    plot.n_rows == PLOT_ROWS)
			continue;
		plot.names[plot.n_rows] = spawn_short(html_string(way, "way"));
		plot.marks[plot.n_rows++][0] = plot_samples(0, json_object_get(way, "msec"));
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
			"it, and for %s ms by criu dump and criu restore: the first is %s times "
			"the second. ",
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
	json_array_foreach(move, i, size) {
		double mib = html_get(size, "mib");

		if (plot.series[0].n == PLOT_POINTS)
			break;
		plot.series[0].points[plot.series[0].n++] = plot_samples(
			mib, json_object_get(json_object_get(size, "vcmove_msec"), "downtime"));
		plot.series[1].points[plot.series[1].n++] = plot_samples(
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

/* One size of the program: the changes, and beside them that nothing was changed. */
static void reshape_rows(FILE *out, const json_t *reshape, double mib)
{
	struct plot_rows plot = { .title = "Time of a change and the program's longest pause",
				  .label = "ms",
				  .log = true,
				  .reference = NAN,
				  .n_series = 2,
				  .classes = { 0, 1 } };
	const json_t *change;
	size_t i;

	json_array_foreach(reshape, i, change) {
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
	const json_t *change;
	double mib = NAN;
	char buf[3][32];
	size_t i;

	fputs("<p class=\"reading\">The time of vcctl set, and the longest gap that the program "
	      "in the partition saw meanwhile (medians).",
	      out);
	json_array_foreach(reshape, i, change) {
		const json_t *pause = json_object_get(change, "pause_msec");
		double size = html_get(change, "mib");
		double total = html_get(json_object_get(change, "total_msec"), "median");

		if (size != mib)
			fprintf(out, "%s Of %.0f MiB: ", isnan(mib) ? "" : ".", size);
		else
			fputs("; ", out);
		mib = size;
		html_number(html_get(pause, "median"), buf[0], sizeof(buf[0]));
		if (!strcmp(html_string(change, "change"), "none"))
			fprintf(out, "when nothing is changed, a pause of %s ms", buf[0]);
		else
			fprintf(out, "%s in %s ms with a pause of %s ms",
				html_string(change, "change"),
				html_number(total, buf[1], sizeof(buf[1])), buf[0]);
	}
	fputs(". Lines go from the least to the 90th percentile.</p>\n", out);
}

void report_reshape(FILE *out, const json_t *reshape)
{
	const json_t *change;
	double mib = NAN;
	size_t i;

	if (json_array_size(reshape) == 0)
		return;
	fputs("<section id=\"reshape\"><h2>Changing a partition</h2>\n<figure><figcaption>While a "
	      "program runs in it</figcaption><p class=\"keys\">",
	      out);
	plot_key(out, 0, "the change");
	plot_key(out, 1, "the program's longest pause");
	fputs("</p><div class=\"two\">\n", out);
	json_array_foreach(reshape, i, change) {
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
