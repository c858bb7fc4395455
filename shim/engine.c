// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * engine.c - the list of engines, and the choice of one
 */
#include "shim/engine.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"

static const struct engine *const engines[] = { &engine_criu };

const struct engine *engine_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
		if (!strcmp(engines[i]->name, name))
			return engines[i];
	return NULL;
}

int engine_choose(struct move *move, struct vc_err *err)
{
	const char *name = move->request->engine;

	move->engine = name && *name ? engine_find(name) : engines[0];
	if (!move->engine)
		return err_set(err, EINVAL, "there is no engine %s", name);
	return 0;
}
