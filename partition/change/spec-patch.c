// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * spec-patch.c - a change of some fields of a spec
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "partition/cgroup/cgroup.h"
#include "partition/spec.h"

void spec_patch_done(struct spec_patch *patch)
{
	free(patch->cpus);
	free(patch->mems);
	*patch = (struct spec_patch){ .mode = -1, .exclusive = -1 };
}

int spec_patch_apply(struct partition_spec *spec, const struct spec_patch *patch)
{
	_cleanup_free_ char *cpus = strdup(patch->cpus ? patch->cpus : spec->cpus);
	_cleanup_free_ char *mems = strdup(patch->mems ? patch->mems : spec->mems);

	if (!cpus || !mems)
		return -ENOMEM;
	free(spec->cpus);
	free(spec->mems);
	spec->cpus = steal_ptr(cpus);
	spec->mems = steal_ptr(mems);
	if (patch->memory_bytes)
		spec->memory_bytes = patch->memory_bytes;
	if (patch->mode >= 0)
		spec->mode = (enum memory_mode)patch->mode;
	if (patch->exclusive >= 0)
		spec->exclusive = patch->exclusive;
	return 0;
}

int spec_patch_back(const struct spec_patch *patch, const struct partition_spec *spec,
		    struct spec_patch *ret)
{
	struct spec_patch back = {
		.cpus = patch->cpus ? strdup(spec->cpus) : NULL,
		.mems = patch->mems ? strdup(spec->mems) : NULL,
		.memory_bytes = patch->memory_bytes ? spec->memory_bytes : 0,
		.mode = patch->mode >= 0 ? (int)spec->mode : -1,
		.exclusive = patch->exclusive >= 0 ? (int)spec->exclusive : -1,
	};

	memcpy(back.name, patch->name, sizeof(back.name));
	if ((patch->cpus && !back.cpus) || (patch->mems && !back.mems)) {
		spec_patch_done(&back);
		return -ENOMEM;
	}
	*ret = back;
	return 0;
}

json_t *spec_patch_to_json(const struct spec_patch *patch)
{
	json_t *root = json_pack("{s:s, s:s*, s:s*}", "name", patch->name, "cpus", patch->cpus,
				 "mems", patch->mems);

	/* JSON has no number for "max". */
	if (patch->memory_bytes == CG_NO_LIMIT)
		json_object_set_new(root, "memory", json_null());
	else if (patch->memory_bytes)
		json_object_set_new(root, "memory", json_integer((json_int_t)patch->memory_bytes));
	if (patch->mode >= 0)
		json_object_set_new(root, "memory-mode",
				    json_string(spec_mode_name((enum memory_mode)patch->mode)));
	if (patch->exclusive >= 0)
		json_object_set_new(root, "exclusive", json_boolean(patch->exclusive));
	return root;
}

int spec_patch_from_json(json_t *root, struct spec_patch *ret, json_error_t *why)
{
	struct spec_patch patch = { .mode = -1, .exclusive = -1 };
	const char *name, *cpus = NULL, *mems = NULL, *mode = NULL;
	const json_t *memory = json_object_get(root, "memory");
	enum memory_mode parsed;

	if (json_unpack_ex(root, why, 0, "{s:s, s?s, s?s, s?s, s?b}", "name", &name, "cpus", &cpus,
			   "mems", &mems, "memory-mode", &mode, "exclusive", &patch.exclusive) < 0)
		return -EINVAL;
	if (snprintf(patch.name, sizeof(patch.name), "%s", name) >= (int)sizeof(patch.name) ||
	    (mode && spec_parse_mode(mode, &parsed) < 0) ||
	    (memory && !json_is_null(memory) && json_integer_value(memory) <= 0)) {
		snprintf(why->text, sizeof(why->text), "a partition's name, mode or memory");
		return -EINVAL;
	}
	if (mode)
		patch.mode = (int)parsed;
	if (memory)
		patch.memory_bytes =
			json_is_null(memory) ? CG_NO_LIMIT : (uint64_t)json_integer_value(memory);
	patch.cpus = cpus ? strdup(cpus) : NULL;
	patch.mems = mems ? strdup(mems) : NULL;
	if ((cpus && !patch.cpus) || (mems && !patch.mems)) {
		spec_patch_done(&patch);
		return -ENOMEM;
	}
	*ret = patch;
	return 0;
}
