// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc.c - the page's section on talking across partitions
 */
#include <math.h>

#include "bench/report/html.h"
#include "bench/report/plot.h"
#include "bench/report/report.h"
#include "common/cleanup.h"

/* In the order of the page; of each, the first way is ours. */
static const struct {
	const char *key, *heading, *label, *unit;
} kinds[] = {
	{ "round_trip", "There and back", "us for a round trip", "us" },
	{ "message_64", "Messages of 64 bytes", "ns for a message", "ns" },
	{ "message_4096", "Messages of 4 KiB", "ns for a message", "ns" },
	{ "semaphore", "A semaphore nobody waits for", "ns for post and wait", "ns" },
	{ "open", "Opening by name", "us for an open", "us" },
};

static void ipc_rows(FILE *out, const json_t *ways, size_t kind)
{
	struct plot_rows plot = { .title = kinds[kind].heading,
				  .label = kinds[kind].label,
				  .log = true,
				  .reference = NAN,
				  .n_series = 1 };

	html_foreach(ways, way) {
		if (plot.n_rows == PLOT_ROWS)
			break;
		plot.names[plot.n_rows] = html_string(way, "way");
		plot.marks[plot.n_rows++][0] = plot_samples(0, way);
	}
	fprintf(out, "<div><h3>%s</h3>\n", kinds[kind].heading);
	plot_rows_svg(out, &plot);
	fputs("</div>\n", out);
}

/* The first way's median, and how many times that the others take. */
static void ipc_read(FILE *out, const json_t *ways, size_t kind)
{
	const json_t *first = json_array_get(ways, 0);
	struct html_list others = { 0 };

	html_foreach(ways, way)
		if (way != first && html_get(way, "n") > 0)
			html_list_add(&others, "%s %.2f times that", html_string(way, "way"),
				      html_get(way, "median") / html_get(first, "median"));
	fprintf(out, "%s: %s takes %s %s (median)%s%s. ", kinds[kind].heading,
		html_string(first, "way"), html_number(html_get(first, "median")), kinds[kind].unit,
		others.n ? ", " : "", others.n ? html_list_end(&others) : "");
}

void report_ipc(FILE *out, const json_t *ipc)
{
	const json_t *ways;

	if (!ipc)
		return;
	html_figure_begin(out, "ipc", "Talking across partitions",
			  "Two processes, pinned to the first and the last CPU");
	fputs("<div class=\"two\">\n", out);
	for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++)
		if (json_array_size(ways = json_object_get(ipc, kinds[kind].key)) > 0)
			ipc_rows(out, ways, kind);
	fputs("</div>\n<p class=\"reading\">", out);
	for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++)
		if (json_array_size(ways = json_object_get(ipc, kinds[kind].key)) > 0)
			ipc_read(out, ways, kind);
	fputs("Only vcipc looks for some microseconds before it sleeps; the others sleep at once. "
	      "Lines go from the least to the 90th percentile.</p></figure>\n",
	      out);
	report_other(out, NULL, ipc);
	fputs("</section>\n", out);
}
