// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * engine.c - the list of engines, and the choice of one
 *
 * "auto" takes the first engine of the list that ends with everything in place: the job at the
 * target, and its memory charged there. The list is in the order of the stops. If no engine does,
 * auto takes the first one that can move the job at all.
 */
#include "shim/engine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"

/* Memory that may stay charged to the source: some of it is the kernel's own, for the job. */
#define ENGINE_LIEN_BYTES (4u << 20)
#define ENGINE_LIEN_SHARE 32 /* of the job's memory, one part in so many */

static const struct engine *const engines[] = { &engine_live, &engine_criu };

static const struct engine *engine_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
		if (!strcmp(engines[i]->name, name))
			return engines[i];
	return NULL;
}

void engine_drop(struct move *move)
{
	if (move->state)
		move->engine->done(move);
	move->state = NULL;
}

static int engine_use(struct move *move, const struct engine *engine, struct vc_err *err)
{
	engine_drop(move);
	move->engine = engine;
	move->report = (struct move_report){ .result = MIG_REFUSED };
	return engine->prepare(move, err);
}

static bool engine_in_place(const struct move_report *report)
{
	return report->lien_bytes <= ENGINE_LIEN_BYTES ||
	       report->lien_bytes <= report->estimate.bytes / ENGINE_LIEN_SHARE;
}

/* Looks what an engine would do. 0: it moves the job; err says what it leaves behind, if
 * anything. */
static int engine_try(struct move *move, const struct engine *engine, struct vc_err *err)
{
	int r = engine_use(move, engine, err);

	if (r == 0)
		r = engine->estimate(move, err);
	if (r == 0 && !engine_in_place(&move->report))
		err_set(err, EXDEV, "%" PRIu64 " MiB would stay charged to %s",
			move->report.lien_bytes >> 20, move->source.partition);
	return r;
}

static int engine_choose_best(struct move *move, struct vc_err *err)
{
	const struct engine *possible = NULL;
	struct vc_err first = { 0 }, why;

	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		int r;

		why = (struct vc_err){ 0 };
		r = engine_try(move, engines[i], &why);
		if (r == 0 && !why.code) {
			snprintf(move->why, sizeof(move->why), "%s%s%.200s",
				 i == 0 ? "it has the shortest stop" : engines[0]->name,
				 i == 0 ? "" : ": ", first.text);
			return engine_use(move, engines[i], err);
		}
		if (r == 0 && !possible)
			possible = engines[i];
		if (i == 0)
			first = why;
	}
	if (!possible) {
		*err = first;
		return -first.code;
	}
	snprintf(move->why, sizeof(move->why), "no engine moves all; %.200s", first.text);
	return engine_use(move, possible, err);
}

int engine_choose(struct move *move, struct vc_err *err)
{
	const char *name = move->request->engine;
	const struct engine *engine;

	if (!name || !*name)
		name = "auto";
	if (!strcmp(name, "auto"))
		return engine_choose_best(move, err);
	engine = engine_find(name);
	if (!engine)
		return err_set(err, EINVAL, "there is no engine %s; give auto, live or criu", name);
	return engine_use(move, engine, err);
}
