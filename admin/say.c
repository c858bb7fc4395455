// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * say.c - what an operation tells its caller while it works
 *
 * A request for dedicated CPUs or fixed memory does not fail on a machine that cannot grant them.
 * So an operation says what the kernel's files show when partitions come up or change. 'vcctl
 * check' and vcstat show it later.
 */
#include "admin/priv.h"

#include <stdarg.h>
#include <stdio.h>

#define SAY_MAX 2048

static void say_text(void (*tell)(const char *text), const char *fmt, va_list ap)
{
	char text[SAY_MAX];

	vsnprintf(text, sizeof(text), fmt, ap);
	tell(text);
}

void say(const struct admin *admin, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_text(admin->say, fmt, ap);
	va_end(ap);
}

void say_warning(const struct admin *admin, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_text(admin->warn, fmt, ap);
	va_end(ap);
}

/* How a partition's share differs from the request; NULL: it does not. */
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
		       "processes in no group may run there";
	return "are advisory: no other partition has them, but the kernel keeps nothing off them";
}

static const char *obtained_memory(struct cg *cg, const struct partition_spec *spec)
{
	enum cg_memory_hold memory = CG_HOLD_NONE;

	if (spec->mode != MEMORY_FIXED || cg_hold_get(cg, spec->name, &memory) < 0 ||
	    memory == CG_HOLD_FIXED)
		return NULL;
	return "is not swapped out, but not guaranteed on this machine";
}

/* One line for all partitions with the same difference. */
static void say_obtained_of(const struct admin *admin, obtained_fn *get, const char *resource,
			    struct cg *cg, const struct partition_spec *specs, size_t n)
{
	const char *found[PARTITIONS_MAX];

	for (size_t i = 0; i < n; i++)
		found[i] = spec_is_free(&specs[i]) ? NULL : get(cg, &specs[i]);
	for (size_t i = 0; i < n; i++) {
		char names[SAY_MAX - 256] = "";
		const char *difference = found[i];
		size_t len = 0;

		for (size_t k = i; difference && k < n && len < sizeof(names); k++) {
			if (found[k] != difference)
				continue;
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
						len ? ", " : "", specs[k].name);
			found[k] = NULL;
		}
		if (difference)
			say(admin, "note: the %s of %s %s", resource, names, difference);
	}
}

void say_obtained(const struct admin *admin, struct cg *cg, const struct partition_spec *specs,
		  size_t n)
{
	say_obtained_of(admin, obtained_cpus, "CPUs", cg, specs, n);
	say_obtained_of(admin, obtained_memory, "memory", cg, specs, n);
}
