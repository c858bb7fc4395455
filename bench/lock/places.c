// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * places.c - where the partitions of an instance lie
 *
 * Partitions are cut along the machine's own lines. What is bound to CPUs by other means is
 * to have the very same CPUs; so the instance is asked.
 */
#include "bench/crew.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/log.h"

int bench_places_find(struct bench *bench, unsigned int domains, struct bench_places *ret,
		      struct vc_err *err)
{
	size_t size = 65536 + (size_t)domains * 512;
	_cleanup_free_ char *out = malloc(size);
	json_auto_t *list = NULL;
	int r = bench_up(bench, domains, err);

	if (r < 0)
		return r;
	if (out && bench_run(BENCH_ARGV("vcctl", "list", "--json"), out, size) == 0)
		list = json_loads(out, 0, NULL);
	bench_down(bench);
	*ret = (struct bench_places){ 0 };
	ret->names = calloc(domains, sizeof(*ret->names));
	ret->cpus = calloc(domains, sizeof(*ret->cpus));
	ret->by_name = calloc(domains, sizeof(char *));
	ret->by_cpus = calloc(domains, sizeof(char *));
	if (!ret->names || !ret->cpus || !ret->by_name || !ret->by_cpus)
		fatal("out of memory");
	for (unsigned int i = 0; i < domains; i++) {
		const char *name = NULL, *cpus = NULL;

		if (json_unpack(json_array_get(json_object_get(list, "partitions"), i),
				"{s:s, s:s}", "name", &name, "cpus", &cpus) < 0)
			return err_set(err, EPROTO, "vcctl list --json: no partition %u of %u", i,
				       domains);
		snprintf(ret->names[i], sizeof(ret->names[i]), "%s", name);
		snprintf(ret->cpus[i], sizeof(ret->cpus[i]), "%s", cpus);
		ret->by_name[i] = ret->names[i];
		ret->by_cpus[i] = ret->cpus[i];
	}
	return 0;
}

void bench_places_done(struct bench_places *places)
{
	free(places->names);
	free(places->cpus);
	free(places->by_name);
	free(places->by_cpus);
	*places = (struct bench_places){ 0 };
}
