// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * set.c - changes a partition's CPUs, nodes, devices or size while its jobs run
 */
#include "admin/priv.h"

#include <errno.h>
#include <stdio.h>

static int set_once(const struct admin *admin, const char *name, const struct admin_wish *wish,
		    const struct reshape_claim *claim, struct vc_err *err)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	_cleanup_(cg_freep) struct cg *cg = NULL;
	_cleanup_(spec_done) struct partition_spec after = { .cpus = NULL };
	_cleanup_close_ int lock = -1;
	char cause[PARTITION_NAME_MAX + 8];
	int at, r = shape_open(admin, claim, &in, &cg, &lock, err);

	if (r < 0)
		return r;
	at = instance_find(in, name);
	if (at < 0)
		return err_set(err, ENOENT, "there is no partition '%s'; 'vcctl list' shows them",
			       name);
	if (spec_copy(&in->config->parts[at], &after) < 0)
		return err_sys(err, ENOMEM, "set");
	r = wish_apply(wish, &after, err);
	if (r < 0)
		return r;
	snprintf(cause, sizeof(cause), "set %s", after.name);
	return shape_change(
		admin, in, cg,
		&(struct shape_order){
			.after = &after, .n = 1, .cause = cause, .claim = claim, .lock = lock },
		err);
}

int admin_set(const struct admin *admin, const char *name, const struct admin_wish *wish,
	      struct vc_err *err)
{
	const struct reshape_claim claim = shape_claim(admin);
	int r;

	do
		r = set_once(admin, name, wish, &claim, err);
	while (r == -ECANCELED);
	return r;
}
