// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * law.c - the page's picture of the curve carried on to more CPUs (usl.h)
 */
#include <math.h>
#include <string.h>

#include "bench/report/html.h"
#include "bench/report/plot.h"
#include "bench/report/report.h"
#include "bench/usl.h"

#define LAW_CPUS 256
#define LAW_PARTITION_CPUS 4

enum { CURVE_IDEAL, CURVE_PARTITIONS, CURVE_ONE, CURVE_MEASURED, N_CURVES };

static struct usl_range law_range(const json_t *json)
{
	return (struct usl_range){ html_get(json, "center"), html_get(json, "low"),
				   html_get(json, "high") };
}

static bool law_load(const json_t *work, struct usl *ret)
{
	const json_t *json = json_object_get(work, "usl");

	if (!json_is_object(json))
		return false;
	*ret = (struct usl){ .separable = json_is_true(json_object_get(json, "separable")),
			     .alpha = law_range(json_object_get(json, "alpha")),
			     .beta = law_range(json_object_get(json, "beta")),
			     .loss = law_range(json_object_get(json, "loss")),
			     .loss_cpus = (unsigned int)html_get(json, "loss_cpus") };
	return isfinite(ret->loss.low) && isfinite(ret->loss.high);
}

/* Where nothing is said of the curve's last point, nothing is said of the curve. */
static bool law_says(const json_t *work, struct usl *ret)
{
	struct estimate pinned = html_estimate(work, "pinned_over_one");

	return estimate_says(pinned) >= SAYS_MORE && law_load(work, ret);
}

static void law_point(struct plot_curve *curve, double n, struct usl_range range, double times)
{
	curve->points[curve->n++] = (struct plot_point){ .x = n,
							 .y = range.center * times,
							 .low = range.low * times,
							 .high = range.high * times };
}

/* The pinned cells over the one with a single thread. */
static void law_measured(struct plot_curve *curve, const json_t *work)
{
	double alone = NAN;

	html_foreach(json_object_get(work, "cells"), cell) {
		struct estimate rate = html_estimate(cell, "rate");
		double threads = html_get(cell, "threads");

		if (strcmp(html_string(cell, "config"), "pinned") != 0 || rate.n == 0 ||
		    curve->n == PLOT_POINTS)
			continue;
		if (threads == 1)
			alone = rate.center;
		curve->points[curve->n++] = (struct plot_point){
			.x = threads, .y = rate.center / alone, .low = NAN, .high = NAN
		};
	}
}

static void law_curve(FILE *out, const json_t *work, const struct usl *usl)
{
	struct plot_curves plot = { .title = html_string(work, "work"),
				    .heading = html_string(work, "work"),
				    .x_label = "CPUs",
				    .small = true,
				    .log_x = true,
				    .log_y = true,
				    .y_least = NAN,
				    .n_series = N_CURVES };
	struct plot_curve *series = plot.series;
	struct usl_range part = usl_predict(usl, LAW_PARTITION_CPUS);

	series[CURVE_IDEAL] = (struct plot_curve){ .kind = PLOT_DASHED, .class = 5 };
	series[CURVE_PARTITIONS] = (struct plot_curve){ .kind = PLOT_BAND, .class = 0 };
	series[CURVE_ONE] = (struct plot_curve){ .kind = PLOT_BAND, .class = 3 };
	series[CURVE_MEASURED] = (struct plot_curve){ .kind = PLOT_DOTS, .class = 3 };
	for (double n = 1; n <= LAW_CPUS; n *= 2) {
		struct usl_range one = usl_predict(usl, n);

		series[CURVE_IDEAL].points[series[CURVE_IDEAL].n++] =
			(struct plot_point){ .x = n, .y = n, .low = NAN, .high = NAN };
		one.center = part.center = NAN; /* a band has edges only */
		law_point(&series[CURVE_ONE], n, one, 1);
		law_point(&series[CURVE_PARTITIONS], n, n <= LAW_PARTITION_CPUS ? one : part,
			  n <= LAW_PARTITION_CPUS ? 1 : n / LAW_PARTITION_CPUS);
	}
	law_measured(&series[CURVE_MEASURED], work);
	plot_curves_svg(out, &plot);
}

/* Where two CPUs do less than one, the law is beyond what it was made for. */
static void law_beyond(FILE *out, const json_t *works)
{
	struct html_list beyond = { 0 };
	struct usl usl;

	html_foreach(works, work)
		if (law_says(work, &usl) && usl.loss.low > 1)
			html_list_add(&beyond, "%s", html_string(work, "work"));
	if (beyond.n > 0)
		fprintf(out,
			" Already the second CPU makes it slower than one for %s: what costs there "
			"is "
			"each hand-over of the lock, with its sleep and wake-up, which need not "
			"grow "
			"with the number of those who wait. There the band says too little of one "
			"process, and its lower edge nothing.",
			html_list_end(&beyond));
}

/* All works that lose, the most first, would be long: the three that lose most. */
static void law_read(FILE *out, const json_t *lock)
{
	struct html_list lines = { 0 };
	double told = INFINITY;
	bool separable = false;
	const json_t *works = json_object_get(lock, "works");

	for (int rank = 0; rank < 3; rank++) {
		const json_t *most = NULL;
		struct usl usl, worst = { 0 };
		struct usl_range far;

		html_foreach(works, work)
			if (law_says(work, &usl) && usl.loss.center < told &&
			    usl.loss.center > (most ? worst.loss.center : 0)) {
				most = work;
				worst = usl;
			}
		if (!most)
			break;
		told = worst.loss.center;
		separable = worst.separable;
		far = usl_predict(&worst, 64);
		html_list_add(
			&lines,
			"%s (each further CPU adds %s to %s to the cost of a unit of work, which "
			"is 1 on one CPU; 64 CPUs would do the work of %s to %s)",
			html_string(most, "work"), html_number(worst.loss.low),
			html_number(worst.loss.high), html_number(far.low), html_number(far.high));
	}
	fprintf(out,
		"<p class=\"reading\">C(n) = n / (1 + &alpha;(n-1) + &beta;n(n-1)), fitted to the "
		"pinned threads of one process on 1 to %d CPUs. %s%s. The band "
		"of the partitions is the same law within %d CPUs, times the number of partitions, "
		"as if these did not disturb each other. ",
		(int)html_get(lock, "cpus"),
		lines.n ? "The most is lost by "
			: "Of no work is it said what it loses: others "
			  "disturbed the measurements, or these are too few",
		lines.n ? html_list_end(&lines) : "", LAW_PARTITION_CPUS);
	if (separable)
		fputs("Its edges are 95 % of the bootstrap; beyond the measured CPUs it knows "
		      "nothing of further sockets and slower links.",
		      out);
	else
		fputs("With no more than two CPUs the law has one point: its loss may be all "
		      "&alpha; (waiting in turn, which grows with n) or all &beta; (exchange "
		      "between each two, which grows with the square of n), and the band spans "
		      "both. So the patent's claim that the cost grows with a power of the CPU "
		      "count is neither shown nor refuted here: the power is 1 at one edge of the "
		      "band and 2 at the other. A curve over more CPUs decides it.",
		      out);
	law_beyond(out, works);
	fputs("</p>\n", out);
}

void report_law(FILE *out, const json_t *lock)
{
	struct usl usl;
	size_t n = 0;

	html_foreach(json_object_get(lock, "works"), work)
		n += law_load(work, &usl);
	if (n == 0)
		return;
	fputs("<figure><figcaption>Carried on to 256 CPUs: throughput over one CPU</figcaption>"
	      "<p class=\"keys\"><span class=\"key\"><i class=\"swatch s3\"></i>one "
	      "process</span><span class=\"key\"><i class=\"swatch s0\"></i>partitions of 4 "
	      "CPUs</span><span class=\"key\"><i class=\"swatch s5\"></i>nothing lost</span>",
	      out);
	plot_key(out, 3, "measured");
	fputs("</p><div class=\"many\">\n", out);
	html_foreach(json_object_get(lock, "works"), work)
		if (law_load(work, &usl))
			law_curve(out, work, &usl);
	fputs("</div>\n", out);
	law_read(out, lock);
	fputs("</figure>\n", out);
}
