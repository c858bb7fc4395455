// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * shape.c - prints what an operation of admin/ tells: lines, partitions, changes
 */
#include "cli/vcctl/vcctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/columns.h"

static void shape_say(const char *text)
{
	puts(text);
	fflush(stdout);
}

static void shape_warn(const char *text)
{
	fprintf(stderr, "vcctl: warning: %s\n", text);
}

static void shape_add_cells(struct columns *table, const struct admin_shape *shape)
{
	char size[32];

	columns_add(table, "%s", config_size_format(shape->spec.memory_bytes, size, sizeof(size)));
	columns_add(table, "%s", shape->mode);
	columns_add(table, "%s", shape->spec.cpus);
	columns_add(table, "%s", shape->sharing);
	columns_add(table, "%s", shape->spec.mems);
}

static bool shape_same(const struct admin_shape *a, const struct admin_shape *b)
{
	return a->spec.memory_bytes == b->spec.memory_bytes && !strcmp(a->mode, b->mode) &&
	       !strcmp(a->sharing, b->sharing) && !strcmp(a->spec.cpus, b->spec.cpus) &&
	       !strcmp(a->spec.mems, b->spec.mems);
}

static void shape_print_list(const char *what, const char *partition, const char *before,
			     const char *after)
{
	printf("%s of %s: %s -> %s\n", what, partition, before ? before : "none",
	       after ? after : "none");
}

/* JP06110715, Fig. 9: one line a partition, before and after side by side. Devices are below the
 * table, since few partitions have any. */
static void shape_print(const struct admin_change *change)
{
	struct columns *table = columns_new("PARTITION|>MEMORY|MODE|CPUS|CPU|NODES| |"
					    ">MEMORY|MODE|CPUS|CPU|NODES");

	for (size_t i = 0; i < change->n; i++) {
		const struct admin_shape *before = &change->before[i], *after = &change->after[i];

		columns_add(table, "%s", after->spec.name);
		shape_add_cells(table, before);
		columns_add(table, "%s", shape_same(before, after) ? "" : "->");
		shape_add_cells(table, after);
	}
	columns_print(table, stdout);
	columns_free(table);
	for (size_t i = 0; i < change->n; i++) {
		const struct partition_spec *before = &change->before[i].spec;
		const struct partition_spec *after = &change->after[i].spec;

		if (spec_same_devices(before, after))
			continue;
		shape_print_list("devices", after->name, before->devices, after->devices);
		shape_print_list("share", after->name, before->shares, after->shares);
	}
}

static void shape_print_report(const struct reshape_report *report)
{
	char shrink[32], cpus[32], grow[32], total[32];

	if (report->behind_bytes > 0)
		printf("note: %" PRIu64
		       " KiB are still on other nodes, because of I/O; when the I/O has "
		       "ended, the same command moves them\n",
		       report->behind_bytes >> 10);
	if (report->n_changed == 0) {
		puts("nothing to change");
		return;
	}
	printf("done in %s: shrinking %s, CPUs %s, growing %s\n",
	       columns_usec(report->total_usec, total, sizeof(total)),
	       columns_usec(report->shrink_usec, shrink, sizeof(shrink)),
	       columns_usec(report->cpus_usec, cpus, sizeof(cpus)),
	       columns_usec(report->grow_usec, grow, sizeof(grow)));
}

static void shape_show_change(const struct admin_change *change)
{
	shape_print(change);
	if (!change->dry_run)
		shape_print_report(&change->report);
}

static void shape_show_shrinking(const char *partition, uint64_t used_bytes, uint64_t limit_bytes,
				 void *ctx)
{
	char used[32], limit[32];

	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r\033[K%s: %s used, to come down to %s", partition,
		config_size_format(used_bytes, used, sizeof(used)),
		config_size_format(limit_bytes, limit, sizeof(limit)));
	if (used_bytes <= limit_bytes)
		fputs("\r\033[K", stderr);
}

void vcctl_listen(struct admin *admin)
{
	admin->say = shape_say;
	admin->warn = shape_warn;
	admin->show_partitions = vcctl_print_partitions;
	admin->show_change = shape_show_change;
	admin->show_shrinking = shape_show_shrinking;
}
