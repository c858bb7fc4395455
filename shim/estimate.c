// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * estimate.c - what past moves say about the estimates of the next ones
 *
 * libmig's model of a standstill was measured on one machine. Each line of moves.jsonl has
 * what the model said and how long the job then stood still. The pace is the weighted
 * median of their quotients, so that one odd move changes nothing, and so that small
 * jobs, of which the model knows least, hardly count.
 */
#include "shim/shim.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/mig.h"

#define PACE_BYTES 65536 /* of the file's end that are read */
#define PACE_MOVES 32    /* the newest ones of it */
#define PACE_LEAST 0.25
#define PACE_MOST 8.0

struct pace {
	double quotient, weight;
};

static int pace_compare(const void *a, const void *b)
{
	const struct pace *x = a, *y = b;

	return (x->quotient > y->quotient) - (x->quotient < y->quotient);
}

static double pace_median(struct pace *all, size_t n)
{
	double sum = 0, half = 0;

	qsort(all, n, sizeof(*all), pace_compare);
	for (size_t i = 0; i < n; i++)
		half += all[i].weight / 2;
	for (size_t i = 0; i < n; i++) {
		sum += all[i].weight;
		if (sum >= half)
			return all[i].quotient;
	}
	return 1;
}

static bool pace_of_line(const char *line, size_t len, struct pace *ret)
{
	json_auto_t *json = json_loadb(line, len, 0, NULL);
	const char *result = json_string_value(json_object_get(json, "result"));
	const char *engine = json_string_value(json_object_get(json, "engine"));
	json_t *estimate = json_object_get(json, "estimate");
	double model = json_number_value(json_object_get(estimate, "model_usec"));

	if (!result || strcmp(result, "moved") || model <= 0 ||
	    (engine && strcmp(engine, "criu") != 0))
		return false;
	ret->quotient = json_number_value(json_object_get(json, "downtime_usec")) / model;
	ret->weight = model;
	return ret->quotient > 0;
}

double estimate_pace(const struct shim *shim)
{
	_cleanup_free_ char *text = malloc(PACE_BYTES);
	_cleanup_close_ int fd = -1;
	struct pace all[PACE_MOVES];
	char path[PATH_MAX];
	const char *end;
	size_t n = 0;
	off_t size;
	ssize_t len;
	double pace;

	snprintf(path, sizeof(path), "%s/moves.jsonl", shim->instance->dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	if (!text || size <= 0)
		return 1;
	len = pread(fd, text, PACE_BYTES, size > PACE_BYTES ? size - PACE_BYTES : 0);
	/* From the newest line to older ones. */
	for (end = text + (len > 0 ? len : 0); end > text && n < PACE_MOVES;) {
		const char *before = memrchr(text, '\n', (size_t)(end - text));
		const char *line = before ? before + 1 : text;

		n += line < end && pace_of_line(line, (size_t)(end - line), &all[n]);
		end = before ? before : text;
	}
	pace = n > 0 ? pace_median(all, n) : 1;
	return pace < PACE_LEAST ? PACE_LEAST : pace > PACE_MOST ? PACE_MOST : pace;
}

void estimate_to_wire(const struct mig_estimate *estimate, Vc__Estimate *ret)
{
	vc__estimate__init(ret);
	ret->stop_usec = estimate->stop_usec;
	WIRE_SET(ret, model_usec, estimate->model_usec);
	WIRE_SET(ret, bytes, estimate->bytes);
	WIRE_SET(ret, processes, estimate->processes);
	WIRE_SET(ret, threads, estimate->threads);
	WIRE_SET(ret, files, estimate->files);
	WIRE_SET(ret, mappings, estimate->mappings);
}
