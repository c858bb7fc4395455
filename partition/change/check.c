// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * check.c - whether a change of partitions is possible
 *
 * Checks all partitions of the instance as they would be afterwards, before anything changes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "partition/change/priv.h"
#include "partition/device/owner.h"
#include "partition/instance.h"
#include "partition/region.h"
#include "partition/topology.h"

static const struct partition_spec *check_find(const struct partition_spec *specs, size_t n,
					       const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(specs[i].name, name))
			return &specs[i];
	}
	return NULL;
}

/* Regions count as their owner's memory, and the owner needs more than those. */
static int check_regions(const struct config *config, const struct partition_spec *spec,
			 struct vc_err *err)
{
	uint64_t bytes = region_bytes_of(config, spec->name);
	char text[32], memory[32];

	if (bytes == 0 || bytes < spec->memory_bytes)
		return 0;
	return err_set(err, E2BIG, "it owns regions of %s in all, and would have %s",
		       config_size_format(bytes, text, sizeof(text)),
		       config_size_format(spec->memory_bytes, memory, sizeof(memory)));
}

static int check_one(const struct config *config, const struct partition_spec *spec,
		     struct vc_err *err)
{
	int r = topology_check_cpus(spec->cpus, NULL, 0, NULL, err);

	if (r == 0)
		r = topology_check_mems(spec->mems, NULL, 0, err);
	if (r == 0 && spec->mode == MEMORY_FIXED && spec->memory_bytes == CG_NO_LIMIT)
		r = err_set(err, EINVAL, "fixed memory needs a size: give one by --memory");
	if (r == 0 && spec->memory_bytes == 0)
		r = err_set(err, EINVAL, "a partition cannot do without memory");
	if (r == 0)
		r = check_regions(config, spec, err);
	if (r < 0)
		err_add(err, "partition %s", spec->name);
	return r;
}

/* Exclusive CPUs of one partition must not be exclusive to another. */
static int check_dedicated(const struct partition_spec *a, const struct partition_spec *b,
			   struct vc_err *err)
{
	if (!a->exclusive || !b->exclusive || topology_overlap(a->cpus, b->cpus) <= 0)
		return 0;
	return err_set(err, EINVAL,
		       "partitions %s (CPUs %s) and %s (CPUs %s) would both have the same CPU as "
		       "their own: separate them, or make one of them shared",
		       a->name, a->cpus, b->name, b->cpus);
}

/* Checks only new devices: the kernel may have changed what a partition had before. */
static int check_new_devices(const struct partition_spec *spec, const struct partition_spec *old,
			     struct vc_err *err)
{
	int r = spec_same_devices(spec, old) ? 0 : owner_check_devices(spec, err);

	return r == 0 ? owner_check_shares(spec, err) : r;
}

/* Checks what two partitions cannot both have. */
static int check_pair(const struct partition_spec *spec, const struct partition_spec *old,
		      const struct partition_spec *other, struct vc_err *err)
{
	int r = check_dedicated(spec, other, err);

	return r == 0 && !spec_same_devices(spec, old) ? owner_check_pair(spec, other, err) : r;
}

int reshape_check(const struct instance *in, const struct partition_spec *after, size_t n,
		  struct vc_err *err)
{
	const struct config *config = in->config;
	struct spec_sum sum_before = { 0 }, sum_after = { 0 };
	int r;

	for (size_t i = 0; i < n; i++) {
		r = instance_find(in, after[i].name);

		if (r < 0)
			return err_set(err, ENOENT,
				       "there is no partition '%s'; 'vcctl list' shows them",
				       after[i].name);
		r = check_one(config, &after[i], err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < config->n_parts; i++) {
		const struct partition_spec *old = &config->parts[i];
		const struct partition_spec *spec = check_find(after, n, old->name);

		if (spec_is_free(old))
			continue;
		spec_sum_add(&sum_before, old);
		spec_sum_add(&sum_after, spec ? spec : old);
		r = spec ? check_new_devices(spec, old, err) : 0;
		if (r < 0)
			return r;
		for (size_t k = 0; spec && k < config->n_parts; k++) {
			const struct partition_spec *other = &config->parts[k];
			const struct partition_spec *changed = check_find(after, n, other->name);
			r = k == i || spec_is_free(other)
				    ? 0
				    : check_pair(spec, old, changed ? changed : other, err);

			if (r < 0)
				return r;
		}
	}
	return spec_sum_check(&sum_before, &sum_after, config->overcommit, err);
}

int reshape_check_fit(const struct instance *in, struct cg *cg, const struct partition_spec *after,
		      size_t n, struct vc_err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct partition_spec *to = &after[i];
		struct cg_memory now;
		int r = 0;

		if (instance_find(in, to->name) >= 0 && cg_memory_read(cg, to->name, &now) == 0 &&
		    to->memory_bytes < now.limit_bytes)
			r = cg_shrink_check(cg, to->name, to->memory_bytes,
					    to->mode == MEMORY_PAGEABLE, err);
		if (r < 0)
			return err_add(err, "partition %s", to->name);
	}
	return 0;
}
