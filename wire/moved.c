// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * moved.c - the record of a move as JSON
 *
 * Names and reasons may contain any bytes; JSON strings are UTF-8. Invalid bytes become U+FFFD.
 */
#include "wire/moved.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "wire/wire.h"

static json_t *moved_text(const char *text)
{
	size_t n;
	_cleanup_free_ char *clean = text && *text ? text_to_utf8(text, strlen(text), &n) : NULL;

	return clean ? json_stringn(clean, n) : json_null();
}

static json_t *moved_estimate(const Vc__Estimate *e)
{
	if (!e)
		return NULL;
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "stop_usec",
			 (json_int_t)e->stop_usec, "model_usec", (json_int_t)e->model_usec, "bytes",
			 (json_int_t)e->bytes, "processes", (json_int_t)e->processes, "threads",
			 (json_int_t)e->threads, "files", (json_int_t)e->files, "mappings",
			 (json_int_t)e->mappings);
}

json_t *moved_to_json(const Vc__Moved *m)
{
	json_t *steps = json_object();

	for (size_t i = 0; i < m->n_steps; i++)
		json_object_set_new(steps, m->steps[i]->name,
				    json_integer((json_int_t)m->steps[i]->usec));
	return json_pack(
		"{s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:f, s:o, s:o, s:I, s:o, s:o*}",
		"job", (json_int_t)m->job, "uid", (json_int_t)m->uid, "from", moved_text(m->from),
		"to", moved_text(m->to), "engine", moved_text(m->engine), "result",
		moved_text(m->result), "downtime_usec", (json_int_t)m->downtime_usec, "total_usec",
		(json_int_t)m->total_usec, "image_bytes", (json_int_t)m->image_bytes, "at",
		(double)m->at_usec / 1e6, "reason", moved_text(m->reason), "engine_reason",
		moved_text(m->engine_reason), "lien_bytes", (json_int_t)m->lien_bytes, "steps_usec",
		steps, "estimate", moved_estimate(m->estimate));
}

static char *moved_take_text(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return strdup(text ? text : "");
}

static uint64_t moved_take_number(const json_t *json, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(json, key));

	return value > 0 ? (uint64_t)value : 0;
}

Vc__Moved *moved_from_json(const char *line, size_t len)
{
	json_auto_t *json = json_loadb(line, len, 0, NULL);
	Vc__Moved *m = json_is_object(json) ? calloc(1, sizeof(*m)) : NULL;
	double at = json_number_value(json_object_get(json, "at"));

	if (!m)
		return NULL;
	vc__moved__init(m);
	m->job = (uint32_t)moved_take_number(json, "job");
	m->from = moved_take_text(json, "from");
	m->to = moved_take_text(json, "to");
	m->engine = moved_take_text(json, "engine");
	m->result = moved_take_text(json, "result");
	m->reason = moved_take_text(json, "reason");
	WIRE_SET(m, downtime_usec, moved_take_number(json, "downtime_usec"));
	WIRE_SET(m, total_usec, moved_take_number(json, "total_usec"));
	WIRE_SET(m, image_bytes, moved_take_number(json, "image_bytes"));
	WIRE_SET(m, at_usec, at > 0 && at < 1e12 ? (uint64_t)(at * 1e6 + 0.5) : 0);
	WIRE_SET(m, uid, (uint32_t)moved_take_number(json, "uid"));
	WIRE_SET(m, lien_bytes, moved_take_number(json, "lien_bytes"));
	if (!m->from || !m->to || !m->engine || !m->result || !m->reason) {
		vc__moved__free_unpacked(m, NULL);
		return NULL;
	}
	return m;
}
