/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plot.h - the two kinds of pictures, as SVG
 *
 * A picture is 360 units wide: a telephone shows it one to one, and a wide window shows several
 * side by side. Colours are the classes s0 to s5 of the page, with a light and a dark scheme;
 * series also differ by shape.
 */
#ifndef VC_BENCH_REPORT_PLOT_H
#define VC_BENCH_REPORT_PLOT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "bench/estimate.h"

#define PLOT_SERIES 6
#define PLOT_ROWS 64
#define PLOT_POINTS 64

struct plot_point {
	double x, y, low, high; /* low and high: of y; NAN: none. y NAN: not there */
};

/* Rows of a name and, for each series, a mark with its interval along a common scale. */
struct plot_rows {
	const char *title; /* for screen readers */
	const char *label; /* of the scale */
	bool log;
	double reference; /* a line at this value; NAN: none */
	size_t n_series, n_rows;
	const char *names[PLOT_ROWS];
	struct plot_point marks[PLOT_ROWS][PLOT_SERIES]; /* x is not used */
	int classes[PLOT_SERIES];                        /* of the series: s0, s1 and so on */
};

enum plot_kind { PLOT_LINE, PLOT_DOTS, PLOT_DASHED, PLOT_BAND };

/* Curves over a common x. */
struct plot_curves {
	const char *title, *heading, *x_label, *y_label;
	bool small; /* half as wide: four or more side by side */
	bool log_x, log_y;
	double y_least; /* y begins here, or lower; NAN: where the curves do */
	size_t n_series;
	struct plot_curve {
		enum plot_kind kind; /* of a band, low and high are the edges */
		int class;
		size_t n;
		struct plot_point points[PLOT_POINTS];
	} series[PLOT_SERIES];
};

/* From an estimate, and from samples as samples_json() has them: there the interval goes
 * from the least to the 90th percentile. */
struct plot_point plot_estimate(double x, struct estimate estimate);
struct plot_point plot_samples(double x, const json_t *samples);

void plot_rows_svg(FILE *out, const struct plot_rows *plot);
void plot_curves_svg(FILE *out, const struct plot_curves *plot);
/* One key: a mark in the colour and shape of the class, and its name. */
void plot_key(FILE *out, int class, const char *name);

#endif
