// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * json.c - partitions and jobs as JSON, the same in every command
 *
 * Arguments are bytes and JSON's strings are UTF-8, so each other byte becomes U+FFFD. Characters
 * that a terminal would not print are escaped.
 */
#include "cli/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "wire/state.h"

json_t *json_of_bytes(const char *data, size_t len)
{
	size_t n;
	_cleanup_free_ char *text = text_to_utf8(data, len, &n);

	return text ? json_stringn(text, n) : NULL;
}

static json_t *json_of_text(const char *text)
{
	return text ? json_of_bytes(text, strlen(text)) : json_null();
}

/* A number, or null if it is not known. */
static json_t *json_of_known(protobuf_c_boolean known, uint64_t value)
{
	return known ? json_integer((json_int_t)value) : json_null();
}

json_t *json_of_partition(const Vc__Partition *p)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:f, s:o, s:o, s:o, s:o, s:o, s:f, s:f}",
		"name", json_of_text(p->name), "state", json_of_text(p->state), "cpus",
		json_of_text(p->cpus), "mems", json_of_text(p->mems), "exclusive",
		json_of_text(p->exclusive), "kept_by", json_of_text(p->kept_by), "memory_held",
		json_of_text(p->memory_held), "cpu_pct", p->cpu_pct, "jobs_cpu_pct",
		p->group_cpu_pct, "mem_used_bytes",
		json_of_known(p->has_mem_used_bytes, p->mem_used_bytes), "mem_charged_bytes",
		json_of_known(p->has_mem_charged_bytes, p->mem_charged_bytes), "mem_limit_bytes",
		json_of_known(p->has_mem_limit_bytes, p->mem_limit_bytes), "jobs",
		json_of_known(p->has_jobs, p->jobs), "runnable",
		json_of_known(p->has_runnable, p->runnable), "pending", p->pending,
		"pending_mem_bytes", p->pending_mem_bytes);
}

json_t *json_of_job(const Vc__Job *j)
{
	json_t *argv = json_array();

	for (size_t i = 0; i < j->n_argv; i++)
		json_array_append_new(argv,
				      json_of_bytes((const char *)j->argv[i].data, j->argv[i].len));
	return json_pack(
		"{s:I, s:o, s:i, s:I, s:o, s:o, s:o, s:i, s:I, s:I, s:I, s:f, s:o, s:o, s:o, s:o}",
		"id", (json_int_t)j->id, "name", json_of_text(j->name), "pid", (int)j->pid, "uid",
		(json_int_t)j->uid, "partition", json_of_text(j->partition), "state",
		json_of_text(state_name(j->state)), "argv", argv, "moves", (int)j->moves,
		"cpu_usec", (json_int_t)j->cpu_usec, "rss_bytes", (json_int_t)j->rss_bytes,
		"lien_bytes", (json_int_t)j->lien_bytes, "started", (double)j->started_usec / 1e6,
		"advice", json_of_text(j->advice), "reason", json_of_text(j->reason), "parent",
		json_of_text(j->parent), "parent_job",
		json_of_known(j->has_parent_job, j->parent_job));
}

void json_print(json_t *json)
{
	_cleanup_free_ char *dump = json_dumps(json, JSON_INDENT(2));
	_cleanup_free_ char *text = dump ? text_escape_json(dump) : NULL;

	json_decref(json);
	if (!text) {
		fputs("out of memory\n", stderr);
		exit(1);
	}
	puts(text);
}
