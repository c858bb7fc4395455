// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * set.c - set, add and remove: one partition changes, comes or goes
 */
#include "cli/vcctl/vcctl.h"

#include <stdio.h>

int vcctl_set(const struct vcctl *opts)
{
	const struct admin_wish *wish = &opts->wish;
	struct vc_err err = { 0 };

	if (!wish->cpus && !wish->mems && !wish->memory && !wish->cpu && !wish->memory_mode &&
	    !wish->devices && !wish->share) {
		fputs("vcctl: 'set' needs one of --cpus, --mems, --memory, --cpu, --memory-mode, "
		      "--devices, --share\n",
		      stderr);
		return EXIT_USAGE_CODE;
	}
	return vcctl_result(admin_set(&opts->admin, opts->words[0], wish, &err), &err);
}

int vcctl_add(const struct vcctl *opts)
{
	struct vc_err err = { 0 };
	int r;

	if (!opts->wish.cpus) {
		fputs("vcctl: 'add' needs --cpus: give the CPUs of the partition\n", stderr);
		return EXIT_USAGE_CODE;
	}
	r = admin_add(&opts->admin, opts->words[0], &opts->wish, &err);
	if (r < 0)
		err_add(&err, "add %s", opts->words[0]);
	return vcctl_result(r, &err);
}

int vcctl_remove(const struct vcctl *opts)
{
	struct vc_err err = { 0 };
	int r = admin_remove(&opts->admin, opts->words[0], &err);

	if (r < 0)
		err_add(&err, "remove %s", opts->words[0]);
	return vcctl_result(r, &err);
}
