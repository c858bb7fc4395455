// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * policy-ask - loads a policy as the daemon does and asks it where a job should go
 *
 *	policy-ask DIRECTORY NAME CPU_PCT:USED_MB:LIMIT_MB…
 *
 * One argument a partition. Prints the index; a fault goes to stderr with status 1.
 */
#include <inttypes.h>
#include <stdio.h>

#include "policy/module.h"

#define PARTITIONS_MAX 16

int main(int argc, char **argv)
{
	struct vc_load loads[PARTITIONS_MAX] = { { .flags = 0 } };
	struct vc_view view = {
		.size = sizeof(view), .load_size = sizeof(loads[0]), .loads = loads, .current = -1
	};
	const struct vc_policy *policy;
	struct policy_set *set;
	struct vc_err err = { .code = 0 };
	int index = -1;

	if (argc < 4 || argc > 3 + PARTITIONS_MAX) {
		fprintf(stderr, "usage: policy-ask DIRECTORY NAME CPU_PCT:USED_MB:LIMIT_MB…\n");
		return 2;
	}
	for (int i = 3; i < argc; i++) {
		struct vc_load *load = &loads[view.n++];
		uint64_t used, limit;

		if (sscanf(argv[i], "%lf:%" SCNu64 ":%" SCNu64, &load->cpu_pct, &used, &limit) != 3)
			return 2;
		load->flags = VC_LOAD_UP;
		load->ncpus = 1;
		load->mem_used_bytes = used << 20;
		load->mem_limit_bytes = limit << 20;
	}
	if (policy_set_new(argv[1], &set, &err) == 0) {
		if (policy_get(set, argv[2], &policy, &err) == 0)
			index = policy_place(policy, &view, &err);
		policy_set_free(set);
	}
	if (err.code != 0) {
		fprintf(stderr, "policy-ask: %s\n", err.text);
		return 1;
	}
	printf("%d\n", index);
	return 0;
}
