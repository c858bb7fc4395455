// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * spec.c - the spec of one partition: copied, compared, JSON
 */
#include "partition/spec.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "partition/cgroup/cgroup.h"
#include "partition/config/config.h"

static const char *const mode_names[] = {
#define X(id, name) [MEMORY_##id] = name,
	MEMORY_MODES(X)
#undef X
};

const char *spec_mode_name(enum memory_mode mode)
{
	return mode_names[mode];
}

int spec_parse_mode(const char *text, enum memory_mode *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(mode_names); i++) {
		if (!strcmp(text, mode_names[i])) {
			*ret = (enum memory_mode)i;
			return 0;
		}
	}
	return -EINVAL;
}

int spec_parse_sharing(const char *text, bool *ret_exclusive)
{
	bool exclusive = !strcmp(text, "dedicated");

	if (!exclusive && strcmp(text, "shared") != 0)
		return -EINVAL;
	*ret_exclusive = exclusive;
	return 0;
}

const char *spec_sharing_name(const struct partition_spec *spec)
{
	return spec->exclusive ? "dedicated" : "shared";
}

int spec_copy(const struct partition_spec *spec, struct partition_spec *ret)
{
	struct partition_spec copy = *spec;

	copy.cpus = spec->cpus ? strdup(spec->cpus) : NULL;
	copy.mems = spec->mems ? strdup(spec->mems) : NULL;
	copy.devices = spec->devices ? strdup(spec->devices) : NULL;
	copy.shares = spec->shares ? strdup(spec->shares) : NULL;
	if ((spec->cpus && !copy.cpus) || (spec->mems && !copy.mems) ||
	    (spec->devices && !copy.devices) || (spec->shares && !copy.shares)) {
		spec_done(&copy);
		return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

void spec_done(struct partition_spec *spec)
{
	free(spec->cpus);
	free(spec->mems);
	free(spec->devices);
	free(spec->shares);
	*spec = (struct partition_spec){ .cpus = NULL };
}

bool spec_same_devices(const struct partition_spec *a, const struct partition_spec *b)
{
	return !strcmp(a->devices ? a->devices : "", b->devices ? b->devices : "") &&
	       !strcmp(a->shares ? a->shares : "", b->shares ? b->shares : "");
}

bool spec_equal(const struct partition_spec *a, const struct partition_spec *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->cpus, b->cpus) &&
	       !strcmp(a->mems, b->mems) && a->memory_bytes == b->memory_bytes &&
	       a->mode == b->mode && a->exclusive == b->exclusive && spec_same_devices(a, b);
}

bool spec_is_free(const struct partition_spec *spec)
{
	return spec->name[0] == '\0';
}

void spec_sum_add(struct spec_sum *sum, const struct partition_spec *spec)
{
	if (spec_is_free(spec) || spec->memory_bytes == CG_NO_LIMIT)
		return;
	if (__builtin_add_overflow(sum->bytes, spec->memory_bytes, &sum->bytes))
		sum->bytes = UINT64_MAX - 1;
	if (spec->mode == MEMORY_FIXED &&
	    __builtin_add_overflow(sum->fixed_bytes, spec->memory_bytes, &sum->fixed_bytes))
		sum->fixed_bytes = UINT64_MAX - 1;
}

int spec_sum_check(const struct spec_sum *before, const struct spec_sum *after, bool overcommit,
		   struct vc_err *err)
{
	uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	char sum_text[32], machine_text[32];

	config_size_format(machine, machine_text, sizeof(machine_text));
	if (after->fixed_bytes > machine && after->fixed_bytes > before->fixed_bytes)
		return err_set(
			err, E2BIG,
			"the partitions would have %s of fixed memory in all; the machine has %s, "
			"and cannot guarantee more: give less, or make some of it pageable",
			config_size_format(after->fixed_bytes, sum_text, sizeof(sum_text)),
			machine_text);
	if (!overcommit && after->bytes > machine && after->bytes > before->bytes)
		return err_set(err, E2BIG,
			       "the partitions would have %s in all; the machine has %s: give "
			       "less, or set overcommit = true in vcrun.conf",
			       config_size_format(after->bytes, sum_text, sizeof(sum_text)),
			       machine_text);
	return 0;
}

json_t *spec_to_json(const struct partition_spec *spec)
{
	json_t *memory = spec->memory_bytes == CG_NO_LIMIT
				 ? json_null()
				 : json_integer((json_int_t)spec->memory_bytes);

	return json_pack("{s:s, s:s, s:s, s:o, s:s, s:b, s:s*, s:s*}", "name", spec->name, "cpus",
			 spec->cpus ? spec->cpus : "", "mems", spec->mems ? spec->mems : "",
			 "memory", memory, "memory-mode", spec_mode_name(spec->mode), "exclusive",
			 spec->exclusive, "devices", spec->devices, "share", spec->shares);
}

int spec_from_json(json_t *root, struct partition_spec *ret, json_error_t *why)
{
	struct partition_spec spec = { .cpus = NULL };
	const char *name, *cpus, *mems, *mode = spec_mode_name(MEMORY_PAGEABLE);
	const char *devices = NULL, *shares = NULL;
	json_t *memory;
	int exclusive;

	if (json_unpack_ex(root, why, 0, "{s:s, s:s, s:s, s:o, s?s, s:b, s?s, s?s}", "name", &name,
			   "cpus", &cpus, "mems", &mems, "memory", &memory, "memory-mode", &mode,
			   "exclusive", &exclusive, "devices", &devices, "share", &shares) < 0)
		return -EINVAL;
	if (snprintf(spec.name, sizeof(spec.name), "%s", name) >= (int)sizeof(spec.name) ||
	    spec_parse_mode(mode, &spec.mode) < 0 ||
	    (!json_is_null(memory) &&
	     (!json_is_integer(memory) || json_integer_value(memory) < 0))) {
		snprintf(why->text, sizeof(why->text), "a partition's name or memory");
		return -EINVAL;
	}
	spec.memory_bytes =
		json_is_null(memory) ? CG_NO_LIMIT : (uint64_t)json_integer_value(memory);
	spec.exclusive = exclusive;
	spec.cpus = strdup(cpus);
	spec.mems = strdup(mems);
	spec.devices = devices ? strdup(devices) : NULL;
	spec.shares = shares ? strdup(shares) : NULL;
	if (!spec.cpus || !spec.mems || (devices && !spec.devices) || (shares && !spec.shares)) {
		spec_done(&spec);
		return -ENOMEM;
	}
	*ret = spec;
	return 0;
}
