// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * report.c - the page with the results of vcbench
 */
#include "bench/report/report.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/report/html.h"
#include "common/cleanup.h"

/* Colours that colour-blind people tell apart (Okabe and Ito 2008), a lighter set in the
 * dark. Widths: a telephone's 360 units one to one. */
static const char page_style[] =
	":root{color-scheme:light "
	"dark;--bg:#fff;--fg:#1b1f24;--dim:#5b6570;--rule:#dfe3e8;--soft:#f5f7f9;--s0:#0067b1;--s1:"
	"#d06a00;--s2:#008a62;--s3:#6b7280;--s4:#a6428a;--s5:#9aa3ad}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#14181d;--fg:#e6e9ec;--dim:#9da7b2;--rule:#"
	"303842;--soft:#1c2229;--s0:#5db4f5;--s1:#f2a04b;--s2:#3fc99b;--s3:#a3adb8;--s4:#e08cc6;--"
	"s5:#77818c}}\n"
	"*{box-sizing:border-box}body{margin:0 auto;padding:1.2rem clamp(.9rem,4vw,2.5rem) "
	"4rem;max-width:1120px;background:var(--bg);color:var(--fg);font:16px/1.55 "
	"system-ui,sans-serif}\n"
	"h1{font-size:1.7rem;line-height:1.2;margin:.6rem 0}h2{font-size:1.3rem;margin:2.6rem 0 "
	".6rem;border-top:1px solid var(--rule);padding-top:1.4rem}h3{font-size:1rem;margin:1rem 0 "
	".4rem}\n"
	"p{max-width:72ch}small,.dim{color:var(--dim)}.reading{margin:.8rem 0}\n"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:1rem "
	"0}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}nav "
	"a{margin-right:1rem}a{color:var(--s0)}\n"
	"figure{margin:1.6rem 0}figcaption{font-weight:600}.keys{margin:.3rem 0 "
	".6rem;font-size:.87rem;max-width:none}.key{display:inline-block;margin-right:1.1rem;white-"
	"space:nowrap}.key "
	"svg{width:14px;height:14px;vertical-align:-2px;margin-right:.35rem}.swatch{display:inline-"
	"block;width:14px;height:10px;margin-right:.35rem;opacity:.5}.swatch.s0{background:var(--"
	"s0)}.swatch.s3{background:var(--s3)}.swatch.s5{background:none;height:0;border-top:2px "
	"dashed var(--s5);vertical-align:4px;opacity:1}\n"
	"svg{display:block;width:100%;height:auto}.key "
	"svg{display:inline}.one{max-width:520px}.two{display:grid;gap:0 "
	"2rem;grid-template-columns:repeat(auto-fill,minmax(min(340px,100%),1fr))}.many{display:"
	"grid;gap:.9rem "
	"1rem;grid-template-columns:repeat(auto-fill,minmax(160px,1fr))}\n"
	"svg text{font:11px system-ui,sans-serif;fill:var(--fg)}.small text{font-size:11px}svg "
	".mid{text-anchor:middle;fill:var(--dim)}svg .end{text-anchor:end}svg "
	".head{font-weight:600;font-size:12px}svg "
	"path{fill:none}.grid{stroke:var(--rule)}.axis{stroke:var(--dim)}.line{stroke-width:1.6}."
	"dash{stroke-dasharray:3 "
	"3}svg .fill{stroke:none}svg .open{fill:var(--bg);stroke-width:1.6}svg "
	".band{opacity:.32;stroke:none}\n"
	".s0{stroke:var(--s0)}.s1{stroke:var(--s1)}.s2{stroke:var(--s2)}.s3{stroke:var(--s3)}.s4{"
	"stroke:var(--s4)}.s5{stroke:var(--s5)}svg "
	".s0.fill,svg .s0.band{fill:var(--s0)}svg .s1.fill,svg .s1.band{fill:var(--s1)}svg "
	".s2.fill,svg .s2.band{fill:var(--s2)}svg .s3.fill,svg .s3.band{fill:var(--s3)}svg "
	".s4.fill{fill:var(--s4)}svg .s5.fill{fill:var(--s5)}\n"
	"details{border:1px solid var(--rule);border-radius:6px;margin:.4rem 0;padding:.35rem "
	".8rem}summary{cursor:pointer}.scroll{overflow-x:auto;margin:.6rem "
	"0}table{border-collapse:collapse;font-size:.82rem;font-variant-numeric:tabular-nums}th,td{"
	"padding:.25rem "
	".6rem;text-align:left;white-space:nowrap;border-bottom:1px solid "
	"var(--rule)}th{font-weight:600;vertical-align:bottom;white-space:normal;min-width:4.5rem}."
	"n{text-align:right}pre{max-height:28rem;overflow:auto;font-size:.75rem;background:var(--"
	"soft);padding:.6rem}\n";

static const struct {
	const char *name;
	void (*write)(FILE *out, const json_t *figures);
} sections[] = {
	{ "lock", report_lock }, { "interfere", report_interfere }, { "spawn", report_spawn },
	{ "move", report_move }, { "reshape", report_reshape },     { "ipc", report_ipc },
};

static bool section_known(const char *name)
{
	if (!strcmp(name, "machine"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (!strcmp(sections[i].name, name))
			return true;
	return false;
}

/* The name of a property of the machine: its key with spaces, or one of these. */
static void page_name(FILE *out, const char *key)
{
	static const char *const names[][2] = { { "cpu", "CPU" },
						{ "cpus", "CPUs" },
						{ "l3_caches", "L3 caches" },
						{ "memory_mib", "memory, MiB" },
						{ "criu", "CRIU" },
						{ "at", "measured" } };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i][0], key)) {
			fputs(names[i][1], out);
			return;
		}
	for (const char *c = key; *c; c++)
		putc(*c == '_' ? ' ' : *c, out);
}

static void page_machine(FILE *out, const json_t *machine)
{
	const char *key;
	json_t *value;

	fputs("<dl>\n", out);
	json_object_foreach((json_t *)machine, key, value) {
		const char *text = json_is_string(value) ? json_string_value(value)
							 : html_number(json_number_value(value));
		char date[64];

		if (!strcmp(key, "at")) {
			time_t at = (time_t)json_number_value(value);
			struct tm tm;

			strftime(date, sizeof(date), "%F %R UTC", gmtime_r(&at, &tm));
			text = date;
		}
		fputs("<dt>", out);
		page_name(out, key);
		fputs("</dt><dd>", out);
		html_text(out, text);
		fputs("</dd>\n", out);
	}
	fputs("</dl>\n", out);
}

static void page_links(FILE *out, const json_t *results)
{
	const char *key;
	json_t *value;

	fputs("<nav>", out);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (json_object_get(results, sections[i].name))
			fprintf(out, "<a href=\"#%s\">%s</a>\n", sections[i].name,
				sections[i].name);
	json_object_foreach((json_t *)results, key, value)
		if (!section_known(key))
			fprintf(out, "<a href=\"#%s\">%s</a>\n", key, key);
	fputs("<a href=\"#raw\">raw figures</a></nav>\n", out);
}

static void page_sections(FILE *out, const json_t *results)
{
	const char *key;
	json_t *value;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		sections[i].write(out, json_object_get(results, sections[i].name));
	json_object_foreach((json_t *)results, key, value)
		if (!section_known(key))
			report_other(out, key, value);
}

/* For programs, in an element that no browser shows. "</" would end it. */
static void page_raw(FILE *out, const json_t *results)
{
	_cleanup_free_ char *text = json_dumps(results, JSON_COMPACT);

	fputs("<section id=\"raw\"><h2>Raw figures</h2>\n<p>The whole of them, as vcbench "
	      "--json writes them, are in this page's element <code>results</code>; <code>vcbench "
	      "--from=FILE.json</code> makes the page again.</p>\n"
	      "<script type=\"application/json\" id=\"results\">",
	      out);
	for (const char *c = text ? text : "null"; *c; c++) {
		putc(*c, out);
		if (*c == '<' && c[1] == '/')
			putc('\\', out);
	}
	fputs("</script></section>\n", out);
}

int report_write(const json_t *results, const char *path, struct vc_err *err)
{
	FILE *out = fopen(path, "we");

	if (!out)
		return err_sys(err, errno, "%s", path);
	fprintf(out,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta "
		"name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>vcbench: "
		"what partitions cost and give</title>\n<style>\n%s</style></head><body>\n<h1>What "
		"partitions cost and give on this machine</h1>\n",
		page_style);
	page_machine(out, json_object_get(results, "machine"));
	page_links(out, results);
	fputs("<p class=\"dim\">Dots are estimates, lines their intervals: Hodges-Lehmann of the "
	      "logarithms of the rounds, with Wilcoxon's signed-rank interval, widened where "
	      "rounds resemble the ones "
	      "before them, unless the text "
	      "says otherwise. What is compared was measured in turns within each round. The "
	      "sentences are made from the figures of this run.</p>\n",
	      out);
	page_sections(out, results);
	page_raw(out, results);
	fputs("</body></html>\n", out);
	if (ferror(out) || fclose(out) != 0)
		return err_sys(err, errno ? errno : EIO, "%s", path);
	return 0;
}
