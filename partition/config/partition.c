// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * partition.c - the partition sections of vcrun.conf, and the shapes in event sections
 *
 * What can be checked alone is checked while the file is read. What depends on other partitions
 * (the same exclusive CPUs in two of them) is checked afterwards, with the noted lines.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "partition/cgroup/cgroup.h"
#include "partition/config/priv.h"
#include "partition/partition.h"
#include "partition/topology.h"

#define LIST_TEXT 4096

static const char *const reserved[] = { PARTITION_SHIMS_GROUP, "jobs", "images", "board", "ipc" };

static int partition_check_cpus(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *list = cfg_opt_getnstr(opt, 0);
	struct vc_err err = { 0 };

	if (topology_check_cpus(list ? list : "", NULL, 0, NULL, &err) < 0)
		return fail(cfg, "%s", err.text);
	return config_line_note(cfg, opt);
}

static int partition_check_mems(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *list = cfg_opt_getnstr(opt, 0);
	struct vc_err err = { 0 };

	if (topology_check_mems(list ? list : "", NULL, 0, &err) < 0)
		return fail(cfg, "%s", err.text);
	return 0;
}

static uint64_t partition_machine_bytes(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int partition_check_memory(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, 0);
	char have[32];
	uint64_t bytes;

	if (!text || config_size_parse(text, &bytes) < 0 || bytes == 0)
		return fail(cfg, "\"%s\" is no size: write \"512M\", \"1.5G\" or \"max\"",
			    text ? text : "");
	if (bytes != CG_NO_LIMIT && bytes > partition_machine_bytes())
		return fail(cfg, "memory \"%s\" is more than the machine has (%s)", text,
			    config_size_format(partition_machine_bytes(), have, sizeof(have)));
	return config_line_note(cfg, opt);
}

static int partition_check_mode(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, 0);
	enum memory_mode mode;

	if (!text || spec_parse_mode(text, &mode) < 0)
		return fail(cfg, "memory-mode = \"%s\": give pageable or fixed", text ? text : "");
	return config_line_note(cfg, opt);
}

void config_partition_check_shape(cfg_t *cfg, const char *path)
{
	static const struct {
		const char *option;
		cfg_validate_callback_t check;
	} checks[] = {
		{ "cpus", partition_check_cpus },
		{ "mems", partition_check_mems },
		{ "memory", partition_check_memory },
		{ "memory-mode", partition_check_mode },
	};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		char option[64];

		snprintf(option, sizeof(option), "%s|%s", path, checks[i].option);
		cfg_set_validate_func(cfg, option, checks[i].check);
	}
}

bool config_partition_is_name(const char *name)
{
	return islower((unsigned char)name[0]) &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] &&
	       strlen(name) < PARTITION_NAME_MAX;
}

int config_partition_check_name(const char *name, struct vc_err *err)
{
	if (!config_partition_is_name(name))
		return err_set(err, EINVAL,
			       "\"%s\" is no partition's name: a small letter, then small "
			       "letters, digits and \"-\", at most %d",
			       name, PARTITION_NAME_MAX - 1);
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		if (!strcmp(name, reserved[i]))
			return err_set(err, EINVAL,
				       "\"%s\" cannot be a partition's name: vcrun uses it itself",
				       name);
	}
	return 0;
}

/* Called at the closing brace of a partition. */
static int partition_check(cfg_t *cfg, cfg_opt_t *opt)
{
	unsigned int n = cfg_opt_size(opt);
	cfg_t *section = cfg_opt_getnsec(opt, n - 1);
	const char *name = cfg_title(section);
	struct vc_err err;

	if (n > PARTITIONS_MAX)
		return fail(cfg, "more than %d partitions", PARTITIONS_MAX);
	if (config_partition_check_name(name, &err) < 0)
		return fail(cfg, "%s", err.text);
	if (cfg_size(section, "cpus") == 0)
		return fail(cfg, "partition \"%s\" has no cpus: add cpus = \"0-3\"", name);
	if (cfg_size(section, "memory") == 0 && cfg_size(section, "memory-mode") > 0 &&
	    !strcmp(cfg_getstr(section, "memory-mode"), "fixed"))
		return fail(cfg, "partition \"%s\": fixed memory needs a size: add memory = \"1G\"",
			    name);
	return 0;
}

void config_partition_check(cfg_t *cfg)
{
	cfg_set_validate_func(cfg, "partition", partition_check);
	cfg_set_validate_func(cfg, "partition|devices", config_device_check);
	cfg_set_validate_func(cfg, "partition|share", config_device_check);
	config_partition_check_shape(cfg, "partition");
}

static int partition_fill(cfg_t *section, bool exclusive, struct partition_spec *spec,
			  struct vc_err *err)
{
	char cpus[LIST_TEXT], mems[LIST_TEXT];
	int r;

	snprintf(spec->name, sizeof(spec->name), "%s", cfg_title(section));
	r = topology_check_cpus(cfg_getstr(section, "cpus"), cpus, sizeof(cpus), NULL, err);
	if (r == 0 && cfg_size(section, "mems") > 0)
		r = topology_check_mems(cfg_getstr(section, "mems"), mems, sizeof(mems), err);
	else if (r == 0)
		r = topology_mems_of(cpus, mems, sizeof(mems), err);
	if (r < 0) {
		err_add(err, "partition %s", spec->name);
		return r;
	}
	spec->memory_bytes = CG_NO_LIMIT;
	if (cfg_size(section, "memory") > 0)
		config_size_parse(cfg_getstr(section, "memory"), &spec->memory_bytes);
	if (cfg_size(section, "memory-mode") > 0)
		spec_parse_mode(cfg_getstr(section, "memory-mode"), &spec->mode);
	spec->exclusive =
		cfg_size(section, "exclusive") > 0 ? cfg_getbool(section, "exclusive") : exclusive;
	spec->cpus = strdup(cpus);
	spec->mems = strdup(mems);
	if (!spec->cpus || !spec->mems || config_device_fill(section, spec) < 0)
		return err_sys(err, ENOMEM, "cannot read the configuration");
	return 0;
}

/* Checks the memory of the partitions so far; the line is that of the last one. */
static int partition_check_sum(cfg_t *section, const struct config *config, struct spec_sum *sum)
{
	const struct partition_spec *spec = &config->parts[config->n_parts - 1];
	const struct spec_sum before = { 0 };
	struct vc_err why;

	spec_sum_add(sum, spec);
	if (spec_sum_check(&before, sum, config->overcommit, &why) == 0)
		return 0;
	config_line_fail(config_line_of(section, "memory"), "partition \"%s\": %s", spec->name,
			 why.text);
	return -EINVAL;
}

int config_partition_fill(cfg_t *cfg, struct config *config, struct vc_err *err)
{
	size_t n = cfg_size(cfg, "partition");
	struct spec_sum sum = { 0 };

	config->parts = n ? calloc(n, sizeof(*config->parts)) : NULL;
	if (n && !config->parts)
		return err_sys(err, ENOMEM, "cannot read the configuration");
	for (size_t i = 0; i < n; i++) {
		cfg_t *section = cfg_getnsec(cfg, "partition", (unsigned int)i);
		const struct partition_spec *spec = &config->parts[i];
		int r;

		config->n_parts = i + 1;
		r = partition_fill(section, config->exclusive, &config->parts[i], err);
		if (r < 0)
			return r;
		if (partition_check_sum(section, config, &sum) < 0 ||
		    config_device_check_shares(section, spec) < 0)
			return -EINVAL;
		for (size_t k = 0; k < i; k++) {
			const struct partition_spec *other = &config->parts[k];

			if (config_device_check_owners(section, spec, other) < 0)
				return -EINVAL;
			if (!spec->exclusive || !other->exclusive ||
			    topology_overlap(spec->cpus, other->cpus) <= 0)
				continue;
			config_line_fail(
				config_line_of(section, "cpus"),
				"partitions \"%s\" (CPUs %s) and \"%s\" (CPUs %s) both want the "
				"same "
				"CPU as their own: separate them, or set exclusive = false",
				other->name, other->cpus, spec->name, spec->cpus);
			return -EINVAL;
		}
	}
	return 0;
}
