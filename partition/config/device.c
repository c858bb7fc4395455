// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * device.c - the devices of partitions in vcrun.conf
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "partition/config/priv.h"
#include "partition/device/device.h"
#include "partition/device/owner.h"

int config_device_check(cfg_t *cfg, cfg_opt_t *opt)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct vc_err err = { 0 };

	for (unsigned int i = 0; i < cfg_opt_size(opt); i++) {
		if (device_check(root, cfg_opt_getnstr(opt, i), &err) < 0)
			return fail(cfg, "%s", err.text);
	}
	return config_line_note(cfg, opt);
}

static int device_fill_list(cfg_t *section, const char *option, char **list)
{
	for (unsigned int i = 0; i < cfg_size(section, option); i++) {
		char *longer;

		if (asprintf(&longer, "%s%s%s", *list ? *list : "", *list ? " " : "",
			     cfg_getnstr(section, option, i)) < 0)
			return -ENOMEM;
		free(*list);
		*list = longer;
	}
	return 0;
}

int config_device_fill(cfg_t *section, struct partition_spec *spec)
{
	int r = device_fill_list(section, "devices", &spec->devices);

	return r == 0 ? device_fill_list(section, "share", &spec->shares) : r;
}

int config_device_check_shares(cfg_t *section, const struct partition_spec *spec)
{
	struct vc_err err;

	return owner_check_shares(spec, &err) < 0
		       ? config_line_fail(config_line_of(section, "share"), "%s", err.text)
		       : 0;
}

int config_device_check_owners(cfg_t *section, const struct partition_spec *a,
			       const struct partition_spec *b)
{
	struct vc_err err;

	return owner_check_pair(a, b, &err) < 0
		       ? config_line_fail(config_line_of(section, "devices"), "%s", err.text)
		       : 0;
}
