// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * interfere.c - the page's section on noisy neighbours
 */
#include <math.h>
#include <string.h>

#include "bench/report/html.h"
#include "bench/report/plot.h"
#include "bench/report/report.h"

static const struct {
	const char *way, *name;
	int class;
} shown[] = {
	{ "partitions", "in a partition of its own", 0 }, { "taskset", "bound by taskset", 1 },
	{ "systemd", "by systemd's AllowedCPUs", 4 },     { "numad", "together, with numad", 5 },
	{ "together", "together, nothing done", 3 },      { "alone", "alone", 2 },
};

enum { N_SHOWN = sizeof(shown) / sizeof(shown[0]) };

static const json_t *find_way(const json_t *noise, const char *name)
{
	return html_find(json_object_get(noise, "ways"), "way", name);
}

static void victim_rows(FILE *out, const json_t *victim)
{
	struct plot_rows plot = { .title = html_string(victim, "victim"),
				  .label = "99th percentile of the latency, us",
				  .log = true,
				  .reference = NAN,
				  .n_series = N_SHOWN };
	const json_t *noise;
	size_t i;

	for (int s = 0; s < N_SHOWN; s++)
		plot.classes[s] = shown[s].class;
	plot.reference = html_estimate(json_object_get(victim, "alone"), "p99_usec").center;
	json_array_foreach(json_object_get(victim, "noises"), i, noise) {
		plot.names[plot.n_rows] = html_string(noise, "noise");
		for (int s = 0; s < N_SHOWN; s++) {
			struct estimate p99 =
				html_estimate(find_way(noise, shown[s].way), "p99_usec");

			plot.marks[plot.n_rows][s] = plot_estimate(0, &p99);
		}
		plot.n_rows++;
	}
	plot_rows_svg(out, &plot);
}

struct interfere_reading {
	struct html_list hurt, helped, not_helped, worse, beats_taskset, loses_to_taskset, unsaid;
};

static void reading_add(struct interfere_reading *reading, const json_t *noise)
{
	const json_t *parts = find_way(noise, "partitions");
	struct estimate hurt = html_estimate(find_way(noise, "together"), "p99_over_alone");
	struct estimate helped = html_estimate(parts, "p99_over_together");
	struct estimate taskset = html_estimate(parts, "p99_over_taskset");
	const char *name = html_string(noise, "noise");

	if (estimate_says(&hurt) == SAYS_MORE)
		html_list_add(&reading->hurt, "%s (%.1f times, %.1f to %.1f)", name, hurt.center,
			      hurt.low, hurt.high);
	if (estimate_says(&helped) == SAYS_LESS)
		html_list_add(&reading->helped, "%s (to %.2f of it, %.2f to %.2f)", name,
			      helped.center, helped.low, helped.high);
	else if (estimate_says(&helped) == SAYS_MORE)
		html_list_add(&reading->worse, "%s (%.2f times)", name, helped.center);
	else if (estimate_says(&helped) == SAYS_SAME)
		html_list_add(&reading->not_helped, "%s", name);
	else if (helped.n > 0)
		html_list_add(&reading->unsaid, "%s", name);
	if (estimate_says(&taskset) == SAYS_LESS)
		html_list_add(&reading->beats_taskset, "%s (%.2f)", name, taskset.center);
	if (estimate_says(&taskset) == SAYS_MORE)
		html_list_add(&reading->loses_to_taskset, "%s (%.2f)", name, taskset.center);
}

static void victim_read(FILE *out, const json_t *victim)
{
	const json_t *alone = json_object_get(victim, "alone"), *noise;
	struct estimate p50 = html_estimate(alone, "p50_usec");
	struct estimate p99 = html_estimate(alone, "p99_usec");
	struct estimate p999 = html_estimate(alone, "p999_usec");
	struct interfere_reading reading = { 0 };
	char buf[3][32];
	size_t i;

	json_array_foreach(json_object_get(victim, "noises"), i, noise)
		reading_add(&reading, noise);
	fprintf(out, "<p class=\"reading\"><b>%s</b>: ", html_string(victim, "victim"));
	html_text(out, html_string(victim, "what"));
	fprintf(out, ". Alone its median is %s us, its 99th percentile %s, its 99.9th %s.",
		html_number(p50.center, buf[0], sizeof(buf[0])),
		html_number(p99.center, buf[1], sizeof(buf[1])),
		html_number(p999.center, buf[2], sizeof(buf[2])));
	fprintf(out,
		" Neighbours raise the 99th percentile: %s. A partition of its own lowers what it "
		"is with them: %s; no effect is shown for %s; it raises it for %s.",
		html_list_end(&reading.hurt), html_list_end(&reading.helped),
		html_list_end(&reading.not_helped), html_list_end(&reading.worse));
	fprintf(out,
		" Against taskset with the same CPUs, partitions are better for %s and worse for "
		"%s.",
		html_list_end(&reading.beats_taskset), html_list_end(&reading.loses_to_taskset));
	if (reading.unsaid.n > 0)
		fprintf(out,
			" Nothing is said of %s: others disturbed more than a quarter of the "
			"measurements, or these are too few.",
			html_list_end(&reading.unsaid));
	fputs("</p>\n", out);
}

static void way_row(FILE *out, const char *noise, const json_t *way)
{
	static const char *const keys[] = { "p50_usec", "p99_usec",       "p999_usec",
					    "rate",     "p99_over_alone", "p99_over_together" };

	html_row_begin(out);
	html_cell_text(out, noise);
	html_cell_text(out, html_string(way, "way"));
	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		struct estimate estimate = html_estimate(way, keys[k]);

		html_cell_estimate(out, &estimate);
	}
	html_row_end(out);
}

static void victim_table(FILE *out, const json_t *victim)
{
	const json_t *noise, *way;
	size_t i, k;

	html_details_begin(out, html_string(victim, "victim"), "all figures");
	html_table_begin(out, "neighbour|way|p50 us|p99 us|p99.9 us|operations/s|p99 over alone|"
			      "p99 over together");
	way_row(out, "", json_object_get(victim, "alone"));
	json_array_foreach(json_object_get(victim, "noises"), i, noise)
		json_array_foreach(json_object_get(noise, "ways"), k, way)
			if (!*html_string(way, "unavailable"))
				way_row(out, html_string(noise, "noise"), way);
	html_table_end(out);
	fputs("</details>\n", out);
}

static bool way_present(const json_t *interfere, const char *name)
{
	const json_t *victim = json_array_get(json_object_get(interfere, "victims"), 0);
	const json_t *noise = json_array_get(json_object_get(victim, "noises"), 0);
	const json_t *way = find_way(noise, name);

	return way && !*html_string(way, "unavailable");
}

static void missing_list(FILE *out, const json_t *list, const char *key)
{
	const json_t *object;
	size_t i;

	json_array_foreach(list, i, object) {
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
static void missing_read(FILE *out, const json_t *interfere)
{
	const json_t *victim = json_array_get(json_object_get(interfere, "victims"), 0);
	const json_t *noises = json_object_get(victim, "noises");

	missing_list(out, json_object_get(json_array_get(noises, 0), "ways"), "way");
	missing_list(out, noises, "noise");
}

void report_interfere(FILE *out, const json_t *interfere)
{
	const json_t *victims = json_object_get(interfere, "victims"), *victim;
	size_t i;

	if (!interfere)
		return;
	fputs("<section id=\"interfere\"><h2>Noisy neighbours</h2>\n<figure><figcaption>The "
	      "victim's latency</figcaption><p class=\"keys\">",
	      out);
	for (int s = 0; s < N_SHOWN; s++)
		if (way_present(interfere, shown[s].way))
			plot_key(out, shown[s].class, shown[s].name);
	fputs("</p><div class=\"two\">\n", out);
	json_array_foreach(victims, i, victim) {
		fprintf(out, "<div><h3>%s</h3>\n", html_string(victim, "victim"));
		victim_rows(out, victim);
		fputs("</div>\n", out);
	}
	fputs("</div>\n", out);
	json_array_foreach(victims, i, victim)
		victim_read(out, victim);
	missing_read(out, interfere);
	report_noise(out, json_object_get(interfere, "noise"));
	fputs("</figure>\n", out);
	json_array_foreach(victims, i, victim)
		victim_table(out, victim);
	fputs("</section>\n", out);
}
