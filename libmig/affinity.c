// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * affinity.c - CPU affinity by position
 */
#include "libmig/affinity.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

static bool mask_has(const struct cpu_mask *mask, unsigned int cpu)
{
	return (mask->bits[cpu / AFFINITY_WORD_BITS] >> (cpu % AFFINITY_WORD_BITS)) & 1;
}

static void mask_add(struct cpu_mask *mask, unsigned int cpu)
{
	mask->bits[cpu / AFFINITY_WORD_BITS] |= 1ul << (cpu % AFFINITY_WORD_BITS);
}

int affinity_parse(const char *list, struct cpu_mask *ret)
{
	unsigned int n = 0;

	*ret = (struct cpu_mask){ 0 };
	while (*list && *list != '\n') {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (end == list)
			return -EINVAL;
		if (*end == '-') {
			list = end + 1;
			last = strtoul(list, &end, 10);
			if (end == list)
				return -EINVAL;
		}
		if (last < first || last >= AFFINITY_CPUS_MAX ||
		    (*end && *end != ',' && *end != '\n'))
			return -EINVAL;
		for (unsigned long cpu = first; cpu <= last; cpu++, n++)
			mask_add(ret, (unsigned int)cpu);
		list = *end == ',' ? end + 1 : end;
	}
	return n > 0 ? 0 : -EINVAL;
}

int affinity_read(pid_t tid, const struct cpu_mask *cpuset, struct affinity *ret)
{
	struct cpu_mask allowed = { 0 };
	size_t n_set = 0, n = 0;

	*ret = (struct affinity){ 0 };
	if (syscall(SYS_sched_getaffinity, tid, sizeof(allowed), &allowed) < 0)
		return 0;
	for (unsigned int cpu = 0; cpu < AFFINITY_CPUS_MAX; cpu++) {
		n_set += mask_has(cpuset, cpu);
		n += mask_has(cpuset, cpu) && mask_has(&allowed, cpu);
	}
	ret->n = n;
	if (n == n_set || n == 0)
		return 0;
	ret->position = calloc(n, sizeof(*ret->position));
	if (!ret->position)
		return -ENOMEM;
	for (uint32_t cpu = 0, position = 0, i = 0; i < n; cpu++) {
		if (!mask_has(cpuset, cpu))
			continue;
		if (mask_has(&allowed, cpu))
			ret->position[i++] = position;
		position++;
	}
	return 0;
}

int affinity_put(pid_t tid, const struct affinity *affinity, const struct cpu_mask *cpuset)
{
	_cleanup_free_ uint32_t *cpus = NULL;
	struct cpu_mask mask = { 0 };
	size_t n = 0;

	if (!affinity->position)
		return 0;
	cpus = calloc(AFFINITY_CPUS_MAX, sizeof(*cpus));
	if (!cpus)
		return -ENOMEM;
	for (uint32_t cpu = 0; cpu < AFFINITY_CPUS_MAX; cpu++)
		if (mask_has(cpuset, cpu))
			cpus[n++] = cpu;
	if (n == 0)
		return -EINVAL;
	for (size_t i = 0; i < affinity->n; i++)
		mask_add(&mask, cpus[affinity->position[i] % n]);
	return syscall(SYS_sched_setaffinity, tid, sizeof(mask), &mask) < 0 ? -errno : 0;
}
