// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * noise.c - the page's paragraph on how quiet the machine was
 */
#include "bench/report/report.h"

#include <math.h>

#include "bench/quiet.h"
#include "bench/report/html.h"

void report_noise(FILE *out, const json_t *noise)
{
	const json_t *others = json_object_get(noise, "others_pct");
	double median = html_get(others, "median");
	double steal = html_get(json_object_get(noise, "steal_pct"), "median");
	double again = html_get(noise, "again"), noisy = html_get(noise, "noisy");

	if (!isfinite(median))
		return;
	fprintf(out,
		"<p class=\"reading\">While this was measured, other programs had %.1f %% of the "
		"machine (median; in the worst tenth %.1f %% or more), and other machines on the "
		"same host %.1f %%.",
		median, html_get(others, "p90"), steal);
	if (again > 0)
		fprintf(out, " %.0f measurements were thrown away and done again because of it.",
			again);
	if (noisy > 0)
		fprintf(out,
			" %.0f of %.0f that were kept had more than %.0f %% of it: the patience "
			"was used up.",
			noisy, html_get(noise, "kept"), html_get(noise, "limit_pct"));
	fprintf(out, " %s</p>\n",
		100 * noisy > ESTIMATE_NOISY * html_get(noise, "kept")
			? "<b>It was not quiet: what shares the CPUs with others is disturbed by "
			  "them to different degrees, and no small difference means anything.</b>"
			: "That is quiet.");
}

void report_unsaid(FILE *out, struct html_list *names)
{
	if (names->n > 0)
		fprintf(out,
			" Nothing is said of %s: others disturbed more than a quarter of the "
			"measurements, or these are too few.",
			html_list_end(names));
}
