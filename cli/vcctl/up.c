// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * up.c - up and down
 */
#include "cli/vcctl/vcctl.h"

int vcctl_up(const struct vcctl *opts)
{
	struct vc_err err = { 0 };

	return vcctl_result(admin_up(&opts->admin, opts->config, opts->split, &err), &err);
}

int vcctl_down(const struct vcctl *opts)
{
	struct vc_err err = { 0 };

	return vcctl_result(admin_down(&opts->admin, opts->force, &err), &err);
}
