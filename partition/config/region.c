// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * region.c - the region sections of vcrun.conf
 *
 * Whether its partitions exist, and its owner has the memory, is checked after the file is read.
 */
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "partition/cgroup/cgroup.h"
#include "partition/config/priv.h"
#include "partition/region.h"

#define DEFAULT_MODE 0660

static int region_check_size(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, 0);
	uint64_t bytes;

	if (!text || config_size_parse(text, &bytes) < 0 || bytes == 0 || bytes == CG_NO_LIMIT)
		return fail(cfg, "\"%s\" is no size: write \"64M\" or \"1.5G\"", text ? text : "");
	return config_line_note(cfg, opt);
}

static int region_parse_mode(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (!isdigit((unsigned char)*text) || *end || mode > 0777)
		return -EINVAL;
	*ret = (uint32_t)mode;
	return 0;
}

static int region_check_mode(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, 0);
	uint32_t mode;

	if (!text || region_parse_mode(text, &mode) < 0)
		return fail(cfg, "mode = \"%s\": give permission bits, as in \"0660\"",
			    text ? text : "");
	return 0;
}

static int region_parse_number(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end || number >= UINT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)number;
	return 0;
}

/* *ret_gid: the group that the user has by itself; left alone for one known by number only. */
static int region_parse_user(const char *text, uint32_t *ret, uint32_t *ret_gid)
{
	const struct passwd *user = getpwnam(text);

	if (user) {
		*ret = user->pw_uid;
		*ret_gid = user->pw_gid;
	}
	return user ? 0 : region_parse_number(text, ret);
}

static int region_parse_group(const char *text, uint32_t *ret)
{
	const struct group *group = getgrnam(text);

	if (group)
		*ret = group->gr_gid;
	return group ? 0 : region_parse_number(text, ret);
}

static int region_check_user(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, 0);
	uint32_t uid, gid;

	if (!text || region_parse_user(text, &uid, &gid) < 0)
		return fail(cfg, "there is no user \"%s\"", text ? text : "");
	return 0;
}

static int region_check_group(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, 0);
	uint32_t gid;

	if (!text || region_parse_group(text, &gid) < 0)
		return fail(cfg, "there is no group \"%s\"", text ? text : "");
	return 0;
}

/* Called at the closing brace of a region. */
static int region_check(cfg_t *cfg, cfg_opt_t *opt)
{
	unsigned int n = cfg_opt_size(opt);
	cfg_t *section = cfg_opt_getnsec(opt, n - 1);
	const char *name = cfg_title(section);

	if (n > REGIONS_MAX)
		return fail(cfg, "more than %d regions", REGIONS_MAX);
	if (!config_partition_is_name(name))
		return fail(cfg,
			    "\"%s\" is no region's name: a small letter, then small letters, "
			    "digits and \"-\", at most %d",
			    name, PARTITION_NAME_MAX - 1);
	if (cfg_size(section, "size") == 0)
		return fail(cfg, "region \"%s\" has no size: add size = \"64M\"", name);
	if (cfg_size(section, "owner") == 0)
		return fail(cfg,
			    "region \"%s\" has no owner: add owner = \"PARTITION\", whose memory "
			    "it is to be",
			    name);
	return 0;
}

void config_region_check(cfg_t *cfg)
{
	cfg_set_validate_func(cfg, "region", region_check);
	cfg_set_validate_func(cfg, "region|size", region_check_size);
	cfg_set_validate_func(cfg, "region|owner", config_line_note);
	cfg_set_validate_func(cfg, "region|share", config_line_note);
	cfg_set_validate_func(cfg, "region|mode", region_check_mode);
	cfg_set_validate_func(cfg, "region|user", region_check_user);
	cfg_set_validate_func(cfg, "region|group", region_check_group);
}

static int region_check_partition(cfg_t *section, const char *option, const char *name,
				  const struct config *config)
{
	if (config_find(config, name) >= 0)
		return 0;
	config_line_fail(config_line_of(section, option),
			 "region \"%s\": there is no partition \"%s\"", cfg_title(section), name);
	return -EINVAL;
}

static int region_fill_share(cfg_t *section, const struct config *config,
			     struct region_spec *region)
{
	for (unsigned int i = 0; i < cfg_size(section, "share"); i++) {
		const char *name = cfg_getnstr(section, "share", i);
		char *longer;

		if (region_check_partition(section, "share", name, config) < 0)
			return -EINVAL;
		if (asprintf(&longer, "%s%s%s", region->share ? region->share : "",
			     region->share ? " " : "", name) < 0)
			return -ENOMEM;
		free(region->share);
		region->share = longer;
	}
	return 0;
}

/* Checks the owner's memory with all of its regions up to this one. */
static int region_check_owner(cfg_t *section, const struct config *config,
			      const struct region_spec *region)
{
	uint64_t bytes = region_bytes_of(config, region->owner);
	uint64_t most = config->parts[config_find(config, region->owner)].memory_bytes;
	char text[32], have[32];

	if (bytes < most)
		return 0;
	config_line_fail(config_line_of(section, "size"),
			 "region \"%s\": partition \"%s\" would own regions of %s in all, and has "
			 "%s: leave its jobs some",
			 region->name, region->owner, config_size_format(bytes, text, sizeof(text)),
			 config_size_format(most, have, sizeof(have)));
	return -EINVAL;
}

static int region_fill(cfg_t *section, const struct config *config, struct region_spec *region)
{
	const char *owner = cfg_getstr(section, "owner");
	int r = region_check_partition(section, "owner", owner, config);

	if (r < 0)
		return r;
	snprintf(region->name, sizeof(region->name), "%s", cfg_title(section));
	snprintf(region->owner, sizeof(region->owner), "%s", owner);
	config_size_parse(cfg_getstr(section, "size"), &region->size_bytes);
	region->mode = DEFAULT_MODE;
	if (cfg_size(section, "mode") > 0)
		region_parse_mode(cfg_getstr(section, "mode"), &region->mode);
	if (cfg_size(section, "user") > 0)
		region_parse_user(cfg_getstr(section, "user"), &region->uid, &region->gid);
	if (cfg_size(section, "group") > 0)
		region_parse_group(cfg_getstr(section, "group"), &region->gid);
	r = region_fill_share(section, config, region);
	return r < 0 ? r : region_check_owner(section, config, region);
}

int config_region_fill(cfg_t *cfg, struct config *config, struct vc_err *err)
{
	unsigned int n = cfg_size(cfg, "region");
	int r = 0;

	config->regions = calloc(n ? n : 1, sizeof(*config->regions));
	if (!config->regions)
		return err_sys(err, ENOMEM, "cannot read the configuration");
	for (unsigned int i = 0; r == 0 && i < n; i++) {
		config->n_regions = i + 1;
		r = region_fill(cfg_getnsec(cfg, "region", i), config, &config->regions[i]);
	}
	return r == -ENOMEM ? err_sys(err, ENOMEM, "cannot read the configuration") : r;
}
