// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lock.c - the page's section on locks: what partitions give, and why
 */
#include "bench/report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report/html.h"
#include "bench/report/plot.h"
#include "common/cleanup.h"

/* The series of these pictures, with the same colours everywhere. */
enum { SHOW_PARTITIONS, SHOW_TASKSET, SHOW_SPLIT, SHOW_PINNED, N_SHOWN };

static const char *const shown_config[] = { "vcrun", "taskset", "split", "pinned" };
static const char *const shown_names[] = { "partitions", "processes bound by taskset",
					   "processes left to the scheduler",
					   "one process, threads pinned" };

static const json_t *lock_cell(const json_t *work, const char *config, int domains, int threads)
{
	html_foreach(json_object_get(work, "cells"), cell)
		if (!strcmp(html_string(cell, "config"), config) &&
		    (int)html_get(cell, "domains") == domains &&
		    (int)html_get(cell, "threads") == threads)
			return cell;
	return NULL;
}

static const json_t *lock_gains(const json_t *work, int partitions)
{
	html_foreach(json_object_get(work, "gains"), gains)
		if ((int)html_get(gains, "partitions") == partitions)
			return gains;
	return NULL;
}

static void lock_rows(FILE *out, const json_t *lock, int partitions)
{
	int cpus = (int)html_get(lock, "cpus");
	struct plot_rows plot = { .title = "Throughput over that of one process, by work",
				  .label = "times the throughput of one process",
				  .log = true,
				  .reference = 1,
				  .n_series = N_SHOWN };

	for (int s = 0; s < N_SHOWN; s++)
		plot.classes[s] = s;
	html_foreach(json_object_get(lock, "works"), work) {
		bool measured = false;

		if (plot.n_rows == PLOT_ROWS)
			break;
		plot.names[plot.n_rows] = html_string(work, "work");
		for (size_t s = 0; s < N_SHOWN; s++) {
			const json_t *cell = lock_cell(work, shown_config[s],
						       s == SHOW_PINNED ? 1 : partitions, cpus);
			struct estimate gain = html_estimate(cell, "over_one");

			plot.marks[plot.n_rows][s] = plot_estimate(0, gain);
			measured = measured || gain.n > 0;
		}
		plot.n_rows += measured;
	}
	plot_rows_svg(out, &plot);
}

/* The works by what their ratios say. */
struct lock_reading {
	struct html_list gain, cost, none, by_split, by_more, by_vcrun, by_taskset, pin_gain,
		pin_cost, unsaid;
};

static void lock_read_work(struct lock_reading *reading, const json_t *work, int partitions)
{
	const json_t *gains = lock_gains(work, partitions);
	struct estimate gain = html_estimate(gains, "over_one");
	struct estimate split = html_estimate(gains, "over_split");
	const char *name = html_string(work, "work");

	html_list_ratio(&reading->pin_gain, &reading->pin_cost, name,
			html_estimate(work, "pinned_over_one"));
	html_list_ratio(&reading->by_vcrun, &reading->by_taskset, name,
			html_estimate(gains, "over_taskset"));
	switch (estimate_says(gain)) {
	case SAYS_NONE:
		break;
	case SAYS_FEW:
	case SAYS_NOISY:
		html_list_add(&reading->unsaid, "%s", name);
		break;
	case SAYS_LESS:
		html_list_add(&reading->cost, "%s (%.2f, %.2f to %.2f)", name, gain.center,
			      gain.low, gain.high);
		break;
	case SAYS_MORE:
		html_list_add(&reading->gain, "%s (%.2f, %.2f to %.2f)", name, gain.center,
			      gain.low, gain.high);
		html_list_add(estimate_says(split) == SAYS_MORE ? &reading->by_more
								: &reading->by_split,
			      "%s", name);
		break;
	case SAYS_SAME:
		html_list_add(&reading->none, "%s (%.2f to %.2f)", name, gain.low, gain.high);
	}
}

static void lock_read_missing(FILE *out, const json_t *works)
{
	struct html_list missing = { 0 };

	html_foreach(works, work)
		if (*html_string(work, "unavailable"))
			html_list_add(&missing, "%s (%s)", html_string(work, "work"),
				      html_string(work, "unavailable"));
	if (missing.n == 0)
		return;
	fputs("<p class=\"reading\">Not measured, or not to the end: ", out);
	html_text(out, html_list_end(&missing));
	fputs(".</p>\n", out);
}

static void lock_read(FILE *out, const json_t *lock, int partitions)
{
	struct lock_reading reading = { 0 };
	double level = NAN;
	size_t n = 0;

	html_foreach(json_object_get(lock, "works"), work) {
		struct estimate gain = html_estimate(lock_gains(work, partitions), "over_one");

		if (gain.n > 0) {
			level = fmin(isnan(level) ? 1 : level, gain.level);
			n++;
		}
		lock_read_work(&reading, work, partitions);
	}
	if (isnan(level)) {
		fputs("<p class=\"reading\">Nothing was measured to the end.</p>\n", out);
		return;
	}
	fprintf(out,
		"<p class=\"reading\">With %d partitions instead of one process, as many threads "
		"in all and as much data, these do more: %s. No difference is shown for %s",
		partitions, html_list_end(&reading.gain), html_list_end(&reading.none));
	fprintf(out, "; these do less: %s.", html_list_end(&reading.cost));
	if (reading.gain.n > 0)
		fprintf(out,
			" Splitting the process in so many without any partition is not shown to "
			"give less for %s; partitions give more than that for %s.",
			html_list_end(&reading.by_split), html_list_end(&reading.by_more));
	fprintf(out,
		" Over the same processes bound by taskset, partitions gain for %s and cost for "
		"%s. Pinning the threads of one process gains for %s and costs for %s.",
		html_list_end(&reading.by_vcrun), html_list_end(&reading.by_taskset),
		html_list_end(&reading.pin_gain), html_list_end(&reading.pin_cost));
	report_unsaid(out, &reading.unsaid);
	fprintf(out,
		" An interval holds with %.0f %%: of %zu works that differ in nothing, %.1f would "
		"show a difference by chance.</p>\n",
		level * 100, n, (1 - level) * (double)n);
	lock_read_missing(out, json_object_get(lock, "works"));
	report_noise(out, json_object_get(lock, "noise"));
}

static void lock_point(struct plot_curve *curve, double x, struct estimate estimate)
{
	if (estimate.n > 0 && curve->n < PLOT_POINTS)
		curve->points[curve->n++] = plot_estimate(x, estimate);
}

/* One small picture a work: how its throughput goes with the number of partitions. */
static void lock_curve(FILE *out, const json_t *work)
{
	struct plot_curves plot = { .title = html_string(work, "work"),
				    .heading = html_string(work, "work"),
				    .x_label = "partitions",
				    .small = true,
				    .log_x = true,
				    .y_least = 0,
				    .n_series = SHOW_SPLIT + 1 };
	const struct estimate one = { .n = 1, .center = 1, .low = 1, .high = 1 };

	for (int s = 0; s < N_SHOWN; s++)
		plot.series[s].class = s;
	/* One process is where the processes without partitions begin. */
	lock_point(&plot.series[SHOW_TASKSET], 1, one);
	lock_point(&plot.series[SHOW_SPLIT], 1, one);
	html_foreach(json_object_get(work, "cells"), cell)
		for (int s = 0; s <= SHOW_SPLIT; s++)
			if (!strcmp(html_string(cell, "config"), shown_config[s]))
				lock_point(&plot.series[s], html_get(cell, "domains"),
					   html_estimate(cell, "over_one"));
	if (plot.series[SHOW_PARTITIONS].n > 0)
		plot_curves_svg(out, &plot);
}

static void lock_read_curves(FILE *out, const json_t *lock, int partitions)
{
	struct html_list free_lunch = { 0 }, waits = { 0 };
	int cpus = (int)html_get(lock, "cpus");

	html_foreach(json_object_get(lock, "works"), work) {
		const json_t *one = lock_cell(work, "one", 1, cpus);
		const json_t *parts = lock_cell(work, "vcrun", partitions, cpus);
		bool timed = !strcmp(html_string(work, "group"), "application");
		const char *key = timed ? "wait_pct" : "blocked_pct";
		struct estimate single =
			html_estimate(lock_cell(work, "vcrun", 1, cpus), "over_one");

		if (estimate_says(single) == SAYS_LESS)
			html_list_add(&free_lunch, "%s (%.2f)", html_string(work, "work"),
				      single.center);
		if (html_get(one, key) >= 5)
			html_list_add(&waits, "%s (%.0f %%, then %.0f %%)",
				      html_string(work, "work"), html_get(one, key),
				      html_get(parts, key));
	}
	fprintf(out,
		"<p class=\"reading\">Each picture begins with one process at 1. The first dot of "
		"the partitions is a single partition, the price of being a job at all: below 1 "
		"for %s. Threads of one process wait for a twentieth of their time or more in %s; "
		"the second figure is with %d partitions. (The application's locks are timed; in "
		"the kernel, what is told is the time that threads were blocked.)</p>\n",
		html_list_end(&free_lunch), html_list_end(&waits), partitions);
}

/* Per operation, of one process and then of the partitions. */
static void lock_read_counters(FILE *out, const json_t *lock, int partitions)
{
	static const char *const keys[][2] = {
		{ "cache_misses", "cache misses" },
		{ "hitm_loads", "loads of a line that another core had modified" }
	};
	int cpus = (int)html_get(lock, "cpus");
	size_t told = 0;

	fputs("<p class=\"reading\">", out);
	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		struct html_list list = { 0 };

		html_foreach(json_object_get(lock, "works"), work) {
			const json_t *one =
				json_object_get(lock_cell(work, "one", 1, cpus), "counted_per_kop");
			const json_t *parts = json_object_get(
				lock_cell(work, "vcrun", partitions, cpus), "counted_per_kop");
			double before = html_get(one, keys[k][0]);
			double after = html_get(parts, keys[k][0]);

			if (isfinite(before) && isfinite(after))
				html_list_add(&list, "%s (%s, then %s)", html_string(work, "work"),
					      html_number(before), html_number(after));
		}
		if (list.n > 0)
			fprintf(out, "%s per 1000 operations, counted once: %s. ", keys[k][1],
				html_list_end(&list));
		told += list.n > 0;
	}
	if (told == 0)
		fputs("The CPU's counters cannot be read on this machine, so nothing is known of "
		      "cache misses, nor of lines that one CPU takes from another.",
		      out);
	else if (told == 1)
		fputs("Of lines that one core takes from another this CPU has no counter that is "
		      "known here.",
		      out);
	fputs("</p>\n", out);
}

static void lock_table(FILE *out, const json_t *work)
{
	static const char *const counted[] = { "kernel_lock_waits", "cpu_migrations",
					       "page_faults",       "cycles",
					       "cache_misses",      "hitm_loads" };
	static const char *const plain[] = { "wait_pct", "blocked_pct", "queue_pct",
					     "switches_per_kop", "jain" };

	html_details_begin(out, html_string(work, "work"), html_string(work, "what"));
	if (*html_string(work, "unavailable")) {
		fputs("<p>Not measured, or not to the end: ", out);
		html_text(out, html_string(work, "unavailable"));
		fputs("</p>\n", out);
	}
	html_table_begin(out,
			 "way|domains|threads|operations/s|times one|p50 us|p99 us|p99.9 us|"
			 "lock wait %|blocked %|queueing %|switches/1000 op|fairness|kernel "
			 "lock waits/1000 op|migrations/1000 op|page faults/1000 op|cycles/1000 "
			 "op|cache misses/1000 op|HITM loads/1000 op");
	html_foreach(json_object_get(work, "cells"), cell) {
		struct estimate rate = html_estimate(cell, "rate");

		if (rate.n == 0)
			continue;
		html_row_begin(out);
		html_cell_text(out, html_string(cell, "config"));
		html_cell_number(out, html_get(cell, "domains"));
		html_cell_number(out, html_get(cell, "threads"));
		html_cell_estimate(out, rate);
		html_cell_estimate(out, html_estimate(cell, "over_one"));
		html_cell_number(out, html_estimate(cell, "p50_usec").center);
		html_cell_number(out, html_estimate(cell, "p99_usec").center);
		html_cell_number(out, html_estimate(cell, "p999_usec").center);
		for (size_t k = 0; k < ARRAY_SIZE(plain); k++)
			html_cell_number(out, html_get(cell, plain[k]));
		for (size_t k = 0; k < ARRAY_SIZE(counted); k++)
			html_cell_number(out, html_get(json_object_get(cell, "counted_per_kop"),
						       counted[k]));
		html_row_end(out);
	}
	html_table_end(out);
	fputs("</details>\n", out);
}

static int lock_most_partitions(const json_t *lock)
{
	const json_t *gains =
		json_object_get(json_array_get(json_object_get(lock, "works"), 0), "gains");
	size_t n = json_array_size(gains);

	return n ? (int)html_get(json_array_get(gains, n - 1), "partitions") : 0;
}

void report_lock(FILE *out, const json_t *lock)
{
	int partitions = lock_most_partitions(lock);

	if (!lock)
		return;
	fputs("<section id=\"lock\"><h2>Locks: one process, or one in each partition</h2>\n", out);
	if (partitions == 0) {
		fputs("<p class=\"reading\">This machine has one CPU: there is nothing to "
		      "divide.</p></section>\n",
		      out);
		return;
	}
	fprintf(out,
		"<figure><figcaption>%d partitions, and what pinning and splitting give without "
		"them</figcaption><p class=\"keys\">",
		partitions);
	for (int s = 0; s < N_SHOWN; s++)
		plot_key(out, s, shown_names[s]);
	fputs("</p><div class=\"one\">\n", out);
	lock_rows(out, lock, partitions);
	fputs("</div>\n", out);
	lock_read(out, lock, partitions);
	fputs("</figure>\n<figure><figcaption>Throughput by number of partitions, over one "
	      "process</figcaption><p class=\"keys\">",
	      out);
	for (int s = 0; s <= SHOW_SPLIT; s++)
		plot_key(out, s, shown_names[s]);
	fputs("</p><div class=\"many\">\n", out);
	html_foreach(json_object_get(lock, "works"), work)
		lock_curve(out, work);
	fputs("</div>\n", out);
	lock_read_curves(out, lock, partitions);
	lock_read_counters(out, lock, partitions);
	fputs("</figure>\n", out);
	report_law(out, lock);
	fputs("<h3>All figures</h3>\n", out);
	html_foreach(json_object_get(lock, "works"), work)
		lock_table(out, work);
	fputs("</section>\n", out);
}
