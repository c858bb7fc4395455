// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * set.c - gives a partition other CPUs, nodes, devices, or another size, while its jobs run
 */
#include "cli/vcctl/vcctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "partition/topology.h"

#define LIST_TEXT 4096

DEFINE_CLEANUP(struct instance *, instance_freep, instance_free);
DEFINE_CLEANUP(struct cg *, cg_freep, cg_free);

static int set_list(char **field, const char *list, struct vc_err *err)
{
	char *copy = strdup(list);

	if (!copy)
		return err_sys(err, ENOMEM, "set");
	free(*field);
	*field = copy;
	return 0;
}

static int set_lists(const struct vcctl *opts, struct partition_spec *spec, struct vc_err *err)
{
	char list[LIST_TEXT];
	int r = 0;

	if (opts->cpus) {
		r = topology_check_cpus(opts->cpus, list, sizeof(list), NULL, err);
		r = r < 0 ? err_add(err, "--cpus") : set_list(&spec->cpus, list, err);
	}
	if (r == 0 && opts->mems) {
		r = topology_check_mems(opts->mems, list, sizeof(list), err);
		r = r < 0 ? err_add(err, "--mems") : set_list(&spec->mems, list, err);
	}
	return r;
}

/* "block:vdb,net:eth1" in a spec's form; "" is none. That they are there is checked with the rest.
 */
static int set_devices(const char *text, char **field, struct vc_err *err)
{
	char *list = strdup(text);

	if (!list)
		return err_sys(err, ENOMEM, "set");
	for (char *c = list; *c; c++)
		*c = *c == ',' ? ' ' : *c;
	free(*field);
	*field = list;
	if (!list[strspn(list, " ")])
		free(steal_ptr(*field));
	return 0;
}

int vcctl_apply_options(const struct vcctl *opts, struct partition_spec *spec, struct vc_err *err)
{
	int r = 0;

	if (opts->memory &&
	    (config_size_parse(opts->memory, &spec->memory_bytes) < 0 || spec->memory_bytes == 0))
		return err_set(err, EINVAL,
			       "--memory=%s: write a size like 512M or 1.5G, or \"max\"",
			       opts->memory);
	if (opts->memory_mode && spec_parse_mode(opts->memory_mode, &spec->mode) < 0)
		return err_set(err, EINVAL, "--memory-mode=%s: give pageable or fixed",
			       opts->memory_mode);
	if (opts->cpu && spec_parse_sharing(opts->cpu, &spec->exclusive) < 0)
		return err_set(err, EINVAL, "--cpu=%s: give dedicated or shared", opts->cpu);
	if (opts->devices)
		r = set_devices(opts->devices, &spec->devices, err);
	if (r == 0 && opts->share)
		r = set_devices(opts->share, &spec->shares, err);
	return r < 0 ? r : set_lists(opts, spec, err);
}

static int set_run(const struct vcctl *opts, const struct reshape_claim *claim, struct vc_err *err)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	_cleanup_(cg_freep) struct cg *cg = NULL;
	_cleanup_(spec_done) struct partition_spec after = { .cpus = NULL };
	char cause[PARTITION_NAME_MAX + 8];
	struct vcctl_change change = {
		.after = &after, .n = 1, .cause = cause, .claim = claim, .lock = -1
	};
	_cleanup_close_ int lock = -1;
	int at, r = vcctl_open_shape(opts, claim, &in, &cg, &lock, err);

	if (r < 0)
		return r;
	at = instance_find(in, opts->words[0]);
	if (at < 0)
		return err_set(err, ENOENT, "there is no partition '%s'; 'vcctl list' shows them",
			       opts->words[0]);
	if (spec_copy(&in->config->parts[at], &after) < 0)
		return err_sys(err, ENOMEM, "set");
	r = vcctl_apply_options(opts, &after, err);
	if (r < 0)
		return r;
	snprintf(cause, sizeof(cause), "set %s", after.name);
	change.lock = lock;
	return vcctl_reshape(opts, in, cg, &change, err);
}

int vcctl_set(const struct vcctl *opts)
{
	struct reshape_claim claim;
	struct vc_err err = { 0 };
	int r;

	if (!opts->cpus && !opts->mems && !opts->memory && !opts->cpu && !opts->memory_mode &&
	    !opts->devices && !opts->share) {
		fputs("vcctl: 'set' needs one of --cpus, --mems, --memory, --cpu, --memory-mode, "
		      "--devices, --share\n",
		      stderr);
		return 2;
	}
	vcctl_claim(opts, &claim);
	/* Having given way, it begins anew: the partitions may have changed. */
	while ((r = set_run(opts, &claim, &err)) == -ECANCELED)
		;
	if (r < 0) {
		fprintf(stderr, "vcctl: %s\n", err.text);
		return 1;
	}
	return 0;
}
