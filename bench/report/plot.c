// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * plot.c - the two kinds of pictures, as SVG
 */
#include "bench/report/plot.h"

#include <math.h>
#include <string.h>

#include "bench/report/html.h"

#define WIDTH 360
#define SMALL_WIDTH 180
#define ROW_MARK 9 /* from one series' mark to the next within a row */
#define ROW_GAP 9
#define ROW_NAME 62   /* the least place for the rows' names */
#define CHARACTER 7.4 /* of the font, with some to spare */
#define TICKS 12
#define DODGE 3.5 /* between series at the same x in a small picture */

/* A scale from values to units of the picture. */
struct scale {
	bool log;
	double low, high;     /* values */
	double begin, length; /* units; a length below 0 goes upwards */
	double most_ticks;
	double ticks[TICKS];
	size_t n_ticks;
};

static double scale_at(const struct scale *scale, double value)
{
	double share = scale->log ? log(value / scale->low) / log(scale->high / scale->low)
				  : (value - scale->low) / (scale->high - scale->low);

	return scale->begin + fmin(fmax(share, 0), 1) * scale->length;
}

static void scale_include(struct scale *scale, double value)
{
	if (!isfinite(value) || (scale->log && value <= 0))
		return;
	scale->low = isnan(scale->low) ? value : fmin(scale->low, value);
	scale->high = isnan(scale->high) ? value : fmax(scale->high, value);
}

/* 1, 2, 5, 10, 20 and so on where they fit, or powers of ten, or of a thousand. */
static void scale_tick_log(struct scale *scale)
{
	static const double within[] = { 1, 2, 5 };
	int first = (int)floor(log10(scale->low)), last = (int)ceil(log10(scale->high));
	int step = last - first > TICKS - 1 ? 3 : 1, n = last - first <= 3 ? 3 : 1;

	for (int power = first; power <= last; power += step)
		for (int i = 0; i < n && scale->n_ticks < TICKS; i++) {
			double tick = within[i] * pow(10, power);

			if (tick >= scale->low * 0.999 && tick <= scale->high * 1.001)
				scale->ticks[scale->n_ticks++] = tick;
		}
}

static void scale_tick_linear(struct scale *scale)
{
	double step = pow(10, floor(log10(scale->high - scale->low)));

	if ((scale->high - scale->low) / step < 2)
		step /= 5;
	else if ((scale->high - scale->low) / step < 5)
		step /= 2;
	if ((scale->high - scale->low) / step > scale->most_ticks)
		step *= 2;
	for (double tick = ceil(scale->low / step) * step;
	     tick <= scale->high * 1.0001 && scale->n_ticks < TICKS; tick += step)
		scale->ticks[scale->n_ticks++] = fabs(tick) < step / 1e6 ? 0 : tick;
}

/* After all values are in: some air at the ends, and the ticks. */
static void scale_settle(struct scale *scale)
{
	if (isnan(scale->low))
		scale->low = scale->high = 1;
	if (scale->log) {
		scale->low /= 1.08;
		scale->high *= 1.08;
		/* At least two ticks fit into a factor of 5. */
		if (scale->high / scale->low < 5) {
			double more = sqrt(5 / (scale->high / scale->low));

			scale->low /= more;
			scale->high *= more;
		}
		scale_tick_log(scale);
		return;
	}
	if (scale->high <= scale->low)
		scale->high = scale->low + 1;
	scale->high += (scale->high - scale->low) * 0.06;
	scale_tick_linear(scale);
}

static void svg_mark(FILE *out, int class, double x, double y)
{
	switch (class % 4) {
	case 0:
		fprintf(out, "<circle class=\"s%d fill\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.4\"/>",
			class, x, y);
		break;
	case 1:
		fprintf(out, "<path class=\"s%d fill\" d=\"M%.1f %.1fl3.8 3.8-3.8 3.8-3.8-3.8z\"/>",
			class, x, y - 3.8);
		break;
	case 2:
		fprintf(out, "<path class=\"s%d fill\" d=\"M%.1f %.1fl3.8 6.6h-7.6z\"/>", class, x,
			y - 4);
		break;
	default:
		fprintf(out,
			"<rect class=\"s%d open\" x=\"%.1f\" y=\"%.1f\" width=\"5.6\" "
			"height=\"5.6\"/>",
			class, x - 2.8, y - 2.8);
	}
}

static void svg_line(FILE *out, const char *class, double x1, double y1, double x2, double y2)
{
	fprintf(out, "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1f\"/>", class, x1, y1, x2, y2);
}

static void svg_text(FILE *out, const char *class, double x, double y, const char *text)
{
	fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
	html_text(out, text);
	fputs("</text>", out);
}

static void svg_begin(FILE *out, const char *title, double width, double height, bool small)
{
	fprintf(out, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\"%s><title>", width, height,
		small ? " class=\"small\"" : "");
	html_text(out, title);
	fputs("</title>\n", out);
}

static const char *tick_text(double tick, char *buf, size_t size)
{
	if (tick > 0 && tick < 0.01)
		snprintf(buf, size, "1e%.0f", log10(tick));
	else if (tick >= 1e6)
		snprintf(buf, size, "%gM", tick / 1e6);
	else if (tick >= 1e4)
		snprintf(buf, size, "%gk", tick / 1e3);
	else
		snprintf(buf, size, "%g", tick);
	return buf;
}

static void svg_interval(FILE *out, int class, double x1, double y1, double x2, double y2)
{
	char name[16];

	snprintf(name, sizeof(name), "s%d line", class);
	svg_line(out, name, x1, y1, x2, y2);
}

/* Series that have no mark anywhere get no place. */
static size_t rows_present(const struct plot_rows *plot, size_t present[PLOT_SERIES])
{
	size_t n = 0;

	for (size_t s = 0; s < plot->n_series; s++)
		for (size_t r = 0; r < plot->n_rows; r++)
			if (isfinite(plot->marks[r][s].y)) {
				present[n++] = s;
				break;
			}
	return n;
}

/* Where the scale begins, so that the longest name has its place before it. */
static double rows_left(const struct plot_rows *plot)
{
	double left = ROW_NAME;

	for (size_t r = 0; r < plot->n_rows; r++)
		left = fmax(left, 12 + CHARACTER * (double)strlen(plot->names[r]));
	return left;
}

void plot_rows_svg(FILE *out, const struct plot_rows *plot)
{
	size_t present[PLOT_SERIES], n_present = rows_present(plot, present);
	double row = (double)n_present * ROW_MARK + ROW_GAP, top = 6, left = rows_left(plot);
	double bottom = top + row * (double)plot->n_rows;
	struct scale x = { .log = plot->log,
			   .low = NAN,
			   .high = NAN,
			   .begin = left,
			   .length = WIDTH - left - 10,
			   .most_ticks = 9 };
	char buf[32];

	for (size_t r = 0; r < plot->n_rows; r++)
		for (size_t s = 0; s < plot->n_series; s++) {
			scale_include(&x, plot->marks[r][s].y);
			scale_include(&x, plot->marks[r][s].low);
			scale_include(&x, plot->marks[r][s].high);
		}
	scale_include(&x, plot->reference);
	if (!plot->log)
		scale_include(&x, 0);
	scale_settle(&x);
	svg_begin(out, plot->title, WIDTH, bottom + 36, false);
	for (size_t i = 0; i < x.n_ticks; i++) {
		svg_line(out, "grid", scale_at(&x, x.ticks[i]), top, scale_at(&x, x.ticks[i]),
			 bottom);
		svg_text(out, "mid", scale_at(&x, x.ticks[i]), bottom + 14,
			 tick_text(x.ticks[i], buf, sizeof(buf)));
	}
	if (isfinite(plot->reference))
		svg_line(out, "axis", scale_at(&x, plot->reference), top,
			 scale_at(&x, plot->reference), bottom);
	svg_text(out, "mid", left + x.length / 2, bottom + 30, plot->label);
	fputc('\n', out);
	for (size_t r = 0; r < plot->n_rows; r++) {
		double y = top + row * (double)r;

		if (r > 0)
			svg_line(out, "grid", 0, y, WIDTH - 10, y);
		svg_text(out, "end", left - 7, y + row / 2 + 4, plot->names[r]);
		for (size_t k = 0; k < n_present; k++) {
			size_t s = present[k];
			const struct plot_point *mark = &plot->marks[r][s];
			double at = y + ROW_GAP / 2.0 + ROW_MARK * ((double)k + 0.5);

			if (!isfinite(mark->y))
				continue;
			if (isfinite(mark->low) && isfinite(mark->high))
				svg_interval(out, plot->classes[s], scale_at(&x, mark->low), at,
					     scale_at(&x, mark->high), at);
			svg_mark(out, plot->classes[s], scale_at(&x, mark->y), at);
		}
		fputc('\n', out);
	}
	fputs("</svg>\n", out);
}

static void curve_band(FILE *out, const struct plot_curve *curve, const struct scale *x,
		       const struct scale *y)
{
	fprintf(out, "<path class=\"s%d band\" d=\"", curve->class);
	for (size_t i = 0; i < curve->n; i++)
		fprintf(out, "%c%.1f %.1f", i ? 'L' : 'M', scale_at(x, curve->points[i].x),
			scale_at(y, curve->points[i].high));
	for (size_t i = curve->n; i-- > 0;)
		fprintf(out, "L%.1f %.1f", scale_at(x, curve->points[i].x),
			scale_at(y, curve->points[i].low));
	fputs("z\"/>\n", out);
}

static void curve_line(FILE *out, const struct plot_curve *curve, const struct scale *x,
		       const struct scale *y)
{
	char command = 'M';

	fprintf(out, "<path class=\"s%d %s\" d=\"", curve->class,
		curve->kind == PLOT_DASHED ? "dash" : "line");
	for (size_t i = 0; i < curve->n; i++) {
		if (!isfinite(curve->points[i].y))
			continue;
		fprintf(out, "%c%.1f %.1f", command, scale_at(x, curve->points[i].x),
			scale_at(y, curve->points[i].y));
		command = 'L';
	}
	fputs("\"/>\n", out);
}

static void curve_dots(FILE *out, const struct plot_curve *curve, const struct scale *x,
		       const struct scale *y, double aside)
{
	for (size_t i = 0; i < curve->n; i++) {
		const struct plot_point *point = &curve->points[i];
		double at = scale_at(x, point->x) + aside;

		if (!isfinite(point->y))
			continue;
		if (isfinite(point->low) && isfinite(point->high))
			svg_interval(out, curve->class, at, scale_at(y, point->low), at,
				     scale_at(y, point->high));
		svg_mark(out, curve->class, at, scale_at(y, point->y));
	}
	fputc('\n', out);
}

static void curves_frame(FILE *out, const struct plot_curves *plot, const struct scale *x,
			 const struct scale *y, double width, double top, double bottom)
{
	double space = 0;
	char buf[32];

	for (size_t i = 0; i < y->n_ticks; i++) {
		double at = scale_at(y, y->ticks[i]);

		svg_line(out, "grid", x->begin, at, x->begin + x->length, at);
		svg_text(out, "end", x->begin - 5, at + 4,
			 tick_text(y->ticks[i], buf, sizeof(buf)));
	}
	for (size_t i = 0; i < x->n_ticks; i++) {
		double at = scale_at(x, x->ticks[i]);

		if (at < space)
			continue;
		space = at + 26;
		svg_line(out, "grid", at, top, at, bottom);
		svg_text(out, "mid", at, bottom + 14, tick_text(x->ticks[i], buf, sizeof(buf)));
	}
	svg_line(out, "axis", x->begin, bottom, x->begin + x->length, bottom);
	svg_text(out, "mid", x->begin + x->length / 2, bottom + 29, plot->x_label);
	svg_text(out, "head", 2, 13, plot->heading);
	if (!plot->small)
		svg_text(out, "begin", x->begin, top - 6, plot->y_label);
	fputc('\n', out);
}

void plot_curves_svg(FILE *out, const struct plot_curves *plot)
{
	double width = plot->small ? SMALL_WIDTH : WIDTH, top = plot->small ? 24 : 38;
	double bottom = top + (plot->small ? 104 : 190), left = plot->small ? 32 : 44;
	struct scale x = { .log = plot->log_x,
			   .low = NAN,
			   .high = NAN,
			   .begin = left,
			   .length = width - left - 12 };
	struct scale y = { .log = plot->log_y,
			   .low = NAN,
			   .high = NAN,
			   .begin = bottom,
			   .length = top - bottom,
			   .most_ticks = plot->small ? 5 : 9 };
	double most = 0;

	for (size_t s = 0; s < plot->n_series; s++)
		for (size_t i = 0; i < plot->series[s].n; i++) {
			const struct plot_point *point = &plot->series[s].points[i];

			scale_include(&x, point->x);
			scale_include(&y, point->y);
			scale_include(&y, point->low);
			scale_include(&y, point->high);
			most = fmax(most, isfinite(point->y) ? point->y : point->high);
		}
	/* An interval that goes far beyond is cut off rather than flatten all else. */
	if (!plot->log_y)
		y.high = fmin(y.high, 1.6 * most);
	scale_include(&y, plot->y_least);
	scale_settle(&y);
	scale_settle(&x);
	/* CPUs, partitions and MiB are counted in powers of two: those that are there. */
	x.n_ticks = 0;
	for (size_t i = 0; plot->n_series > 0 && i < plot->series[0].n && x.n_ticks < TICKS; i++)
		x.ticks[x.n_ticks++] = plot->series[0].points[i].x;
	svg_begin(out, plot->title, width, bottom + 34, plot->small);
	curves_frame(out, plot, &x, &y, width, top, bottom);
	for (size_t s = 0; s < plot->n_series; s++) {
		const struct plot_curve *curve = &plot->series[s];

		if (curve->kind == PLOT_BAND)
			curve_band(out, curve, &x, &y);
		if (curve->kind == PLOT_LINE || curve->kind == PLOT_DASHED)
			curve_line(out, curve, &x, &y);
		if (curve->kind == PLOT_LINE || curve->kind == PLOT_DOTS)
			curve_dots(out, curve, &x, &y,
				   curve->kind == PLOT_LINE ? DODGE * (double)s : 0);
	}
	fputs("</svg>\n", out);
}

struct plot_point plot_estimate(double x, struct estimate estimate)
{
	return (struct plot_point){
		.x = x, .y = estimate.center, .low = estimate.low, .high = estimate.high
	};
}

struct plot_point plot_samples(double x, const json_t *samples)
{
	return (struct plot_point){ .x = x,
				    .y = html_get(samples, "median"),
				    .low = html_get(samples, "min"),
				    .high = html_get(samples, "p90") };
}

void plot_key(FILE *out, int class, const char *name)
{
	fputs("<span class=\"key\"><svg viewBox=\"0 0 14 14\" aria-hidden=\"true\">", out);
	svg_mark(out, class, 7, 7);
	fputs("</svg>", out);
	html_text(out, name);
	fputs("</span>\n", out);
}
