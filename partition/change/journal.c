// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * journal.c - files about a change: the journal while it runs, a line in the record afterwards
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/statedir.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/trust.h"
#include "partition/change/priv.h"
#include "partition/instance.h"

#define JOURNAL_MAX (1u << 20)

void reshape_done(struct reshape *reshape)
{
	for (size_t i = 0; i < reshape->n; i++) {
		spec_done(&reshape->part[i].before);
		spec_done(&reshape->part[i].after);
	}
	free(reshape->part);
	free(reshape->file);
	free(reshape->text);
	*reshape = (struct reshape){ .n = 0 };
}

int reshape_set_file(struct reshape *reshape, const char *file, const char *text)
{
	reshape->file = strdup(file);
	reshape->text = strdup(text);
	return reshape->file && reshape->text ? 0 : -ENOMEM;
}

static json_t *journal_parts_to_json(const struct reshape *reshape)
{
	json_t *list = json_array();

	for (size_t i = 0; i < reshape->n; i++)
		json_array_append_new(list,
				      json_pack("{s:o, s:o}", "before",
						spec_to_json(&reshape->part[i].before), "after",
						spec_to_json(&reshape->part[i].after)));
	return list;
}

int journal_write(const struct instance *in, const struct reshape *reshape, struct vc_err *err)
{
	json_auto_t *root =
		json_pack("{s:s, s:b, s:o, s:s*, s:s*}", "cause", reshape->cause, "committed",
			  reshape->committed, "parts", journal_parts_to_json(reshape), "file",
			  reshape->file, "text", reshape->text);
	_cleanup_free_ char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
	int r = text ? file_replace(in->dirfd, STATE_RESHAPE_JOURNAL, text, strlen(text), 0600)
		     : -ENOMEM;

	return r < 0 ? err_sys(err, -r, "cannot write %s/" STATE_RESHAPE_JOURNAL, in->dir) : 0;
}

static int journal_parts_from_json(json_t *list, struct reshape *ret, json_error_t *why)
{
	size_t n = json_array_size(list);

	if (n == 0 || n > PARTITIONS_MAX)
		return -EINVAL;
	ret->part = calloc(n, sizeof(*ret->part));
	if (!ret->part)
		return -ENOMEM;
	for (ret->n = 0; ret->n < n; ret->n++) {
		struct reshape_part *part = &ret->part[ret->n];
		json_t *json = json_array_get(list, ret->n);
		int r = spec_from_json(json_object_get(json, "before"), &part->before, why);

		if (r < 0)
			return r;
		r = spec_from_json(json_object_get(json, "after"), &part->after, why);
		if (r < 0) {
			spec_done(&part->before);
			return r;
		}
	}
	return 0;
}

int journal_read(const struct instance *in, struct reshape *ret, struct vc_err *err)
{
	struct reshape reshape = { .n = 0 };
	_cleanup_free_ char *text = NULL;
	json_auto_t *root = NULL;
	json_error_t why = { .text = "a field of the wrong kind" };
	const char *cause, *file = NULL, *also = NULL;
	int committed, r = -EINVAL;
	json_t *parts;
	ssize_t len = trust_read_all(in->dirfd, STATE_RESHAPE_JOURNAL, JOURNAL_MAX, &text);

	if (len == -ENOENT)
		return -ENOENT;
	if (len < 0)
		return err_sys(err, (int)-len, "cannot read %s/" STATE_RESHAPE_JOURNAL, in->dir);
	root = json_loadb(text, (size_t)len, 0, &why);
	if (root &&
	    json_unpack_ex(root, &why, 0, "{s:s, s:b, s:o, s?s, s?s}", "cause", &cause, "committed",
			   &committed, "parts", &parts, "file", &file, "text", &also) == 0) {
		snprintf(reshape.cause, sizeof(reshape.cause), "%s", cause);
		reshape.committed = committed;
		r = journal_parts_from_json(parts, &reshape, &why);
		if (r == 0 && file && also)
			r = reshape_set_file(&reshape, file, also);
	}
	if (r < 0) {
		reshape_done(&reshape);
		return err_set(err, -r, "%s/" STATE_RESHAPE_JOURNAL " is damaged (%s)", in->dir,
			       why.text);
	}
	*ret = reshape;
	return 0;
}

void journal_remove(const struct instance *in)
{
	unlinkat(in->dirfd, STATE_RESHAPE_JOURNAL, 0);
}

/* The record is only for people, so an error is ignored. */
void journal_record(const struct instance *in, const struct reshape *reshape, const char *result,
		    const char *reason, const struct reshape_report *report)
{
	static const struct reshape_report none = { 0 };
	const struct reshape_report *r = report ? report : &none;
	json_auto_t *root = json_pack(
		"{s:I, s:s, s:s, s:s*, s:I, s:I, s:I, s:I, s:o}", "at_usec",
		(json_int_t)clock_real_usec(), "cause", reshape->cause, "result", result, "reason",
		reason, "shrink_usec", (json_int_t)r->shrink_usec, "cpus_usec",
		(json_int_t)r->cpus_usec, "grow_usec", (json_int_t)r->grow_usec, "total_usec",
		(json_int_t)r->total_usec, "parts", journal_parts_to_json(reshape));
	_cleanup_free_ char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	if (text)
		trust_append(in->dirfd, STATE_RESHAPES, text, 0644);
}
