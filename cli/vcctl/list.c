// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * list.c - the partitions as they are configured now, and the policies
 */
#include "cli/vcctl/vcctl.h"

#include <stdio.h>

#include "cli/columns.h"
#include "cli/json.h"
#include "common/cleanup.h"
#include "policy/module.h"

void vcctl_print_partitions(const struct instance *in)
{
	struct columns *table = columns_new("PARTITION|CPUS|NODES|>MEMORY|MODE|EXCLUSIVE|DAEMON");
	char size[32];

	for (size_t i = 0; i < in->config->n_parts; i++) {
		const struct partition_spec *spec = &in->config->parts[i];
		pid_t pid;

		if (spec_is_free(spec))
			continue;
		pid = instance_daemon_pid(in, spec->name);
		columns_add(table, "%s", spec->name);
		columns_add(table, "%s", spec->cpus);
		columns_add(table, "%s", spec->mems);
		columns_add(table, "%s",
			    config_size_format(spec->memory_bytes, size, sizeof(size)));
		columns_add(table, "%s", spec_mode_name(spec->mode));
		columns_add(table, "%s", spec->exclusive ? "wanted" : "no");
		if (pid)
			columns_add(table, "%d", (int)pid);
		else
			columns_add(table, "down");
	}
	columns_print(table, stdout);
	columns_free(table);
}

static void list_partitions_json(const struct instance *in)
{
	json_t *list = json_array();

	for (size_t i = 0; i < in->config->n_parts; i++) {
		const struct partition_spec *spec = &in->config->parts[i];

		if (spec_is_free(spec))
			continue;
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:o, s:s, s:b, s:i}", "name", spec->name,
					"cpus", spec->cpus, "mems", spec->mems, "memory_bytes",
					spec->memory_bytes == CG_NO_LIMIT
						? json_null()
						: json_integer((json_int_t)spec->memory_bytes),
					"memory_mode", spec_mode_name(spec->mode), "exclusive",
					spec->exclusive, "daemon_pid",
					(int)instance_daemon_pid(in, spec->name)));
	}
	json_print(json_pack("{s:o}", "partitions", list));
}

static void list_policies(const struct policy_info *infos, size_t n, bool json)
{
	struct columns *table = columns_new("POLICY|CHOOSES");
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_array_append_new(list, json_pack("{s:s, s:s}", "name", infos[i].name,
						      "summary", infos[i].summary));
		columns_add(table, "%s", infos[i].name);
		columns_add(table, "%s", infos[i].summary);
	}
	if (json)
		json_print(json_pack("{s:O}", "policies", list));
	else
		columns_print(table, stdout);
	json_decref(list);
	columns_free(table);
}

static int list_run(const struct vcctl *opts, struct vc_err *err)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	_cleanup_free_ struct policy_info *infos = NULL;
	int r = instance_open(opts->admin.state_dir, &in, err);
	size_t n;

	/* Policies can be listed while vcrun is not up. */
	if (opts->policies) {
		r = policy_set_new(in ? in->config->policy_path : NULL, &set, err);
		if (r == 0)
			r = policy_list(set, &infos, &n, err);
		if (r == 0)
			list_policies(infos, n, opts->json);
		return r;
	}
	if (r < 0)
		return r;
	if (opts->json)
		list_partitions_json(in);
	else
		vcctl_print_partitions(in);
	return 0;
}

int vcctl_list(const struct vcctl *opts)
{
	struct vc_err err = { 0 };

	return vcctl_result(list_run(opts, &err), &err);
}
