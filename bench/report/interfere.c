// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * interfere.c - the page's section on noisy neighbours
 */
#include <math.h>
#include <string.h>

#include "bench/report/html.h"
#include "bench/report/plot.h"
#include "bench/report/report.h"
#include "common/cleanup.h"

static const struct {
	const char *way, *name;
	int class;
} shown[] = {
	{ "partitions", "in a partition of its own", 0 }, { "taskset", "bound by taskset", 1 },
	{ "systemd", "by systemd's AllowedCPUs", 4 },     { "numad", "together, with numad", 5 },
	{ "together", "together, nothing done", 3 },      { "alone", "alone", 2 },
};

enum { N_SHOWN = ARRAY_SIZE(shown) };

static const json_t *interfere_way(const json_t *noise, const char *name)
{
	return html_find(json_object_get(noise, "ways"), "way", name);
}

static void interfere_rows(FILE *out, const json_t *victim)
{
	struct plot_rows plot = { .title = html_string(victim, "victim"),
				  .label = "99th percentile of the latency, us",
				  .log = true,
				  .reference = NAN,
				  .n_series = N_SHOWN };

	for (int s = 0; s < N_SHOWN; s++)
		plot.classes[s] = shown[s].class;
	plot.reference = html_estimate(json_object_get(victim, "alone"), "p99_usec").center;
	html_foreach(json_object_get(victim, "noises"), noise) {
		plot.names[plot.n_rows] = html_string(noise, "noise");
		for (int s = 0; s < N_SHOWN; s++)
			plot.marks[plot.n_rows][s] = plot_estimate(
				0, html_estimate(interfere_way(noise, shown[s].way), "p99_usec"));
		plot.n_rows++;
	}
	plot_rows_svg(out, &plot);
}

struct interfere_reading {
	struct html_list hurt, helped, not_helped, worse, beats_taskset, loses_to_taskset, unsaid;
};

static void interfere_read_noise(struct interfere_reading *reading, const json_t *noise)
{
	const json_t *parts = interfere_way(noise, "partitions");
	struct estimate hurt = html_estimate(interfere_way(noise, "together"), "p99_over_alone");
	struct estimate helped = html_estimate(parts, "p99_over_together");
	const char *name = html_string(noise, "noise");

	if (estimate_says(hurt) == SAYS_MORE)
		html_list_add(&reading->hurt, "%s (%.1f times, %.1f to %.1f)", name, hurt.center,
			      hurt.low, hurt.high);
	if (estimate_says(helped) == SAYS_LESS)
		html_list_add(&reading->helped, "%s (to %.2f of it, %.2f to %.2f)", name,
			      helped.center, helped.low, helped.high);
	else if (estimate_says(helped) == SAYS_MORE)
		html_list_add(&reading->worse, "%s (%.2f times)", name, helped.center);
	else if (estimate_says(helped) == SAYS_SAME)
		html_list_add(&reading->not_helped, "%s", name);
	else if (helped.n > 0)
		html_list_add(&reading->unsaid, "%s", name);
	html_list_ratio(&reading->loses_to_taskset, &reading->beats_taskset, name,
			html_estimate(parts, "p99_over_taskset"));
}

static void interfere_read(FILE *out, const json_t *victim)
{
	const json_t *alone = json_object_get(victim, "alone");
	struct interfere_reading reading = { 0 };

	html_foreach(json_object_get(victim, "noises"), noise)
		interfere_read_noise(&reading, noise);
	fprintf(out, "<p class=\"reading\"><b>%s</b>: ", html_string(victim, "victim"));
	html_text(out, html_string(victim, "what"));
	fprintf(out, ". Alone its median is %s us, its 99th percentile %s, its 99.9th %s.",
		html_number(html_estimate(alone, "p50_usec").center),
		html_number(html_estimate(alone, "p99_usec").center),
		html_number(html_estimate(alone, "p999_usec").center));
	fprintf(out,
		" Neighbours raise the 99th percentile: %s. A partition of its own lowers what it "
		"is with them: %s; no effect is shown for %s; it raises it for %s.",
		html_list_end(&reading.hurt), html_list_end(&reading.helped),
		html_list_end(&reading.not_helped), html_list_end(&reading.worse));
	fprintf(out,
		" Against taskset with the same CPUs, partitions are better for %s and worse for "
		"%s.",
		html_list_end(&reading.beats_taskset), html_list_end(&reading.loses_to_taskset));
	report_unsaid(out, &reading.unsaid);
	fputs("</p>\n", out);
}

static void interfere_row(FILE *out, const char *noise, const json_t *way)
{
	static const char *const keys[] = { "p50_usec", "p99_usec",       "p999_usec",
					    "rate",     "p99_over_alone", "p99_over_together" };

	html_row_begin(out);
	html_cell_text(out, noise);
	html_cell_text(out, html_string(way, "way"));
	for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
		html_cell_estimate(out, html_estimate(way, keys[k]));
	html_row_end(out);
}

static void interfere_table(FILE *out, const json_t *victim)
{
	html_details_begin(out, html_string(victim, "victim"), "all figures");
	html_table_begin(out, "neighbour|way|p50 us|p99 us|p99.9 us|operations/s|p99 over alone|"
			      "p99 over together");
	interfere_row(out, "", json_object_get(victim, "alone"));
	html_foreach(json_object_get(victim, "noises"), noise)
		html_foreach(json_object_get(noise, "ways"), way)
			if (!*html_string(way, "unavailable"))
				interfere_row(out, html_string(noise, "noise"), way);
	html_table_end(out);
	fputs("</details>\n", out);
}

static bool interfere_has_way(const json_t *interfere, const char *name)
{
	const json_t *victim = json_array_get(json_object_get(interfere, "victims"), 0);
	const json_t *noise = json_array_get(json_object_get(victim, "noises"), 0);
	const json_t *way = interfere_way(noise, name);

	return way && !*html_string(way, "unavailable");
}

static void interfere_missing_in(FILE *out, const json_t *list, const char *key)
{
	html_foreach(list, object) {
		const char *why = html_string(object, "unavailable");

		if (!*why)
			continue;
		fprintf(out,
			"<p class=\"reading\">%s is not measured here: ", html_string(object, key));
		html_text(out, why);
		fputs(why[strlen(why) - 1] == '.' ? "</p>\n" : ".</p>\n", out);
	}
}

/* Ways and neighbours that are not there, once each. */
static void interfere_missing(FILE *out, const json_t *interfere)
{
	const json_t *victim = json_array_get(json_object_get(interfere, "victims"), 0);
	const json_t *noises = json_object_get(victim, "noises");

	interfere_missing_in(out, json_object_get(json_array_get(noises, 0), "ways"), "way");
	interfere_missing_in(out, noises, "noise");
}

void report_interfere(FILE *out, const json_t *interfere)
{
	const json_t *victims = json_object_get(interfere, "victims");

	if (!interfere)
		return;
	html_figure_begin(out, "interfere", "Noisy neighbours", "The victim's latency");
	fputs("<p class=\"keys\">", out);
	for (int s = 0; s < N_SHOWN; s++)
		if (interfere_has_way(interfere, shown[s].way))
			plot_key(out, shown[s].class, shown[s].name);
	fputs("</p><div class=\"two\">\n", out);
	html_foreach(victims, victim) {
		fprintf(out, "<div><h3>%s</h3>\n", html_string(victim, "victim"));
		interfere_rows(out, victim);
		fputs("</div>\n", out);
	}
	fputs("</div>\n", out);
	html_foreach(victims, victim)
		interfere_read(out, victim);
	interfere_missing(out, interfere);
	report_noise(out, json_object_get(interfere, "noise"));
	fputs("</figure>\n", out);
	html_foreach(victims, victim)
		interfere_table(out, victim);
	fputs("</section>\n", out);
}
