// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * obtained.c - says what the kernel has not given as it was asked for
 *
 * A request for dedicated CPUs or fixed memory does not fail on a machine that cannot give them. So
 * vcctl prints what the kernel's files say when partitions come up or change. 'vcctl check' and
 * vcstat show it later.
 */
#include "cli/vcctl/vcctl.h"

#include <stdio.h>

#include "partition/cgroup/cgroup.h"

/* What became of it; NULL: all is as it was asked for, or nothing was. */
typedef const char *obtained_fn(struct cg *cg, const struct partition_spec *spec);

static const char *obtained_cpus(struct cg *cg, const struct partition_spec *spec)
{
	enum cg_exclusive cpus = CG_SHARED;

	if (!spec->exclusive || cg_cpus_get_exclusive(cg, spec->name, true, &cpus) < 0 ||
	    cpus == CG_DEDICATED)
		return NULL;
	if (cpus == CG_SHARED)
		return "are shared: another partition has some of them too";
	if (cg_cpus_get_keeper(cg, spec->name))
		return "are advisory: the kernel refuses them to other groups (cpu_exclusive), but "
		       "processes of none may run there";
	return "are advisory: vcctl keeps other partitions off them, the kernel keeps nothing off";
}

static const char *obtained_memory(struct cg *cg, const struct partition_spec *spec)
{
	enum cg_memory_hold memory = CG_HOLD_NONE;

	if (spec->mode != MEMORY_FIXED || cg_hold_get(cg, spec->name, &memory) < 0 ||
	    memory == CG_HOLD_FIXED)
		return NULL;
	return "is not swapped out, but not guaranteed on this machine";
}

static const char *obtained_of(obtained_fn *f, struct cg *cg, const struct partition_spec *spec)
{
	return spec_is_free(spec) ? NULL : f(cg, spec);
}

/* One line for all of which the same is to be said. */
static void print_all(obtained_fn *f, const char *what, struct cg *cg,
		      const struct partition_spec *specs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *said = obtained_of(f, cg, &specs[i]);
		size_t first = 0;

		while (first < i && obtained_of(f, cg, &specs[first]) != said)
			first++;
		if (!said || first < i)
			continue;
		printf("note: the %s of %s", what, specs[i].name);
		for (size_t k = i + 1; k < n; k++)
			if (obtained_of(f, cg, &specs[k]) == said)
				printf(", %s", specs[k].name);
		printf(" %s\n", said);
	}
}

void vcctl_print_obtained(struct cg *cg, const struct partition_spec *specs, size_t n)
{
	print_all(obtained_cpus, "CPUs", cg, specs, n);
	print_all(obtained_memory, "memory", cg, specs, n);
}
